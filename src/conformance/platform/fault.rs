//! What goes wrong on demand, for one tenant.

use std::time::Duration;

/// Where it goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    Products,
    Exchange,
    Storage,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// The right answer, that much later.
    Slow(Duration),
    /// No answer, for as long as the other side waits; a minute at most.
    Silent,
    /// This status, with the body that the products give it.
    Status(u16),
    /// 429 with this many seconds in `Retry-After`.
    Limited(u64),
    /// 200 and half a JSON.
    Malformed,
    /// 200 and an HTML page.
    Html,
    /// 200, a content length, and the end of the connection before it.
    Cut,
    /// 200 and this many bytes of JSON.
    Huge(usize),
    /// 302 to this path of the same host.
    Redirect(&'static str),
    /// This status to a foreign host.
    RedirectAway(u16),
    /// The right answer, with a foreign host in every link to follow.
    LinksAway,
    /// This status, and whatever stood in `authorization`, in body and header.
    Echo(u16),
}

/// The faults of one tenant.
#[derive(Debug)]
pub(super) struct Faults {
    products: Fault,
    exchange: Fault,
    storage: Fault,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            products: Fault::None,
            exchange: Fault::None,
            storage: Fault::None,
        }
    }
}

impl Faults {
    pub(super) const fn of(&self, on: On) -> Fault {
        match on {
            On::Products => self.products,
            On::Exchange => self.exchange,
            On::Storage => self.storage,
        }
    }

    pub(super) const fn set(&mut self, on: On, fault: Fault) {
        match on {
            On::Products => self.products = fault,
            On::Exchange => self.exchange = fault,
            On::Storage => self.storage = fault,
        }
    }
}
