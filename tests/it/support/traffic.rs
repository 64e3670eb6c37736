//! Forge in front of several replicas: events and invocations, none of which may fail.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::Method;
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{caller::Caller, load::updated, remote::Remote};

const PATIENCE: Duration = Duration::from_mins(2);
/// Between two requests of one sender: the machine has other things to do.
const PAUSE: Duration = Duration::from_millis(10);

/// Requests from several senders, spread over the replicas that are in.
pub(crate) struct Traffic {
    state: watch::Sender<State>,
    senders: JoinSet<()>,
    stop: CancellationToken,
}

#[derive(Default)]
struct State {
    /// Those that are in, by process.
    replicas: Vec<(u32, Caller)>,
    /// Requests that each process has to answer.
    open: HashMap<u32, usize>,
    sent: Sent,
}

/// What was sent.
#[derive(Debug, Default, Clone)]
pub(crate) struct Sent {
    /// Pages whose events were acknowledged.
    pub(crate) pages: Vec<String>,
    /// Invocations on behalf of accounts that were answered.
    pub(crate) invocations: usize,
    /// What failed, and how.
    pub(crate) failures: Vec<String>,
}

impl Traffic {
    pub(crate) fn start(replicas: &[&Remote], senders: usize) -> Self {
        let state = watch::Sender::<State>::default();
        let stop = CancellationToken::new();
        let next = Arc::<AtomicUsize>::default();
        let mut traffic = Self {
            state: state.clone(),
            senders: JoinSet::new(),
            stop: stop.clone(),
        };
        for replica in replicas {
            traffic.add(replica);
        }
        for _ in 0..senders {
            let (state, next, stop) = (state.clone(), Arc::clone(&next), stop.clone());
            traffic.senders.spawn(async move {
                while !stop.is_cancelled() {
                    send(&state, next.fetch_add(1, Ordering::Relaxed)).await;
                    tokio::time::sleep(PAUSE).await;
                }
            });
        }
        traffic
    }

    /// Sends to that replica too.
    pub(crate) fn add(&self, replica: &Remote) {
        let entry = (replica.pid(), replica.anybody());
        self.state.send_modify(|state| state.replicas.push(entry));
    }

    /// Sends nothing more to that replica, and waits until it has answered everything.
    pub(crate) async fn remove(&self, replica: &Remote) {
        let pid = replica.pid();
        self.state
            .send_modify(|state| state.replicas.retain(|(other, _)| *other != pid));
        self.until(|state| state.open.get(&pid).is_none_or(|open| *open == 0))
            .await;
    }

    /// Waits until that much more was sent.
    pub(crate) async fn goes_on(&self, requests: usize) {
        let count = |state: &State| state.sent.pages.len() + state.sent.invocations;
        let enough = count(&self.state.borrow()) + requests;
        self.until(|state| count(state) >= enough).await;
    }

    /// Ends it; tells what was sent.
    pub(crate) async fn stop(self) -> Sent {
        self.stop.cancel();
        self.senders.join_all().await;
        self.state.borrow().sent.clone()
    }

    async fn until(&self, is_so: impl FnMut(&State) -> bool) {
        let mut state = self.state.subscribe();
        let mut is_so = is_so;
        let is_so = state.wait_for(|state| is_so(state) || !state.sent.failures.is_empty());
        let in_time = tokio::time::timeout(PATIENCE, is_so).await;
        assert!(in_time.is_ok(), "not so after {PATIENCE:?}");
        drop(in_time);
        let failures = &self.state.borrow().sent.failures;
        assert!(failures.is_empty(), "{failures:?}");
    }
}

/// An event, and every other time an invocation for one of forty accounts.
async fn send(state: &watch::Sender<State>, number: usize) {
    let mut chosen = None;
    state.send_modify(|state| {
        let Some((pid, caller)) = state.replicas.get(number / 2 % state.replicas.len().max(1))
        else {
            return;
        };
        *state.open.entry(*pid).or_default() += 1;
        chosen = Some((*pid, caller.clone()));
    });
    // While none is in, nothing is sent.
    let Some((pid, caller)) = chosen else {
        return;
    };
    let is_event = number.is_multiple_of(2);
    let page = format!("p{number}");
    let answer = if is_event {
        let forge = caller.fit(super::caller::Fit::of_platform).with_fit();
        let forge = forge.app_token().json(&updated(&page));
        forge.try_send(Method::POST, "/forge/events").await
    } else {
        let account = format!("557058:{:032}", number / 4 % 40);
        let path = format!("/api/accounts/{account}/content");
        let forge = caller.with_fit().app_token().user_token();
        forge.try_send(Method::GET, &path).await
    };
    state.send_modify(|state| {
        if let Some(open) = state.open.get_mut(&pid) {
            *open -= 1;
        }
        match answer {
            Ok(answer) if answer.status == if is_event { 202 } else { 200 } => {
                if is_event {
                    state.sent.pages.push(page);
                } else {
                    state.sent.invocations += 1;
                }
            }
            Ok(answer) => {
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                state
                    .sent
                    .failures
                    .push(format!("{number}: {} {text}", answer.status));
            }
            Err(error) => state.sent.failures.push(format!("{number}: {error:?}")),
        }
    });
}
