//! Every hour: to each subscriber what changed, as far as they may see it.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use serde::Deserialize;

use super::records::{Change, Digest, Subscription};
use crate::{
    AppActor, Error, ErrorCode, JobError, Tick,
    clock::Timestamp,
    ids::{AccountId, Product},
    storage::{Entry, Key, Metadata, StorageError},
};

/// More subscribers or changes than this are left for nobody: a bound on memory.
const MOST: usize = 10_000;
const PER_PAGE: u8 = 100;
/// Ids in one question: the address of a request has to stay short.
const IDS_AT_ONCE: usize = 100;
/// A digest does not grow without end; the oldest changes are left out.
const MOST_PAGES: usize = 200;
const AT_ONCE: usize = 4;
/// A query may not show for a moment what was just written (Forge storage REST:
/// "eventually consistent").
const LAG: Duration = Duration::from_mins(2);

/// One subscriber who may not be impersonated, or whose digest cannot be written, does not
/// stop the others. If any failed for a reason that may pass, the tick is tried again, and
/// those who have their digest of this tick are left alone.
pub(super) async fn send_digests(tick: Tick) -> Result<(), JobError> {
    let app = tick.as_app()?;
    let changes = Arc::new(entries::<Change>(&app, Change::prefix()?).await?);
    let subscribers = entries::<Subscription>(&app, Subscription::prefix()?).await?;
    let deliveries = subscribers.into_iter().map(|subscriber| {
        let (tick, app, changes) = (tick.clone(), app.clone(), Arc::clone(&changes));
        async move { deliver(&tick, &app, &subscriber.value.account_id, &changes).await }
    });
    let mut deliveries = stream::iter(deliveries).buffer_unordered(AT_ONCE);
    let mut failed = None;
    while let Some(delivered) = deliveries.next().await {
        match delivered {
            Ok(()) => {}
            Err(error) if error.code() == ErrorCode::ImpersonationDenied => {
                tracing::info!("a subscriber may not be impersonated and gets no digest");
            }
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(()), |error| Err(error.into()))
}

/// Writes the digest of one subscriber, unless this tick has written it before, or there
/// is nothing new and they have one.
async fn deliver(
    tick: &Tick,
    app: &AppActor,
    account: &AccountId,
    changes: &[Entry<Change>],
) -> Result<(), Error> {
    let (storage, key) = (app.storage(), Digest::key(account)?);
    let last = storage.get::<Digest>(&key).await?;
    let at = tick.received_at().unix() * 1000;
    if last.as_ref().is_some_and(|last| last.at == at) {
        return Ok(());
    }
    let candidates = news(changes, last.as_ref());
    let visible = if candidates.is_empty() {
        HashSet::new()
    } else {
        visible_to(tick, account, &candidates).await?
    };
    let mut pages: Vec<_> = candidates
        .into_iter()
        .filter(|change| visible.contains(&change.page_id))
        .cloned()
        .collect();
    if pages.is_empty() && last.is_some() {
        return Ok(());
    }
    // As Confluence writes moments, the order of the text is that of time.
    pages.sort_by(|one, other| (&other.at, &one.page_id).cmp(&(&one.at, &other.page_id)));
    pages.truncate(MOST_PAGES);
    storage.set(&key, &Digest { at, pages }).await?;
    Ok(())
}

/// What was written down since the last digest and does not stand in it.
fn news<'a>(changes: &'a [Entry<Change>], last: Option<&Digest>) -> Vec<&'a Change> {
    let since = last.map(|last| Timestamp::from_unix(last.at / 1000));
    let is_news = |change: &&Entry<Change>| {
        let fresh = match (since, change.updated_at) {
            (Some(since), Some(updated)) => updated.plus(LAG) >= since,
            _ => true,
        };
        fresh && !last.is_some_and(|last| last.pages.contains(&change.value))
    };
    let news = changes.iter().filter(is_news);
    news.map(|change| &change.value).collect()
}

/// Which of the pages Confluence shows to `account`.
async fn visible_to(
    tick: &Tick,
    account: &AccountId,
    changes: &[&Change],
) -> Result<HashSet<String>, Error> {
    #[derive(Deserialize)]
    struct Page {
        id: String,
    }
    let them = tick.as_account_in(account, &Product::Confluence).await?;
    let confluence = them.confluence()?;
    let mut visible = HashSet::new();
    for some in changes.chunks(IDS_AT_ONCE) {
        let ids: Vec<_> = some.iter().map(|change| change.page_id.as_str()).collect();
        let asked = confluence
            .get("/wiki/api/v2/pages")
            .query(&[("id", ids.join(","))])
            .query(&[("limit", IDS_AT_ONCE)]);
        visible.extend(
            asked
                .items::<Page>()
                .all()
                .await?
                .into_iter()
                .map(|page| page.id),
        );
    }
    Ok(visible)
}

async fn entries<T>(app: &AppActor, prefix: Key) -> Result<Vec<Entry<T>>, StorageError>
where
    T: serde::de::DeserializeOwned + Send + 'static,
{
    let query = app.storage().query().prefix(&prefix).limit(PER_PAGE);
    let mut found = query.metadata(&[Metadata::UpdatedAt]).entries::<T>();
    let mut entries = Vec::new();
    while entries.len() < MOST
        && let Some(entry) = found.try_next().await?
    {
        entries.push(entry);
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(page: &str, updated_at: i64) -> Entry<Change> {
        serde_json::from_value(json!({
            "key": format!("change:{page}"), "updatedAt": updated_at * 1000,
            "value": {"pageId": page, "title": page, "accountId": null, "at": null},
        }))
        .unwrap()
    }

    fn ids(changes: &[&Change]) -> Vec<String> {
        changes.iter().map(|it| it.page_id.clone()).collect()
    }

    #[test]
    fn the_first_digest_has_everything() {
        let changes = [change("1", 10), change("2", 20)];
        assert_eq!(ids(&news(&changes, None)), ["1", "2"]);
    }

    #[test]
    fn the_next_one_has_what_came_since_and_what_a_query_may_have_missed() {
        let last = Digest {
            at: 1_000_000,
            pages: vec![change("2", 990).value],
        };
        let changes = [
            change("1", 100),
            change("2", 990),
            change("3", 995),
            change("4", 2_000),
        ];
        assert_eq!(ids(&news(&changes, Some(&last))), ["3", "4"]);
    }
}
