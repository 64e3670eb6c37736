//! What rows say, whichever database they come from.

use std::{collections::HashSet, fmt::Display};

use super::{Claimed, JobId, Run};
use crate::{
    clock::Timestamp,
    store::{
        BoxError,
        rows::unsealed,
        seal::{Purpose, Sealer},
    },
};

/// A job that was claimed, its token still sealed: that is opened after the commit.
pub(in crate::store) struct Found {
    pub(in crate::store) claimed: Claimed,
    pub(in crate::store) sealed: Option<Vec<u8>>,
    pub(in crate::store) token_expires_at: Option<i64>,
}

impl Found {
    pub(in crate::store) fn open(self, sealer: &Sealer) -> Claimed {
        let Self {
            mut claimed,
            sealed,
            token_expires_at,
        } = self;
        let installation = claimed.installation;
        claimed.app_token = sealed.zip(token_expires_at).and_then(|(sealed, at)| {
            let expires_at = Timestamp::from_unix(at);
            unsealed(sealer, Purpose::JobToken, installation, &sealed, expires_at)
        });
        claimed
    }
}

/// A moment of a job.
pub(in crate::store) const fn moment(millis: i64) -> Timestamp {
    Timestamp::from_unix(millis.div_euclid(1000))
}

/// The runs whose jobs are not among those that are held.
pub(in crate::store) fn without(
    runs: impl Iterator<Item = Run>,
    held: impl IntoIterator<Item = JobId>,
) -> Vec<Run> {
    let held: HashSet<_> = held.into_iter().collect();
    runs.filter(|run| !held.contains(&run.job)).collect()
}

/// What can be read of a list; one damaged row does not hide the others.
pub(in crate::store) fn readable<T>(rows: impl IntoIterator<Item = Result<T, BoxError>>) -> Vec<T> {
    let read = |row: Result<T, BoxError>| match row {
        Ok(read) => Some(read),
        Err(cause) => {
            tracing::warn!(cause, "a job cannot be read and is left out");
            None
        }
    };
    rows.into_iter().filter_map(read).collect()
}

/// Tells of a job that is a dead letter because its row is damaged.
pub(in crate::store) fn unreadable(row: impl Display, cause: &BoxError) {
    tracing::error!(
        "job.row" = %row,
        cause = %cause,
        "a job cannot be read: it is a dead letter, and can only be purged"
    );
}
