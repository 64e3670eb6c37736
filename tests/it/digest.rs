//! The digest app under the emulated platform, from the first install to the last word.

use std::time::Duration;

use forge_remote::emulator::{
    Delivery, DeliveryState, FireEvent, Identity, Invocation, Invoke, Refused, Running, Settling,
    StoredItem,
};
use http::Method;
use serde_json::Value;

use crate::dev::{Dev, dev, json};

const LIMIT: Duration = Duration::from_secs(20);
/// Pages of the emulated site.
const OPEN: &str = "5341191";
const RESTRICTED: &str = "5341217";
const HIDDEN_FROM_THE_APP: &str = "7405594";

impl Dev {
    async fn send(&self, user: &str, method: Method, path: &str) -> Invocation {
        let account = self.account(user);
        let mut invoke = Invoke::get(&account, "digest-page", path);
        invoke.method = method;
        self.emulator.invoke(invoke).await.unwrap()
    }

    async fn subscribe(&self, user: &str) {
        let answer = json(
            &self.send(user, Method::PUT, "/api/subscription").await,
            200,
        );
        assert_eq!(answer["subscribed"], true);
    }

    /// Fires `avi:confluence:updated:page` and waits until the job has done its last call.
    async fn page_changes(&self, page: &str, calls: usize) -> Delivery {
        let mut event = FireEvent::new("avi:confluence:updated:page");
        event.subject = Some(page.to_owned());
        let fired = self.emulator.fire_event(&event).unwrap();
        assert_eq!(fired.len(), 1);
        self.done(fired[0].id, calls).await
    }

    async fn tick(&self, calls: usize) -> Delivery {
        let fired = self.emulator.fire_schedule("digest-hourly").unwrap();
        self.done(fired.id, calls).await
    }

    /// Waits until the delivery is acknowledged and its job has made so many calls.
    async fn done(&self, id: u64, calls: usize) -> Delivery {
        let done = self.emulator.wait_for(LIMIT, |emulator| {
            let delivery = emulator.delivery(id)?;
            (delivery.state.is_settled() && delivery.calls.len() >= calls).then_some(delivery)
        });
        let delivery = done.await.unwrap_or_else(|| {
            panic!("after {LIMIT:?}: {:#?}", self.emulator.delivery(id));
        });
        assert_eq!(delivery.state, DeliveryState::Delivered);
        delivery
    }

    /// The pages in the digest of that user, as that user gets it.
    async fn digest(&self, user: &str) -> Vec<String> {
        let invocation = self.send(user, Method::GET, "/api/digest").await;
        let digest = json(&invocation, 200);
        let pages = digest["pages"].as_array().unwrap();
        let mut ids: Vec<_> = pages
            .iter()
            .map(|page| page["pageId"].as_str().unwrap().to_owned())
            .collect();
        ids.sort_unstable();
        ids
    }

    fn stored(&self, prefix: &str) -> Vec<StoredItem> {
        let mut items = self.emulator.stored();
        items.retain(|item| item.key.starts_with(prefix));
        items
    }

    /// Waits until storage holds under the prefix what `ready` looks for.
    async fn stores<T>(&self, prefix: &str, ready: impl Fn(&[StoredItem]) -> Option<T>) -> T {
        let found = self
            .emulator
            .wait_for(LIMIT, |_: &Running| ready(&self.stored(prefix)));
        found.await.expect("it is stored in time")
    }
}

#[tokio::test]
async fn each_digest_holds_exactly_what_its_reader_may_see() {
    let dev = dev().await;
    dev.emulator.install().await.unwrap();
    let nobody_yet = dev.send("Jonas", Method::GET, "/api/digest").await;
    assert_eq!(json(&nobody_yet, 404)["error"]["code"], "not_found");
    dev.subscribe("Jonas").await;
    dev.subscribe("Priya").await;

    // One page is open, one is not for Priya, one not even for the app.
    dev.page_changes(OPEN, 2).await;
    dev.page_changes(RESTRICTED, 2).await;
    let hidden = dev.page_changes(HIDDEN_FROM_THE_APP, 1).await;
    dev.stores("change:", |changes| (changes.len() == 2).then_some(()))
        .await;
    assert_eq!(hidden.calls.len(), 1, "a page that is gone is dropped");

    // Two queries, then for each subscriber: last digest, exchange, pages, digest.
    let tick = dev.tick(10).await;
    assert_eq!(dev.stored("digest:").len(), 2);
    assert_eq!(dev.digest("Jonas").await, [OPEN, RESTRICTED]);
    assert_eq!(dev.digest("Priya").await, [OPEN]);
    let mira = dev.send("Mira", Method::GET, "/api/digest").await;
    assert_eq!(json(&mira, 404)["error"]["code"], "not_found");

    // The app wrote, and each subscriber read.
    let as_whom = |wanted: fn(&Identity) -> bool| {
        let calls = tick.calls.iter();
        calls.filter(|call| wanted(&call.identity)).count()
    };
    assert_eq!(as_whom(|it| matches!(it, Identity::Impersonated { .. })), 2);
    assert_eq!(as_whom(|it| matches!(it, Identity::User { .. })), 0);
    assert_eq!(dev.emulator.exchanges(), 2);
}

#[tokio::test]
async fn one_subscriber_who_cannot_be_impersonated_does_not_stop_the_others() {
    let dev = dev().await;
    dev.subscribe("Jonas").await;
    let gone = dev.emulator.deactivated_account();
    let change = serde_json::json!({"accountId": gone});
    let key = format!("subscription:{gone}");
    let id = dev.emulator.installation_id();
    let installed = dev.app.forge.installation(&id).await.unwrap();
    let storage = installed.as_app().unwrap().storage();
    storage.set(&key.parse().unwrap(), &change).await.unwrap();

    dev.page_changes(OPEN, 2).await;
    dev.tick(7).await;
    assert_eq!(dev.digest("Jonas").await, [OPEN]);
    assert_eq!(dev.stored("digest:").len(), 1);
}

#[tokio::test]
async fn a_subscription_can_be_looked_at_and_ended() {
    let dev = dev().await;
    let subscribed = async || {
        let asked = dev.send("Jonas", Method::GET, "/api/subscription").await;
        json(&asked, 200)["subscribed"] == Value::Bool(true)
    };
    assert!(!subscribed().await);
    dev.subscribe("Jonas").await;
    dev.subscribe("Jonas").await;
    assert!(subscribed().await);
    let ended = dev.send("Jonas", Method::DELETE, "/api/subscription").await;
    assert_eq!(ended.answer.unwrap().status, 204);
    assert!(!subscribed().await);
    assert!(dev.emulator.stored().is_empty());
}

#[tokio::test]
async fn the_app_that_goes_takes_everything_with_it() {
    let dev = dev().await;
    dev.subscribe("Jonas").await;
    dev.page_changes(OPEN, 2).await;
    dev.tick(6).await;
    assert_eq!(dev.emulator.stored().len(), 3);
    let id = dev.emulator.installation_id();
    assert!(dev.app.forge.installation(&id).await.is_ok());

    let left = dev.emulator.uninstall().await.unwrap();
    assert_eq!(left[0].answer().unwrap().status, 204);
    // The app's own word, and then the installation itself.
    let deletes = left[0]
        .calls
        .iter()
        .filter(|call| call.path.contains("delete"));
    assert!(deletes.count() > 0);
    let gone = dev.app.forge.installation(&id).await.unwrap_err();
    assert_eq!(gone.code().as_str(), "not_found");
}

#[tokio::test]
async fn an_installation_that_is_not_ready_yet_is_waited_for() {
    let dev = dev().await;
    dev.emulator.install().await.ok();
    dev.emulator.uninstall().await.unwrap();
    let settling = Settling {
        refused: Refused::Forbidden,
        lasts: Duration::from_secs(1),
    };
    let installed = dev.emulator.install_settling(settling).await.unwrap();
    let welcome = dev.done(installed[0].id, 2).await;
    let statuses: Vec<_> = welcome.calls.iter().map(|call| call.status).collect();
    assert_eq!(statuses.first().unwrap().as_u16(), 403);
    assert_eq!(statuses.last().unwrap().as_u16(), 200);
}

#[tokio::test]
async fn a_tick_that_comes_twice_runs_once() {
    let dev = dev().await;
    dev.subscribe("Jonas").await;
    dev.page_changes(OPEN, 2).await;
    dev.tick(6).await;
    let again = dev.emulator.fire_schedule("digest-hourly").unwrap();
    let again = dev.emulator.settled(again.id, LIMIT).await.unwrap();
    let answer = again.answer().unwrap().json().unwrap();
    assert_eq!(answer["duplicate"], true);
    assert!(again.calls.is_empty());
}
