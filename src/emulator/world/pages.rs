//! The Confluence content: two spaces and their pages.

use super::{Audience, BOT, JONAS, MIRA, PRIYA};

#[derive(Debug)]
pub(in crate::emulator) struct Space {
    pub(in crate::emulator) id: &'static str,
    pub(in crate::emulator) key: &'static str,
    pub(in crate::emulator) name: &'static str,
}

pub(in crate::emulator) const SPACES: &[Space] = &[
    Space {
        id: "65538",
        key: "ENG",
        name: "Engineering",
    },
    Space {
        id: "98306",
        key: "PPL",
        name: "People",
    },
];

#[derive(Debug)]
pub(in crate::emulator) struct Page {
    pub(in crate::emulator) id: &'static str,
    /// Key of its space.
    pub(in crate::emulator) space: &'static str,
    pub(in crate::emulator) title: &'static str,
    pub(in crate::emulator) author: &'static str,
    pub(in crate::emulator) created: &'static str,
    pub(in crate::emulator) version: u32,
    pub(in crate::emulator) body: &'static str,
    pub(in crate::emulator) audience: Audience,
}

impl Page {
    pub(in crate::emulator) fn space(&self) -> Option<&'static Space> {
        SPACES.iter().find(|space| space.key == self.space)
    }
}

pub(in crate::emulator) const PAGES: &[Page] = &[
    Page {
        id: "5341185",
        space: "ENG",
        title: "Release checklist for the mobile app",
        author: JONAS,
        created: "2026-08-03T09:30:00.000Z",
        version: 14,
        body: "<p>Two people, one build, and no release on a Friday.</p>",
        audience: Audience::Everyone,
    },
    Page {
        id: "5341191",
        space: "ENG",
        title: "On-call handbook",
        author: MIRA,
        created: "2026-02-11T13:05:00.000Z",
        version: 31,
        body: "<p>First say that you are on it. Then look at the dashboards.</p>",
        audience: Audience::Everyone,
    },
    Page {
        id: "5341202",
        space: "ENG",
        title: "Postmortem: the queue that never drained",
        author: JONAS,
        created: "2026-10-21T16:48:00.000Z",
        version: 6,
        body: "<p>The consumer acknowledged before it had stored anything.</p>",
        audience: Audience::Everyone,
    },
    Page {
        id: "5341217",
        space: "ENG",
        title: "How we rotate signing keys",
        author: MIRA,
        created: "2026-05-19T10:10:00.000Z",
        version: 9,
        body: "<p>The old key stays in the set until its last token has lapsed.</p>",
        // Restricted, and the app was let in: what it knows is not for everybody.
        audience: Audience::Only(&[MIRA, JONAS, BOT]),
    },
    Page {
        id: "5341226",
        space: "ENG",
        title: "Draft: moving the search index",
        author: JONAS,
        created: "2026-11-16T08:02:00.000Z",
        version: 2,
        body: "<p>Not ready to be read. Numbers are guesses.</p>",
        audience: Audience::Only(&[JONAS]),
    },
    Page {
        id: "7405573",
        space: "PPL",
        title: "Welcome to Quarry",
        author: PRIYA,
        created: "2025-11-30T12:00:00.000Z",
        version: 22,
        body: "<p>Your first week: meet people, break nothing, ask everything.</p>",
        audience: Audience::Everyone,
    },
    Page {
        id: "7405588",
        space: "PPL",
        title: "Parental leave, explained",
        author: PRIYA,
        created: "2026-03-08T09:15:00.000Z",
        version: 5,
        body: "<p>Tell us when you know. We do the forms with you.</p>",
        // The space's administrators keep apps away from it.
        audience: Audience::People,
    },
    Page {
        id: "7405594",
        space: "PPL",
        title: "Salary bands 2027",
        author: PRIYA,
        created: "2026-11-02T07:45:00.000Z",
        version: 3,
        body: "<p>For the two of us until the board has met.</p>",
        audience: Audience::Only(&[MIRA, PRIYA]),
    },
    Page {
        id: "7405601",
        space: "PPL",
        title: "Interview notes: designers, autumn round",
        author: PRIYA,
        created: "2026-10-05T14:20:00.000Z",
        version: 11,
        body: "<p>Portfolios first, titles never.</p>",
        audience: Audience::Only(&[PRIYA]),
    },
];
