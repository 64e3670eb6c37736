//! Who is let in: the places of a lane, and how many of them each installation holds.
//!
//! A request takes a [`Place`] when it arrives and gives it back once the last byte of its
//! answer is on its way. Whose place it is turns out when its FIT is verified; only then can
//! one installation be told from another, and kept from taking the service from the others.

mod refusals;
mod shares;

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
};

pub(crate) use self::refusals::{OVERLOAD_PAUSE, Reason, Refusals};
use self::shares::{Share, Shares};
use crate::{
    error::{Error, ErrorCode},
    ids::InstallationId,
};

/// An installation that holds no more than that is never refused for the others' sake.
const LEAST_SHARE: usize = 8;

/// The places of one lane. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Room(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    taken: AtomicUsize,
    pressed: AtomicBool,
    shares: Arc<Shares>,
    refusals: Refusals,
}

/// A place in a room, held until its last clone is dropped. It travels with the request, as
/// an extension, and with the body of the answer.
#[derive(Debug, Clone)]
pub(crate) struct Place(Arc<Held>);

#[derive(Debug)]
struct Held {
    room: Room,
    /// Unknown until the FIT is verified.
    share: OnceLock<Share>,
}

/// Every place is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("as many requests are served as there are places")]
pub(crate) struct Full;

/// The installation holds more than its share while there is little left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the installation holds more places than its share")]
pub(crate) struct Crowding;

impl Room {
    /// A room of `most` places, which tells those that it turns away to `refusals`.
    pub(crate) fn new(most: usize, refusals: Refusals) -> Self {
        Self(Arc::new(Inner {
            most,
            taken: AtomicUsize::new(0),
            pressed: AtomicBool::new(false),
            shares: Arc::default(),
            refusals,
        }))
    }

    /// Takes a place.
    pub(crate) fn enter(&self) -> Result<Place, Full> {
        // One too many is seen by whoever was one too many: nobody else waits for that.
        if self.0.taken.fetch_add(1, Relaxed) >= self.0.most {
            self.0.taken.fetch_sub(1, Relaxed);
            self.0.refusals.count(Reason::Full);
            return Err(Full);
        }
        Ok(Place(Arc::new(Held {
            room: self.clone(),
            share: OnceLock::new(),
        })))
    }

    /// Says whether requests are being shed, because there is more work than time.
    pub(crate) fn press(&self, pressed: bool) {
        self.0.pressed.store(pressed, Relaxed);
    }

    pub(crate) fn refusals(&self) -> &Refusals {
        &self.0.refusals
    }

    /// How many places there are.
    pub(crate) fn most(&self) -> usize {
        self.0.most
    }

    /// How many of them are taken. One more for a moment while somebody is turned away.
    pub(crate) fn taken(&self) -> usize {
        self.0.taken.load(Relaxed)
    }

    /// The places that each installation may hold now; no limit while there is room.
    fn fair_share(&self) -> Option<usize> {
        let taken = self.0.taken.load(Relaxed);
        // Kept for those who hold none yet: an installation that is alone does not get them.
        let reserve = self.0.most / 4;
        let open = self.0.most - reserve;
        let among = self.0.shares.at_work().max(1);
        if taken > open {
            return Some((self.0.most / among).max(LEAST_SHARE).min(open));
        }
        // There are places, but no time: what is at work already is what is to be shared.
        self.0
            .pressed
            .load(Relaxed)
            .then(|| (taken / among).max(LEAST_SHARE))
    }
}

impl Place {
    /// Puts the place on the account of that installation, whose FIT was verified.
    ///
    /// # Errors
    /// [`Crowding`] if it holds more than its share while there is little left.
    pub(crate) fn claim(&self, installation: &InstallationId) -> Result<(), Crowding> {
        let room = &self.0.room;
        let share = Share::one_more(&room.0.shares, installation);
        if let Some(fair) = room.fair_share()
            && share.held() > fair
        {
            room.0.refusals.count(Reason::Share);
            return Err(Crowding);
        }
        // A request has one FIT. Were there a second, its share would end here.
        let _ = self.0.share.set(share);
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.room.0.taken.fetch_sub(1, Relaxed);
    }
}

impl From<Crowding> for Error {
    fn from(error: Crowding) -> Self {
        let message =
            "This installation has more requests at work than its share. Try again in a moment.";
        Self::new(ErrorCode::Overloaded, message)
            .retry_after(OVERLOAD_PAUSE)
            .caused_by(error)
    }
}

#[cfg(test)]
mod tests;
