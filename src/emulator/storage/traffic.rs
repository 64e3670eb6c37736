//! How many bytes of one item are read and written in a second.

use std::{collections::BTreeMap, time::Duration};

use super::{
    address::Address,
    fault::{Code, Fault},
};
use crate::emulator::meter::Meter;

const WINDOW: Duration = Duration::from_secs(1);
/// Forge storage limits: 1 MB of writes and 12 MB of reads in a second and key. Which
/// megabyte is not said: the larger one is played.
const MAX_WRITTEN: usize = 1024 * 1024;
const MAX_READ: usize = 12 * 1024 * 1024;
/// Keys that are remembered before those whose second is over are forgotten.
const MAX_REMEMBERED: usize = 1024;

/// Reads and writes of the last second, by key.
#[derive(Default)]
pub(super) struct Traffic {
    reads: BTreeMap<Address, Meter>,
    writes: BTreeMap<Address, Meter>,
}

impl Traffic {
    pub(super) fn read(&mut self, address: &Address, bytes: usize) -> Result<(), Fault> {
        let admitted = admit(&mut self.reads, address, bytes, MAX_READ);
        admitted.ok_or_else(|| too_much("12 MB of one key are read"))
    }

    pub(super) fn write(&mut self, address: &Address, bytes: usize) -> Result<(), Fault> {
        let admitted = admit(&mut self.writes, address, bytes, MAX_WRITTEN);
        admitted.ok_or_else(|| too_much("1 MB of one key is written"))
    }
}

fn admit(
    meters: &mut BTreeMap<Address, Meter>,
    address: &Address,
    bytes: usize,
    most: usize,
) -> Option<()> {
    if meters.len() >= MAX_REMEMBERED {
        meters.retain(|_, meter| !meter.is_over());
    }
    let meter = meters
        .entry(address.clone())
        .or_insert_with(|| Meter::new(WINDOW));
    meter.admit(bytes, most).then_some(())
}

fn too_much(what: &str) -> Fault {
    let message = format!("At most {what} in a second.");
    Fault::new(Code::RateLimitExceeded, message)
}
