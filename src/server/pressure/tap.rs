//! Where the requests of a lane are counted and, under pressure, a part of them is shed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use super::{LENIENCE, beat::Beat};

/// As many requests of each lane are let in in every window, whatever the pressure: so few
/// are not what is too much, and no lane is closed for good.
pub(super) const ALWAYS: u32 = 4;
/// A part of all: one.
const WHOLE: u32 = 1 << 16;
/// Beside the part: what is too late is shed as well.
const PRESSED: u32 = 1 << 31;
/// 2^32 divided by the golden ratio. Its multiples, cut to 32 bits, are spread evenly, so that
/// of any few requests in a row about the right part is shed.
const GOLDEN: u32 = 0x9E37_79B9;

/// While requests are shed, one that is reached so late is shed as well, whatever its turn: it
/// has waited longer than whoever is let in should. After the machine has stood still for a
/// moment that empties the queue, where a smaller part of what comes would take windows.
pub(super) const TOO_LATE: Duration = Duration::from_millis(30).saturating_mul(LENIENCE);

/// A few atomic operations for each request.
#[derive(Debug)]
pub(in crate::server) struct Tap {
    came: AtomicU32,
    shed: AtomicU32,
    late: AtomicU32,
    beat: Arc<Beat>,
    /// Which part is shed, of [`WHOLE`], and whether there is [pressure](PRESSED).
    part: AtomicU32,
}

/// What came within a window, what of it was shed by plan, and what because it was late.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    pub(super) came: u32,
    pub(super) shed: u32,
    pub(super) late: u32,
}

impl Tap {
    /// A tap that lets everything in, and knows by `beat` how late it is.
    pub(in crate::server) fn new(beat: Arc<Beat>) -> Self {
        Self {
            came: AtomicU32::new(0),
            shed: AtomicU32::new(0),
            late: AtomicU32::new(0),
            beat,
            part: AtomicU32::new(0),
        }
    }

    /// Whether the next request is let in.
    pub(in crate::server) fn lets_in(&self) -> bool {
        let number = self.came.fetch_add(1, Relaxed);
        let part = self.part.load(Relaxed);
        if part == 0 || number < ALWAYS {
            return true;
        }
        if number.wrapping_mul(GOLDEN) >> 16 < part & !PRESSED {
            self.shed.fetch_add(1, Relaxed);
            return false;
        }
        if self.beat.lateness(Instant::now()) > TOO_LATE {
            self.late.fetch_add(1, Relaxed);
            return false;
        }
        true
    }

    /// Sheds that part of what comes, from 0 to 1, and under pressure what is too late.
    pub(in crate::server) fn shed(&self, part: f64, pressed: bool) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to 65536"
        )]
        let part = (part.clamp(0.0, 1.0) * f64::from(WHOLE)) as u32;
        let pressed = if pressed { PRESSED } else { 0 };
        self.part.store(part | pressed, Relaxed);
    }

    /// What was seen since the last time.
    pub(super) fn take(&self) -> Seen {
        Seen {
            came: self.came.swap(0, Relaxed),
            shed: self.shed.swap(0, Relaxed),
            late: self.late.swap(0, Relaxed),
        }
    }
}
