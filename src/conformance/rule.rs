//! What a rule is, and what becomes of it in one run.
//!
//! ```
//! use forge_remote::conformance::rule::{Failure, Group, Only, UnknownRule, Verdict, catalogue};
//!
//! for group in Group::ALL {
//!     let only: Only = group.as_str().parse()?;
//!     println!("{group}: {} rules", catalogue().filter(|rule| only.takes(rule)).count());
//! }
//!
//! fn told(verdict: &Verdict) -> String {
//!     match verdict {
//!         Verdict::Passed => "holds".to_owned(),
//!         Verdict::Failed(Failure { sent, came_back, .. }) => format!("{sent}: {came_back}"),
//!         Verdict::NotExercised { why } => format!("not tried: {why}"),
//!     }
//! }
//! # Ok::<(), UnknownRule>(())
//! ```

use std::{fmt, pin::Pin, str::FromStr};

pub use super::answer::Severity;
use super::check::Run;

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Which FITs are accepted, and how the others are refused.
    Authentication,
    /// What an answer looks like, how large it is, and how late.
    Contract,
    /// Who is who: installation and account come from the FIT.
    Identity,
    /// Which token goes where.
    Tokens,
    /// What the platform sends by itself.
    Events,
    /// What happens when something breaks.
    Resilience,
}

impl Group {
    /// All of them, in the order of a report.
    pub const ALL: [Self; 6] = [
        Self::Authentication,
        Self::Contract,
        Self::Identity,
        Self::Tokens,
        Self::Events,
        Self::Resilience,
    ];

    /// As `--only` and the reports write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::Contract => "contract",
            Self::Identity => "identity",
            Self::Tokens => "tokens",
            Self::Events => "events",
            Self::Resilience => "resilience",
        }
    }
}

impl Group {
    /// A rule of this group that must hold.
    pub(super) const fn must(
        self,
        id: &'static str,
        sentence: &'static str,
        source: &'static str,
        mend: &'static str,
        play: Play,
    ) -> Rule {
        Rule {
            id,
            group: self,
            severity: Severity::Must,
            sentence,
            source,
            mend,
            turn: Turn::Beside,
            play,
        }
    }

    /// A rule of this group that should hold.
    pub(super) const fn should(
        self,
        id: &'static str,
        sentence: &'static str,
        source: &'static str,
        mend: &'static str,
        play: Play,
    ) -> Rule {
        let mut rule = self.must(id, sentence, source, mend, play);
        rule.severity = Severity::Should;
        rule
    }
}

/// By itself, when the others are done: it would disturb them, is a load, or measures time.
pub(super) const fn alone(mut rule: Rule) -> Rule {
    rule.turn = Turn::Alone;
    rule
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One thing that a remote has to do, or to leave.
///
/// ```
/// use forge_remote::conformance::rule::catalogue;
///
/// let rule = catalogue().find(|rule| rule.id == "fit-expired-refused").unwrap();
/// println!("{}: {} To mend it: {}", rule.id, rule.sentence, rule.mend);
/// ```
pub struct Rule {
    /// Its name: it stays the same from release to release.
    pub id: &'static str,
    /// What it is about.
    pub group: Group,
    /// How much it weighs.
    pub severity: Severity,
    /// What is demanded, in a sentence.
    pub sentence: &'static str,
    /// Where the platform's documentation says so.
    pub source: &'static str,
    /// What to change in the remote when it is broken.
    pub mend: &'static str,
    /// Beside which others it can be played.
    pub(super) turn: Turn,
    /// Plays it.
    pub(super) play: Play,
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("id", &self.id)
            .field("group", &self.group)
            .field("severity", &self.severity)
            .finish_non_exhaustive()
    }
}

/// Every rule, in the order of a report.
pub fn catalogue() -> impl Iterator<Item = &'static Rule> {
    super::rules::ALL
        .iter()
        .copied()
        .flatten()
        .copied()
        .flatten()
}

/// Beside which others a rule can be played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Beside others: it has tenants of its own and breaks nothing that others use.
    Beside,
    /// When the others are done, and by itself: what it breaks, all would notice, or it measures
    /// time. Rules with this turn are played in the order of the catalogue.
    Alone,
}

/// A rule's function, as the catalogue holds it.
pub(super) type Play = for<'a> fn(&'a Run) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// What a rule's function gives: `Ok` is a rule that holds.
pub(super) type Outcome = Result<(), Miss>;

/// A rule that does not hold, or that nobody could try.
#[derive(Debug)]
pub(super) enum Miss {
    Failed(Failure),
    /// Why this remote gave no occasion.
    NotExercised(String),
}

/// How a rule was broken. No text of it holds a token that is worth something: whatever looks
/// like one is masked before anybody sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What was sent, or done.
    pub sent: String,
    /// What came back, or was seen.
    pub came_back: String,
    /// How to mend it, where that depends on what was seen.
    pub mend: Option<String>,
}

impl Miss {
    /// The rule is broken: what was sent, and what came of it.
    pub(super) fn failed(sent: impl Into<String>, came_back: impl Into<String>) -> Self {
        Self::Failed(Failure {
            sent: sent.into(),
            came_back: came_back.into(),
            mend: None,
        })
    }

    /// The rule could not be tried at this remote.
    pub(super) fn not_exercised(why: impl Into<String>) -> Self {
        Self::NotExercised(why.into())
    }
}

/// What became of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Passed,
    /// It is broken.
    Failed(Failure),
    /// The remote gave no occasion to try it: counted apart, and never as passed.
    NotExercised {
        /// What was missing.
        why: String,
    },
}

/// Rules that are to be played: a group, or one rule by its id.
///
/// ```
/// use forge_remote::conformance::rule::{Group, Only};
///
/// assert_eq!("contract".parse::<Only>().unwrap(), Only::Group(Group::Contract));
/// assert!("no-such-rule".parse::<Only>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Only {
    /// All rules of a group.
    Group(Group),
    /// One rule.
    Rule(&'static str),
}

impl Only {
    /// Whether `rule` is among them.
    #[must_use]
    pub fn takes(&self, rule: &Rule) -> bool {
        match self {
            Self::Group(group) => rule.group == *group,
            Self::Rule(id) => rule.id == *id,
        }
    }
}

/// Neither a group nor the id of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither a group nor a rule; `forge-remote check --list` shows them all")]
pub struct UnknownRule;

impl FromStr for Only {
    type Err = UnknownRule;

    fn from_str(text: &str) -> Result<Self, UnknownRule> {
        if let Some(group) = Group::ALL.iter().find(|group| group.as_str() == text) {
            return Ok(Self::Group(*group));
        }
        let rule = catalogue().find(|rule| rule.id == text);
        rule.map(|rule| Self::Rule(rule.id)).ok_or(UnknownRule)
    }
}
