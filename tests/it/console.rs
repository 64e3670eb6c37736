//! The console over a remote that works: traces, faults, and a command that can be run.

use std::time::Duration;

use forge_remote::emulator::{Delivery, Fault, FireEvent, Identity, Invocation, Invoke, Times};
use http::{HeaderMap, HeaderName, Method, StatusCode};
use serde_json::Value;

use crate::{
    dev::{Dev, dev, json},
    support::log::assert_no_secret,
};

const PATIENCE: Duration = Duration::from_secs(20);

impl Dev {
    async fn page(&self, path: &str) -> String {
        let url = format!("{}{path}", self.emulator.console_url());
        let sent = reqwest::get(url).await.unwrap();
        assert_eq!(sent.status(), 200, "{path}");
        sent.text().await.unwrap()
    }

    async fn invoked(&self, path: &str) -> Invocation {
        let invoke = Invoke::get(self.account("Mira"), "digest-page", path);
        self.emulator.invoke(invoke).await.unwrap()
    }

    /// What the remote answers while that is wrong once.
    async fn with_a_fault(&self, fault: Fault, path: &str) -> (StatusCode, Value) {
        self.emulator.switch_on(fault, Times::Always).unwrap();
        let invocation = self.invoked(path).await;
        self.emulator.switch_off(fault);
        let answer = invocation.answer.expect("an answer");
        for finding in &invocation.verdict {
            assert!(finding.passed, "{fault}: {}", finding.sentence);
        }
        (answer.status, answer.json().expect("JSON"))
    }

    async fn job_of(&self, id: u64, calls: usize) -> Delivery {
        let done = self.emulator.wait_for(PATIENCE, |emulator| {
            let delivery = emulator.delivery(id)?;
            (delivery.calls.len() >= calls).then_some(delivery)
        });
        done.await.expect("the job's calls in time")
    }
}

/// The lines of the tree: how deep each stands, and its text.
fn tree(html: &str) -> Vec<(usize, String)> {
    let table = html.split("<table class=\"trace\">").nth(1).unwrap();
    let table = table.split("</table>").next().unwrap();
    let lines = table.split("<tr class=\"depth-").skip(1);
    lines
        .map(|line| {
            let (depth, rest) = line.split_once("\">").unwrap();
            let mut text = String::new();
            for piece in rest.split('<').skip(1) {
                text.push_str(piece.split_once('>').map_or("", |(_, text)| text));
            }
            (depth.parse().unwrap(), text)
        })
        .collect()
}

#[tokio::test]
async fn an_invocation_is_one_tree_with_the_calls_it_caused() {
    let dev = dev().await;
    let path = format!("/api/accounts/{}/content", dev.account("Jonas"));
    let invocation = dev.invoked(&path).await;
    let _ = json(&invocation, 200);
    let html = dev.page(&format!("invocations/{}", invocation.id)).await;
    let lines = tree(&html);
    let depths: Vec<_> = lines.iter().map(|(depth, _)| *depth).collect();
    assert_eq!(depths, [0, 1, 1, 1]);
    assert!(lines[0].1.starts_with("Forge") && lines[0].1.contains("200"));
    for (line, who, what) in [
        (1, "Mira Okafor", "/wiki/rest/api/user/current"),
        (
            2,
            "app",
            "Exchange of the app token for that of Jonas Lindqvist",
        ),
        (3, "as Jonas Lindqvist", "/wiki/rest/api/content"),
    ] {
        let text = &lines[line].1;
        assert!(text.starts_with(who) && text.contains(what), "{text}");
    }
    assert_no_secret("the page", &html);
}

#[tokio::test]
async fn an_event_is_one_tree_with_its_attempts_and_its_job() {
    let dev = dev().await;
    dev.emulator.install().await.unwrap();
    dev.emulator
        .switch_on(Fault::DuplicateEvent, Times::Next(1))
        .unwrap();
    let event = FireEvent::new("avi:confluence:updated:page");
    let fired = dev.emulator.fire_event(&event).unwrap();
    assert_eq!(fired.len(), 2, "delivered twice on demand");
    let delivery = dev.job_of(fired[0].id, 2).await;
    assert!(matches!(delivery.calls[0].identity, Identity::App));
    let html = dev.page(&format!("events/{}", delivery.id)).await;
    assert!(html.contains("event: delivered twice"));
    let lines = tree(&html);
    assert!(lines[0].1.contains("Attempt 1") && lines[0].0 == 0);
    let read = lines
        .iter()
        .find(|(_, text)| text.contains("/wiki/api/v2/pages/"));
    let written = lines.iter().find(|(_, text)| text.contains("change:"));
    assert_eq!((read.unwrap().0, written.unwrap().0), (1, 1));
    assert_no_secret("the page", &html);
}

#[tokio::test]
async fn a_fit_that_is_wrong_on_demand_is_refused_for_what_is_wrong() {
    let dev = dev().await;
    for (fault, code) in [
        (Fault::FitExpired, "expired"),
        (Fault::FitWrongAudience, "wrong_audience"),
        (Fault::FitBadSignature, "bad_signature"),
        (Fault::FitUnknownKey, "unknown_key"),
    ] {
        let (status, body) = dev.with_a_fault(fault, "/api/invocation").await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{fault}");
        assert_eq!(body["error"]["code"], code, "{fault}");
    }
    let _ = json(&dev.invoked("/api/invocation").await, 200);
}

#[tokio::test]
async fn what_fails_behind_the_remote_on_demand_has_its_code() {
    let dev = dev().await;
    let as_jonas = format!("/api/accounts/{}/content", dev.account("Jonas"));
    let wait = Duration::from_mins(2);
    let fails = Fault::ProductFails(StatusCode::SERVICE_UNAVAILABLE);
    for (fault, path, status, code) in [
        (
            Fault::ProductUnauthorized,
            "/api/me",
            502,
            "upstream_unauthorized",
        ),
        (fails, "/api/me", 502, "upstream_error"),
        (Fault::GatewayDown, as_jonas.as_str(), 502, "upstream_error"),
        (Fault::TokensExpired, "/api/me", 403, "missing_user_token"),
        (
            Fault::StorageRateLimited,
            "/api/subscription",
            429,
            "rate_limited",
        ),
        // The last: the remote spares the product for as long as it was told to.
        (
            Fault::ProductRateLimited(wait),
            "/api/me",
            429,
            "rate_limited",
        ),
    ] {
        let (found, body) = dev.with_a_fault(fault, path).await;
        assert_eq!(found.as_u16(), status, "{fault}: {body}");
        assert_eq!(body["error"]["code"], code, "{fault}");
    }
    let marked = dev.page("").await;
    for text in ["product: 401", "gateway: down", "tokens: expired"] {
        assert!(marked.contains(text), "{text}");
    }
}

#[tokio::test]
async fn a_rotation_of_the_key_is_not_noticed() {
    let dev = dev().await;
    let _ = json(&dev.invoked("/api/invocation").await, 200);
    dev.emulator.rotate_signing_key().unwrap();
    let _ = json(&dev.invoked("/api/invocation").await, 200);
    dev.emulator.retire_old_key().unwrap();
    let _ = json(&dev.invoked("/api/invocation").await, 200);
}

/// The words of a command that has no quotes but single ones, and none within them.
fn words(command: &str) -> Vec<&str> {
    command.split('\'').map(str::trim).collect()
}

#[tokio::test]
async fn the_command_of_an_invocation_can_be_run() {
    let dev = dev().await;
    let invocation = dev.invoked("/api/me").await;
    let origin = dev.emulator.console_url();
    let origin = origin.trim_end_matches('/');
    let http = reqwest::Client::new();
    let sent = http.post(format!("{origin}/invocations/{}/curl", invocation.id));
    let html = sent.header("origin", origin).send().await.unwrap();
    let html = html.text().await.unwrap();
    let command = html.split("id=\"command\"").nth(1).unwrap();
    let command = command.split_once('>').unwrap().1;
    let command = command.split_once("</pre>").unwrap().0;
    let words = words(command);
    assert_eq!(words[0], "curl");
    let mut headers = HeaderMap::new();
    for pair in words[2..].chunks_exact(2) {
        assert!(pair[0].ends_with("--header"), "{}", pair[0]);
        let (name, value) = pair[1].split_once(": ").unwrap();
        let name: HeaderName = name.parse().unwrap();
        headers.insert(name, value.parse().unwrap());
    }
    let answer = http.request(Method::GET, words[1]).headers(headers);
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let me: Value = answer.json().await.unwrap();
    assert_eq!(me["accountId"], dev.account("Mira"));
    for path in ["", "site", "faults", "storage", "events", "invocations/1"] {
        assert_no_secret(path, &dev.page(path).await);
    }
}
