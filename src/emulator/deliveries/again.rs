//! A delivery once more, as a new one with attempts of its own.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use super::{Content, Parcel, deliver};
use crate::emulator::{
    events::FireError,
    journal::{Delivery, MAX_REQUEST_BODY, Occasion},
    platform::may_be_cut,
    stage::Stage,
};
use crate::manifest::TokenSwitches;

/// Fires the same event or schedule at the same module; the number of the new delivery.
pub(in crate::emulator) fn again(
    stage: &Arc<Stage>,
    delivery: &Delivery,
) -> Result<u64, FireError> {
    let installation = stage.installed.current().ok_or(FireError::NotInstalled)?;
    let parcel = parcel(stage, delivery)?;
    Ok(deliver(stage, &installation, parcel)?)
}

fn parcel(stage: &Stage, delivery: &Delivery) -> Result<Parcel, FireError> {
    if !matches!(delivery.occasion, Occasion::Event(_) | Occasion::Schedule) {
        return Err(FireError::Once);
    }
    // The first one: later ones say why they come again.
    let first = delivery.attempts.first().ok_or(FireError::NotSent)?;
    let request = &first.request;
    let body = request.body.as_deref();
    if may_be_cut(body, MAX_REQUEST_BODY) {
        return Err(FireError::Cut);
    }
    let brought_token = |(name, _): &(String, String)| name == "x-forge-oauth-system";
    let base = stage.remote.load();
    let base = base.path().trim_end_matches('/');
    let path = request.url.path();
    let mut path = path.strip_prefix(base).unwrap_or(path).to_owned();
    if let Some(query) = request.url.query() {
        path.push('?');
        path.push_str(query);
    }
    let endpoint_key = first.claims["app"]["module"]["key"].as_str();
    Ok(Parcel {
        occasion: delivery.occasion.clone(),
        module_key: delivery.module_key.clone(),
        endpoint_key: endpoint_key.unwrap_or_default().to_owned(),
        method: request.method.clone(),
        path,
        auth: TokenSwitches {
            app: request.headers.iter().any(brought_token),
            user: false,
        },
        content: content(&delivery.occasion, body),
        delay: Duration::ZERO,
        faults: Vec::new(),
    })
}

/// What the first attempt's body was made of.
fn content(occasion: &Occasion, body: Option<&str>) -> Content {
    let Some(value) = body.and_then(|body| serde_json::from_str::<Value>(body).ok()) else {
        return Content::Nothing;
    };
    match (occasion, value) {
        (Occasion::Event(_), Value::Object(mut fields)) => {
            let only = fields.len() == 1;
            match fields.remove("payload") {
                Some(event @ Value::Object(_)) if only => Content::Event {
                    event,
                    wrapped: true,
                },
                payload => {
                    fields.extend(payload.map(|payload| ("payload".to_owned(), payload)));
                    Content::Event {
                        event: Value::Object(fields),
                        wrapped: false,
                    }
                }
            }
        }
        (_, value) => Content::Json(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_comes_as_it_came() {
        let occasion = Occasion::Event("avi:confluence:updated:page".to_owned());
        for body in [
            r#"{"eventType":"avi:confluence:updated:page"}"#,
            r#"{"payload":{"eventType":"avi:confluence:updated:page"}}"#,
            r#"{"eventType":"a","payload":{}}"#,
            r#"{"payload":1}"#,
        ] {
            let again = content(&occasion, Some(body)).body(None).unwrap();
            let (again, body): (Value, Value) = (
                serde_json::from_str(&again).unwrap(),
                serde_json::from_str(body).unwrap(),
            );
            assert_eq!(again, body);
        }
        assert_eq!(
            content(&Occasion::Schedule, Some("{}")).body(None).unwrap(),
            "{}"
        );
        assert_eq!(content(&Occasion::Schedule, None).body(None), None);
    }
}
