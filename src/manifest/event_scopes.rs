//! The platform's events and the scopes that a trigger needs for them
//! (Forge product events; the command line's own map).

/// Events of one family that need the same scopes.
struct Group {
    /// `avi:<family>:`
    family: &'static str,
    /// Classic scopes, all of them needed.
    scopes: &'static [&'static str],
    /// Granular scopes that do as well, where they are known; all of them needed.
    granular: &'static [&'static str],
    /// What follows the family, separated by spaces.
    events: &'static str,
}

const SUMMARY: &str = "read:confluence-content.summary";
const SPACES: &str = "read:confluence-space.summary";
const ISSUE: &[&str] = &[
    "read:issue:jira",
    "read:issue-type:jira",
    "read:user:jira",
    "read:project:jira",
    "read:status:jira",
];
const PAGE: &[&str] = &[
    "read:page:confluence",
    "read:space:confluence",
    "read:user:confluence",
    "read:content.metadata:confluence",
];

const GROUPS: &[Group] = &[
    Group {
        family: "jira",
        scopes: &["read:jira-work"],
        granular: ISSUE,
        events: "created:issue updated:issue deleted:issue assigned:issue viewed:issue mentioned:issue",
    },
    Group {
        family: "jira",
        scopes: &["read:jira-work"],
        granular: &[],
        events: "commented:issue mentioned:comment deleted:comment \
            created:issuelink deleted:issuelink \
            created:worklog updated:worklog deleted:worklog \
            created:attachment deleted:attachment set:issue-property deleted:issue-property \
            created:component updated:component deleted:component \
            created:project updated:project archived:project unarchived:project \
            softdeleted:project restored:project deleted:project \
            created:version updated:version released:version unreleased:version archived:version \
            unarchived:version moved:version merged:version deleted:version",
    },
    Group {
        family: "jira",
        scopes: &["manage:jira-configuration"],
        granular: &[],
        events: "created:field updated:field trashed:field restored:field deleted:field \
            created:field:context updated:field:context deleted:field:context \
            updated:field:context:configuration \
            created:issuetype updated:issuetype deleted:issuetype \
            created:filter updated:filter deleted:filter \
            failed:expression timetracking:provider:changed changed:configuration",
    },
    Group {
        family: "jira",
        scopes: &["read:jira-user"],
        granular: &[],
        events: "created:user updated:user deleted:user",
    },
    Group {
        family: "jira-software",
        scopes: &["read:jira-work"],
        granular: &["read:sprint:jira-software"],
        events: "created:sprint started:sprint closed:sprint updated:sprint deleted:sprint",
    },
    Group {
        family: "jira-software",
        scopes: &["read:jira-work", "read:jira-user"],
        granular: &[],
        events: "created:board updated:board deleted:board configuration-changed:board",
    },
    Group {
        family: "jsm-entity",
        scopes: &["manage:jira-configuration"],
        granular: &[],
        events: "created:request-type updated:request-type deleted:request-type \
            created:request-type-group updated:request-type-group deleted:request-type-group \
            created:service-desk updated:service-desk deleted:service-desk \
            created:portal updated:portal",
    },
    Group {
        family: "confluence",
        scopes: &[SUMMARY],
        granular: PAGE,
        events: "created:page updated:page liked:page viewed:page archived:page unarchived:page \
            moved:page copied:page children_reordered:page permissions_updated:page restored:page \
            initialized:page started:page snapshotted:page published:page",
    },
    Group {
        family: "confluence",
        scopes: &[SUMMARY, "write:confluence-content"],
        granular: &[
            "read:page:confluence",
            "write:page:confluence",
            "read:space:confluence",
            "read:user:confluence",
            "read:content.metadata:confluence",
        ],
        events: "trashed:page deleted:page",
    },
    Group {
        family: "confluence",
        scopes: &[SUMMARY, "write:confluence-content"],
        granular: &[],
        events: "trashed:blogpost deleted:blogpost",
    },
    Group {
        family: "confluence",
        scopes: &[SUMMARY],
        granular: &[],
        events: "created:blogpost updated:blogpost liked:blogpost viewed:blogpost \
            permissions_updated:blogpost restored:blogpost \
            created:whiteboard moved:whiteboard copied:whiteboard permissions_updated:whiteboard \
            created:database moved:database copied:database permissions_updated:database \
            created:folder moved:folder copied:folder permissions_updated:folder \
            created:embed moved:embed copied:embed permissions_updated:embed \
            created:comment updated:comment liked:comment deleted:comment permissions_updated:comment \
            created:attachment updated:attachment viewed:attachment archived:attachment \
            unarchived:attachment trashed:attachment restored:attachment deleted:attachment \
            permissions_updated:attachment \
            created:custom_content updated:custom_content permissions_updated:custom_content \
            trashed:custom_content restored:custom_content deleted:custom_content",
    },
    Group {
        family: "confluence",
        scopes: &["read:confluence-content.all"],
        granular: &[],
        events: "created:task updated:task removed:task",
    },
    Group {
        family: "confluence",
        scopes: &[SPACES],
        granular: &["read:space:confluence"],
        events: "created:space:V2 updated:space:V2",
    },
    Group {
        family: "confluence",
        scopes: &[SPACES, "write:confluence-space"],
        granular: &["read:space:confluence", "write:space:confluence"],
        events: "deleted:space:V2 permissions_updated:space:V2",
    },
    Group {
        family: "confluence",
        scopes: &[SUMMARY, SPACES],
        granular: &[],
        events: "created:label added:label removed:label deleted:label",
    },
    Group {
        family: "confluence",
        scopes: &[SUMMARY, SPACES, "read:confluence-user"],
        granular: &[],
        events: "created:relation deleted:relation",
    },
    Group {
        family: "confluence",
        scopes: &["read:confluence-user"],
        granular: &["read:user:confluence"],
        events: "created:user deleted:user",
    },
    Group {
        family: "confluence",
        scopes: &["read:confluence-groups"],
        granular: &["read:group:confluence"],
        events: "created:group deleted:group",
    },
    // No source tells the scope of a search.
    Group {
        family: "confluence",
        scopes: &[],
        granular: &[],
        events: "performed:search",
    },
    Group {
        family: "bitbucket",
        scopes: &["read:repository:bitbucket"],
        granular: &[],
        events: "created:repository updated:repository push:repository deleted:repository \
            created:build-status updated:build-status created:commit-comment",
    },
    Group {
        family: "bitbucket",
        scopes: &["read:pullrequest:bitbucket"],
        granular: &[],
        events: "created:pullrequest updated:pullrequest fulfilled:pullrequest rejected:pullrequest \
            created:pullrequest-comment updated:pullrequest-comment deleted:pullrequest-comment \
            resolved:pullrequest-comment reopened:pullrequest-comment \
            updated:pullrequest-reviewer-status",
    },
    Group {
        family: "bitbucket",
        scopes: &["read:pipeline:bitbucket"],
        granular: &[],
        events: "pending:deployment started:deployment completed:deployment",
    },
    Group {
        family: "compass",
        scopes: &["read:component:compass"],
        granular: &[],
        events: "created:component_link updated:component_link deleted:component_link",
    },
    // Not in the current reference any more; apps in the wild still name the third.
    Group {
        family: "forge",
        scopes: &[],
        granular: &[],
        events: "installed:app upgraded:app uninstalled:app",
    },
];

/// Whether the platform has an event of that name.
pub(super) fn is_known(event: &str) -> bool {
    group_of(event).is_some()
}

/// Every event.
pub(super) fn names() -> impl Iterator<Item = String> {
    GROUPS.iter().flat_map(|group| {
        let events = group.events.split_ascii_whitespace();
        events.map(|event| format!("avi:{}:{event}", group.family))
    })
}

/// The scopes that the manifest lacks for an event; none for one that is not known.
pub(super) fn missing(event: &str, scopes: &[&str]) -> Vec<&'static str> {
    let Some(group) = group_of(event) else {
        return Vec::new();
    };
    if group.granular_will_do(scopes) {
        return Vec::new();
    }
    let classic = group.scopes.iter().copied();
    classic.filter(|scope| !scopes.contains(scope)).collect()
}

fn group_of(event: &str) -> Option<&'static Group> {
    let (family, event) = event.strip_prefix("avi:")?.split_once(':')?;
    GROUPS.iter().find(|group| {
        group.family == family
            && group
                .events
                .split_ascii_whitespace()
                .any(|known| known == event)
    })
}

impl Group {
    /// Where the granular set is not known, one scope of the product is taken for it:
    /// better a manifest too many than a good one refused.
    fn granular_will_do(&self, scopes: &[&str]) -> bool {
        if self.granular.is_empty() {
            let product = format!(":{}", self.family);
            return scopes
                .iter()
                .any(|scope| scope.matches(':').count() == 2 && scope.ends_with(&product));
        }
        self.granular.iter().all(|scope| scopes.contains(scope))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classic_scopes_or_the_whole_granular_set_open_an_event() {
        let page = "avi:confluence:updated:page";
        assert_eq!(missing(page, &[]), [SUMMARY]);
        assert!(missing(page, &[SUMMARY]).is_empty());
        assert!(missing(page, PAGE).is_empty());
        assert_eq!(missing(page, &PAGE[..3]), [SUMMARY]);
        assert_eq!(
            missing("avi:confluence:trashed:page", &[SUMMARY]),
            ["write:confluence-content"]
        );
    }

    #[test]
    fn names_are_compared_whole() {
        assert!(is_known("avi:confluence:created:space:V2"));
        for name in [
            "avi:confluence:created:space",
            "avi:jira:created:page",
            "created:page",
            "avi:confluence:created:page ",
        ] {
            assert!(!is_known(name), "{name}");
        }
        assert!(missing("avi:jira:invented:thing", &[]).is_empty());
    }
}
