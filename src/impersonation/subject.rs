//! Whom a token is for, and where.

use std::fmt;

use super::context::ContextId;
use crate::{
    cache::Lookup,
    ids::{AccountId, AppId, IcLabel, InstallationId},
};

/// An account that the app wants to act as, in one context of one installation.
///
/// It is what tokens are cached by: two subjects never share one. `Debug` does not show the account.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Subject {
    /// The app; the quota is counted by it. It comes from a verified FIT or the settings.
    pub app: AppId,
    /// The installation whose token is exchanged.
    pub installation: InstallationId,
    /// The Isolated Cloud that the installation lives in, if it does.
    pub ic_label: Option<IcLabel>,
    /// The context of the product that is going to be called.
    pub context: ContextId,
    /// The account.
    pub account: AccountId,
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("app", &self.app)
            .field("installation", &self.installation)
            .field("ic_label", &self.ic_label)
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

/// A subject as the cache keeps it: in one piece, whereas the parts of a [`Subject`] are shared
/// with the invocation that it comes from, and would outlive it one by one.
pub(super) struct Key {
    app: AppId,
    pub(super) installation: InstallationId,
    /// The rest, each on its line. Only the last part can have a line break in it.
    rest: Box<str>,
}

impl Subject {
    fn rest(&self) -> [&str; 5] {
        let (kind, place) = self.context.place();
        let label = self.ic_label.as_ref().map_or("", IcLabel::as_str);
        let product = self.context.product().as_str();
        [self.account.as_str(), place, label, kind, product]
    }
}

impl Lookup<Key> for Subject {
    fn is(&self, key: &Key) -> bool {
        let [lines @ .., last] = self.rest();
        let mut rest = Some(&*key.rest);
        for line in lines {
            rest = rest
                .and_then(|rest| rest.strip_prefix(line))
                .and_then(|rest| rest.strip_prefix('\n'));
        }
        self.app == key.app && self.installation == key.installation && rest == Some(last)
    }

    fn to_key(&self) -> Key {
        Key {
            app: self.app,
            installation: self.installation,
            rest: self.rest().join("\n").into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::{CloudId, Product},
        impersonation::tests::subject,
    };

    #[test]
    fn a_key_is_its_subjects_and_no_others() {
        let id = "00000000-4d08-4b6f-a3e1-5f20d8b9c647";
        let cloud: CloudId = id.parse().unwrap();
        let with = |context| Subject {
            context,
            ..subject()
        };
        let other = |name: &str| ContextId::site(Product::from(name), cloud.clone());
        let subjects = [
            subject(),
            Subject {
                app: id.parse().unwrap(),
                ..subject()
            },
            Subject {
                installation: id.parse().unwrap(),
                ..subject()
            },
            Subject {
                ic_label: Some("orange".parse().unwrap()),
                ..subject()
            },
            Subject {
                account: "5f3c9a1be8d2470071b64c0d".parse().unwrap(),
                ..subject()
            },
            Subject {
                account: "5f3c9a1be8d2470071b64c0".parse().unwrap(),
                ..subject()
            },
            with(other("confluence")),
            with(other("jira")),
            with(other("bitbucket")),
            with(ContextId::workspace(id.parse().unwrap())),
            // What a FIT may say: nothing of it reads as another part.
            with(other("")),
            with(other("\n")),
            with(other("jira\n")),
            with(other("\njira")),
        ];
        for (at, one) in subjects.iter().enumerate() {
            let key = one.to_key();
            for (index, subject) in subjects.iter().enumerate() {
                assert_eq!(subject.is(&key), at == index, "{subject:?} and {one:?}");
            }
        }
    }
}
