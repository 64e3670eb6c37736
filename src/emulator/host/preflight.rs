//! Why a browser would not send a call or show its answer: browsers keep that from scripts.
//!
//! The same preflight is asked once more from here, where its answer can be read.

use std::{borrow::Cow, time::Duration};

use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use url::Url;

use crate::{
    conformance::answer::{Finding, Severity},
    emulator::stage::Stage,
};

const LIMIT: Duration = Duration::from_secs(3);

const MEND: &str = "Answer `OPTIONS` with 2xx and without a FIT, and name the origin, the method and the headers in `access-control-allow-*`; the origin on errors too. With this crate: add the origin to `server.cors_origins`.";

/// A call as the browser announces it.
#[derive(Debug)]
pub(super) struct Announced<'a> {
    pub(super) origin: &'a str,
    pub(super) method: &'a Method,
    /// Names of the headers beside `authorization`, in lower case.
    pub(super) headers: Vec<&'a str>,
}

/// Asks the remote as a browser does before the call, and says what is wrong with the answer.
pub(super) async fn explain(stage: &Stage, url: &Url, announced: &Announced<'_>) -> Finding {
    let request = stage
        .client
        .request(Method::OPTIONS, url.clone())
        .header(header::ORIGIN, announced.origin)
        .header(
            header::ACCESS_CONTROL_REQUEST_METHOD,
            announced.method.as_str(),
        )
        .header(
            header::ACCESS_CONTROL_REQUEST_HEADERS,
            announced.asked().join(","),
        );
    let sentence = match tokio::time::timeout(LIMIT, request.send()).await {
        Ok(Ok(answer)) => announced.judge(answer.status(), answer.headers()),
        Ok(Err(_)) => Cow::Borrowed("Nobody answers at that address: start the remote."),
        Err(_) => Cow::Borrowed("The remote does not answer the preflight (`OPTIONS`)."),
    };
    Finding {
        rule: "cors",
        sentence,
        passed: false,
        severity: Severity::Must,
        mend: MEND,
    }
}

impl Announced<'_> {
    /// The headers that a browser asks leave for: all but those of a plain form.
    fn asked(&self) -> Vec<&str> {
        let own = self.headers.iter().copied();
        let mut asked: Vec<_> = own
            .filter(|name| !matches!(*name, "accept" | "accept-language" | "content-language"))
            .chain(["authorization"])
            .collect();
        asked.sort_unstable();
        asked.dedup();
        asked
    }

    fn judge(&self, status: StatusCode, headers: &HeaderMap) -> Cow<'static, str> {
        let Self { origin, method, .. } = self;
        if !status.is_success() {
            return format!(
                "The preflight (`OPTIONS`) is answered with {status}, and browsers take 2xx only."
            )
            .into();
        }
        let text = |name: HeaderName| {
            let value = headers.get(name)?;
            Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let listed = |name: HeaderName, wanted: &str| {
            let list = text(name).unwrap_or_default();
            list.split(',')
                .any(|one| one.trim() == "*" || one.trim().eq_ignore_ascii_case(wanted))
        };
        match text(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
            Some(allowed) if allowed == "*" || allowed == *origin => {}
            Some(other) => {
                return format!("The remote allows the origin `{other}`, and not `{origin}`.")
                    .into();
            }
            None => return format!("The remote does not allow the origin `{origin}`.").into(),
        }
        // Three methods need no leave.
        let plain = [Method::GET, Method::HEAD, Method::POST].contains(method);
        if !plain && !listed(header::ACCESS_CONTROL_ALLOW_METHODS, method.as_str()) {
            return format!("The remote does not allow the method {method} from another origin.")
                .into();
        }
        // `*` does not stand for `authorization`.
        let literally = text(header::ACCESS_CONTROL_ALLOW_HEADERS).unwrap_or_default();
        let missing = self.asked().into_iter().find(|name| match *name {
            "authorization" => !literally
                .split(',')
                .any(|one| one.trim().eq_ignore_ascii_case("authorization")),
            name => !listed(header::ACCESS_CONTROL_ALLOW_HEADERS, name),
        });
        if let Some(name) = missing {
            return format!("The remote does not allow the header `{name}` from another origin.")
                .into();
        }
        "The preflight is answered well: the answer itself lacks `access-control-allow-origin`, or the connection broke.".into()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn judged(status: u16, headers: &[(HeaderName, &'static str)]) -> String {
        let announced = Announced {
            origin: "http://127.0.0.1:4000",
            method: &Method::PUT,
            headers: vec!["content-type", "accept"],
        };
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect();
        announced
            .judge(StatusCode::from_u16(status).unwrap(), &headers)
            .into_owned()
    }

    #[test]
    fn each_thing_that_a_preflight_lacks_is_named() {
        const ORIGIN: HeaderName = header::ACCESS_CONTROL_ALLOW_ORIGIN;
        const METHODS: HeaderName = header::ACCESS_CONTROL_ALLOW_METHODS;
        const HEADERS: HeaderName = header::ACCESS_CONTROL_ALLOW_HEADERS;
        let ours = (ORIGIN, "http://127.0.0.1:4000");
        let put = (METHODS, "GET, put");
        for (status, headers, word) in [
            (401, vec![], "401"),
            (
                200,
                vec![],
                "does not allow the origin `http://127.0.0.1:4000`",
            ),
            (
                200,
                vec![(ORIGIN, "https://a.example")],
                "`https://a.example`, and not",
            ),
            (200, vec![ours.clone()], "the method PUT"),
            (
                200,
                vec![(ORIGIN, "*"), put.clone(), (HEADERS, "*")],
                "`authorization`",
            ),
            (
                200,
                vec![ours.clone(), put.clone(), (HEADERS, "Authorization")],
                "`content-type`",
            ),
            (
                204,
                vec![ours, put, (HEADERS, "authorization, content-type")],
                "answered well",
            ),
        ] {
            let sentence = judged(status, &headers);
            assert!(sentence.contains(word), "{word}: {sentence}");
        }
    }
}
