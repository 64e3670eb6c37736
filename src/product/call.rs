//! What is called, in words that may stand in a log line.

use std::{fmt, sync::Arc};

use http::Method;

/// An API that a client speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Api {
    /// Confluence.
    Confluence,
    /// Jira, with Jira Software and Jira Service Management.
    Jira,
    /// Bitbucket.
    Bitbucket,
    /// The GraphQL gateway.
    GraphQl,
    /// Forge storage.
    Storage,
}

impl Api {
    pub(super) const COUNT: usize = Self::Storage as usize + 1;

    /// The name in a log field and in a metric's label.
    ///
    /// ```
    /// # use forge_remote::product::Api;
    /// assert_eq!(Api::GraphQl.as_str(), "graphql");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confluence => "confluence",
            Self::Jira => "jira",
            Self::Bitbucket => "bitbucket",
            Self::GraphQl => "graphql",
            Self::Storage => "storage",
        }
    }

    /// The name in a sentence.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Confluence => "Confluence",
            Self::Jira => "Jira",
            Self::Bitbucket => "Bitbucket",
            Self::GraphQl => "Atlassian's GraphQL gateway",
            Self::Storage => "Forge storage",
        }
    }
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One call: API, method and route, as in `confluence GET /wiki/api/v2/pages/{id}`.
///
/// The route is the path as the program wrote it, before values replaced its `{names}`,
/// and never has a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub(super) api: Api,
    pub(super) method: Method,
    pub(super) route: Arc<str>,
}

impl Call {
    /// The API.
    #[must_use]
    pub const fn api(&self) -> Api {
        self.api
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The route.
    #[must_use]
    pub fn route(&self) -> &str {
        &self.route
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.api, self.method, self.route)
    }
}
