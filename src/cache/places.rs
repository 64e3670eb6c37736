//! Where each entry lies: an open table of tags and places, eight to a line of memory.

/// A tag and the place of its entry. The tag is half of the hash: what it says is almost
/// always right, and the table grows without a look at the entries.
#[derive(Clone, Copy)]
struct Slot {
    tag: u32,
    place: u32,
}

const FREE: Slot = Slot {
    tag: 0,
    place: u32::MAX,
};

impl Slot {
    const fn is_free(self) -> bool {
        self.place == u32::MAX
    }
}

/// Tags with their places, by linear probing: a hit reads one line, at most two.
pub(super) struct Places {
    /// A power of two of them, at most three quarters in use.
    slots: Box<[Slot]>,
    used: usize,
}

impl Places {
    pub(super) fn new() -> Self {
        Self {
            slots: Box::new([FREE; 4]),
            used: 0,
        }
    }

    /// The place with that tag which `is` the one that is looked for.
    pub(super) fn find(&self, tag: u32, mut is: impl FnMut(usize) -> bool) -> Option<usize> {
        let mut at = self.home(tag);
        loop {
            let slot = self.slots[at];
            if slot.is_free() {
                return None;
            }
            if slot.tag == tag && is(slot.place as usize) {
                return Some(slot.place as usize);
            }
            at = self.next(at);
        }
    }

    /// Lists a place that is not listed.
    pub(super) fn insert(&mut self, tag: u32, place: usize) {
        if self.used * 4 >= self.slots.len() * 3 {
            self.grow();
        }
        self.used += 1;
        // A part holds its share of the ten million entries that can be configured.
        let place = u32::try_from(place).unwrap_or(u32::MAX - 1);
        self.settle(Slot { tag, place });
    }

    /// Its entry has moved.
    pub(super) fn moved(&mut self, tag: u32, from: usize, to: usize) {
        if let Some(at) = self.slot_of(tag, from) {
            self.slots[at].place = u32::try_from(to).unwrap_or(u32::MAX - 1);
        }
    }

    /// Its entry is gone. What stood behind it moves up, so that no search ends too early.
    pub(super) fn remove(&mut self, tag: u32, place: usize) {
        let Some(mut gap) = self.slot_of(tag, place) else {
            return;
        };
        let mut at = gap;
        loop {
            at = self.next(at);
            let slot = self.slots[at];
            if slot.is_free() {
                break;
            }
            if self.steps(self.home(slot.tag), at) >= self.steps(gap, at) {
                self.slots[gap] = slot;
                gap = at;
            }
        }
        self.slots[gap] = FREE;
        self.used -= 1;
    }

    fn slot_of(&self, tag: u32, place: usize) -> Option<usize> {
        let mut at = self.home(tag);
        loop {
            let slot = self.slots[at];
            if slot.is_free() {
                return None;
            }
            if slot.place as usize == place {
                return Some(at);
            }
            at = self.next(at);
        }
    }

    fn grow(&mut self) {
        let more = vec![FREE; self.slots.len() * 2].into_boxed_slice();
        for slot in std::mem::replace(&mut self.slots, more) {
            if !slot.is_free() {
                self.settle(slot);
            }
        }
    }

    /// There is a free slot.
    fn settle(&mut self, slot: Slot) {
        let mut at = self.home(slot.tag);
        while !self.slots[at].is_free() {
            at = self.next(at);
        }
        self.slots[at] = slot;
    }

    const fn home(&self, tag: u32) -> usize {
        tag as usize & (self.slots.len() - 1)
    }

    const fn next(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }

    const fn steps(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.slots.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(places: &Places, tag: u32, place: usize) -> bool {
        places.find(tag, |it| it == place) == Some(place)
    }

    #[test]
    fn each_place_is_found_while_others_come_and_go() {
        // Few tags, so that they stand in each other's way and around the end of the table.
        let tag = |place: usize| [0, 1, 3, u32::MAX, u32::MAX - 1][place % 5];
        let mut places = Places::new();
        let mut listed = Vec::new();
        let mut random = 7_usize;
        for round in 0..2_000 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let comes = listed.len() < 3 || (listed.len() < 60 && (random >> 33).is_multiple_of(2));
            if comes {
                places.insert(tag(round), round);
                listed.push(round);
            } else {
                let gone = listed.swap_remove((random >> 34) % listed.len());
                places.remove(tag(gone), gone);
                assert!(!found(&places, tag(gone), gone));
            }
            for place in &listed {
                assert!(
                    found(&places, tag(*place), *place),
                    "{place} in round {round}"
                );
            }
            assert_eq!(places.used, listed.len());
        }
    }

    #[test]
    fn a_quarter_of_the_slots_stays_free() {
        let mut places = Places::new();
        for place in 0..1_000 {
            places.insert(u32::try_from(place * 7).unwrap(), place);
            assert!(places.used * 4 <= places.slots.len() * 3);
        }
        assert_eq!(places.slots.len(), 2_048);
    }

    #[test]
    fn a_place_that_has_moved_is_found_where_it_is() {
        let mut places = Places::new();
        places.insert(5, 0);
        places.insert(5, 1);
        places.moved(5, 1, 7);
        assert!(found(&places, 5, 7) && found(&places, 5, 0) && !found(&places, 5, 1));
    }
}
