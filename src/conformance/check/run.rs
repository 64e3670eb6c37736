//! What a rule has at hand: the platform, the remote, and what is known of the remote so far.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tokio::{
    sync::{OnceCell, RwLock},
    time::Instant,
};

use super::{Door, DoorKind, Limits, Settings};
use crate::conformance::{
    platform::{Fit, Kind, Platform, Seen, Speaker, Tenant, event},
    rule::Miss,
    rules::{KeyPlay, RestartPlay},
    wire::{Answer, Answered, Call, Wire, describe},
};

/// Between two tries while the remote is not there yet.
const PAUSE: Duration = Duration::from_millis(250);

/// More than a remote takes for a call that waits for nothing: whoever is slower is slow.
const PATIENCE: Duration = Duration::from_secs(10);

/// One run against one remote.
pub(in crate::conformance) struct Run {
    pub(in crate::conformance) platform: Platform,
    pub(in crate::conformance) wire: Wire,
    pub(in crate::conformance) limits: Limits,
    pub(super) restart_command: Option<String>,
    /// What becomes of a rotation and an outage of the key set: played once in a run.
    pub(in crate::conformance) key_play: OnceCell<KeyPlay>,
    /// Held for writing while the key set is out of order: whoever sends FITs by keys that are in
    /// no set holds it for reading, for the answer to those is another one then.
    pub(in crate::conformance) keys_in_order: RwLock<()>,
    /// What becomes of a restart: played once in a run.
    pub(in crate::conformance) restart_play: OnceCell<RestartPlay>,
    pub(super) event_worker: OnceCell<Option<super::work::Worker>>,
    pub(super) tick_worker: OnceCell<Option<super::work::Worker>>,
    doors: Vec<Door>,
    probed: OnceCell<Vec<Probed>>,
}

/// A door, what it answered to a call as it should be, and what the platform was asked meanwhile.
#[derive(Debug, Clone)]
pub(in crate::conformance) struct Probed {
    pub(in crate::conformance) door: Door,
    pub(in crate::conformance) answered: Answered,
    /// Until the answer: what is done after an acknowledgement is not in it.
    pub(in crate::conformance) calls: Vec<Arc<Seen>>,
}

impl Probed {
    /// Answered with 2xx.
    pub(in crate::conformance) fn is_healthy(&self) -> bool {
        matches!(&self.answered, Ok(answer) if answer.is_success())
    }

    /// Whether the platform was asked for something of this kind.
    pub(in crate::conformance) fn asked(&self, kind: Kind) -> bool {
        self.calls.iter().any(|seen| seen.kind == kind)
    }

    /// Whether a product was asked in the name of a user in session.
    pub(in crate::conformance) fn asked_as_user(&self) -> bool {
        let as_user = |seen: &Arc<Seen>| {
            matches!(
                &seen.bearer,
                crate::conformance::platform::Bearer::Of {
                    speaker: Speaker::User(_),
                    ..
                }
            )
        };
        self.calls
            .iter()
            .any(|seen| seen.kind == Kind::Product && as_user(seen))
    }

    /// Whether a product was asked in the app's name.
    pub(in crate::conformance) fn asked_as_app(&self) -> bool {
        let mut calls = self.calls.iter();
        calls.any(|seen| seen.kind == Kind::Product && seen.spoke(&Speaker::App))
    }
}

impl Run {
    pub(super) fn new(
        platform: Platform,
        wire: Wire,
        doors: Vec<Door>,
        settings: &Settings,
    ) -> Self {
        Self {
            platform,
            wire,
            limits: settings.limits,
            restart_command: settings.restart_command.clone(),
            key_play: OnceCell::new(),
            keys_in_order: RwLock::new(()),
            restart_play: OnceCell::new(),
            event_worker: OnceCell::new(),
            tick_worker: OnceCell::new(),
            doors,
            probed: OnceCell::new(),
        }
    }

    /// A new installation with a site and users of its own. Every rule takes its own.
    pub(in crate::conformance) fn tenant(&self) -> Tenant {
        self.platform.tenant()
    }

    /// Every door that the manifest and the command name, whether it works or not.
    pub(in crate::conformance) fn doors(&self) -> &[Door] {
        &self.doors
    }

    /// Every door of pages, and the first for each path that the platform calls by itself, each
    /// with what came of a good call. Done once in a run.
    pub(in crate::conformance) async fn probed(&self) -> &[Probed] {
        self.probed.get_or_init(|| self.probe_all()).await
    }

    async fn probe_all(&self) -> Vec<Probed> {
        let mut probed: Vec<Probed> = Vec::new();
        for door in &self.doors {
            let known = |it: &Probed| !door.is_ui() && it.door.path == door.path;
            // What ends an installation is not tried out before there is a rule for it.
            if probed.iter().any(known) || door.kind == DoorKind::Uninstall {
                continue;
            }
            let tenant = self.tenant();
            let answered = self.ask(&self.good(door, &tenant)).await;
            let calls = self.platform.journal().of(&tenant);
            probed.push(Probed {
                door: door.clone(),
                answered,
                calls,
            });
        }
        probed
    }

    /// Every door that is there: without those of pages where a good call finds nothing.
    pub(in crate::conformance) async fn open_doors(&self) -> Vec<&Door> {
        let probed = self.probed().await;
        let nothing = |door: &&Door| {
            let same = |it: &&Probed| it.door.path == door.path && it.door.method == door.method;
            let answered = probed.iter().find(same).map(|it| &it.answered);
            matches!(answered, Some(Ok(answer)) if matches!(answer.status, 404 | 405))
        };
        self.doors
            .iter()
            .filter(|door| !(door.is_ui() && nothing(door)))
            .collect()
    }

    /// The door that rules about FITs knock at: of a page if there is one that answers 2xx, else
    /// one of the platform's own that does.
    pub(in crate::conformance) async fn door(&self) -> Result<&Door, Miss> {
        let healthy = self.probed().await.iter().find(|it| it.is_healthy());
        healthy.map(|it| &it.door).ok_or_else(|| {
            Miss::not_exercised("no path of the remote answers a good invocation with 2xx")
        })
    }

    /// The doors of pages that answer 2xx.
    pub(in crate::conformance) async fn ui_doors(&self) -> Result<Vec<&Probed>, Miss> {
        let probed = self.probed().await.iter();
        let healthy: Vec<_> = probed
            .filter(|it| it.door.is_ui() && it.is_healthy())
            .collect();
        if healthy.is_empty() {
            let why = "no --ui-path answers a good invocation with 2xx";
            return Err(Miss::not_exercised(why));
        }
        Ok(healthy)
    }

    /// The first door of a page that answers 2xx and asks a product before it does.
    pub(in crate::conformance) async fn product_door(&self) -> Result<&Probed, Miss> {
        let ui = self.ui_doors().await?;
        let asks = ui.into_iter().find(|it| it.asked(Kind::Product));
        asks.ok_or_else(|| Miss::not_exercised("no --ui-path makes the remote call a product"))
    }

    /// The doors that the platform calls by itself, one for each path.
    pub(in crate::conformance) fn backend_doors(&self) -> Vec<&Door> {
        let mut doors: Vec<&Door> = Vec::new();
        for door in self.doors.iter().filter(|door| !door.is_ui()) {
            if !doors.iter().any(|known| known.path == door.path) {
                doors.push(door);
            }
        }
        doors
    }

    /// The doors of events and schedules, one for each path, that acknowledge a good call. That one
    /// does not is what `fit-backend-accepted` says, and no other rule says it again.
    pub(in crate::conformance) async fn healthy_backend_doors(&self) -> Vec<&Door> {
        let probed = self.probed().await.iter();
        let healthy = probed.filter(|it| !it.door.is_ui() && it.is_healthy());
        healthy.map(|it| &it.door).collect()
    }

    /// A good FIT for this door.
    pub(in crate::conformance) fn fit(&self, door: &Door, tenant: &Tenant) -> Fit {
        if door.is_ui() {
            return self.platform.fit(tenant);
        }
        self.platform.backend_fit(tenant, &door.endpoint)
    }

    /// A call as it should be, but for the FIT, which is missing: path and body, the app's token,
    /// and the user's where there is a user. An event is a new one each time.
    pub(in crate::conformance) fn call(&self, door: &Door, tenant: &Tenant) -> Call {
        let app = self.platform.token(tenant, Speaker::App);
        let call = self.tokenless(door, tenant).app_token(&app);
        if !door.is_ui() {
            return call;
        }
        let user = Speaker::User(tenant.user().to_owned());
        call.user_token(&self.platform.token(tenant, user))
    }

    /// The same without OAuth tokens.
    pub(in crate::conformance) fn tokenless(&self, door: &Door, tenant: &Tenant) -> Call {
        let account = tenant.users().last().map_or("", String::as_str);
        let path = door.path.replace("{account}", account);
        let call = Call::new(&door.method, &path);
        match &door.kind {
            DoorKind::Ui => match &door.body {
                Some(body) => call.json(body),
                None => call,
            },
            DoorKind::Event(event_type) => {
                call.json(&event(&self.platform, tenant, event_type, &fresh_id()))
            }
            DoorKind::Schedule(key) => {
                let context = json!({"cloudId": tenant.cloud_id(), "moduleKey": key});
                call.json(&json!({ "context": context }))
            }
            DoorKind::Uninstall => call.json(&json!({})),
        }
    }

    /// A call as it should be.
    pub(in crate::conformance) fn good(&self, door: &Door, tenant: &Tenant) -> Call {
        self.call(door, tenant).fit(&self.fit(door, tenant).token())
    }

    /// Sends it, on a connection of its own, and waits as long as nobody should have to.
    pub(in crate::conformance) async fn ask(&self, call: &Call) -> Answered {
        self.wire.ask(call, PATIENCE).await
    }

    /// The same with another patience.
    pub(in crate::conformance) async fn ask_within(
        &self,
        call: &Call,
        patience: Duration,
    ) -> Answered {
        self.wire.ask(call, patience).await
    }

    /// Sends it; that there is no answer breaks the rule.
    pub(in crate::conformance) async fn answer(&self, call: &Call) -> Result<Answer, Miss> {
        let answered = self.ask(call).await;
        answered.map_err(|none| Miss::failed(call.describe(), none.to_string()))
    }

    /// Sends it; anything but 2xx breaks the rule.
    pub(in crate::conformance) async fn success(&self, call: &Call) -> Result<Answer, Miss> {
        let answer = self.answer(call).await?;
        if answer.is_success() {
            return Ok(answer);
        }
        Err(Miss::failed(call.describe(), answer.describe()))
    }

    /// Waits until a good FIT is accepted. `tell` hears why it is not, when that changes; the
    /// error is the last reason.
    pub(in crate::conformance) async fn until_accepted(
        &self,
        patience: Duration,
        mut tell: impl FnMut(&str),
    ) -> Result<(), String> {
        let Some(door) = self.doors.first() else {
            return Err("there is no path to call".to_owned());
        };
        let deadline = Instant::now() + patience;
        let tenant = self.tenant();
        let mut last = String::new();
        loop {
            let answered = self.ask(&self.good(door, &tenant)).await;
            // Whatever else it says: it has verified the FIT.
            if matches!(&answered, Ok(answer) if answer.status != 401 && answer.status < 500) {
                return Ok(());
            }
            let unfetched =
                self.platform.keys().is_ours() && self.platform.journal().key_fetches() == 0;
            let hint = match &answered {
                Ok(answer) if answer.status == 401 && unfetched => {
                    "; it has not fetched this checker's key set"
                }
                _ => "",
            };
            let said = super::mask::mask(&describe(&answered));
            let now = format!("{}: {said}{hint}", door.name());
            if now != last {
                tell(&now);
                last = now;
            }
            if Instant::now() + PAUSE > deadline {
                return Err(last);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// An id of content that no event had before: nine digits, as ids of pages are.
pub(in crate::conformance) fn fresh_id() -> String {
    let random = uuid::Uuid::new_v4().as_u128() % 900_000_000;
    (100_000_000 + random).to_string()
}
