//! Where the requests of a lane are counted and, under pressure, a part of them is shed.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// As many requests of each lane are let in in every window, whatever the pressure: so few
/// are not what is too much, and no lane is closed for good.
pub(super) const ALWAYS: u32 = 4;
/// A part of all: one.
const WHOLE: u32 = 1 << 16;
/// 2^32 divided by the golden ratio. Its multiples, cut to 32 bits, are spread evenly, so that
/// of any few requests in a row about the right part is shed.
const GOLDEN: u32 = 0x9E37_79B9;

/// A few atomic operations for each request.
#[derive(Debug, Default)]
pub(in crate::server) struct Tap {
    came: AtomicU32,
    shed: AtomicU32,
    /// Which part is shed, of [`WHOLE`].
    part: AtomicU32,
}

/// What came within a window, and what of it was shed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    pub(super) came: u32,
    pub(super) shed: u32,
}

impl Tap {
    /// Whether the next request is let in.
    pub(in crate::server) fn lets_in(&self) -> bool {
        let number = self.came.fetch_add(1, Relaxed);
        let part = self.part.load(Relaxed);
        if part == 0 || number < ALWAYS || number.wrapping_mul(GOLDEN) >> 16 >= part {
            return true;
        }
        self.shed.fetch_add(1, Relaxed);
        false
    }

    /// Sheds that part of what comes, from 0 to 1.
    pub(in crate::server) fn shed(&self, part: f64) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to 65536"
        )]
        let part = (part.clamp(0.0, 1.0) * f64::from(WHOLE)) as u32;
        self.part.store(part, Relaxed);
    }

    /// What was seen since the last time.
    pub(super) fn take(&self) -> Seen {
        Seen {
            came: self.came.swap(0, Relaxed),
            shed: self.shed.swap(0, Relaxed),
        }
    }
}
