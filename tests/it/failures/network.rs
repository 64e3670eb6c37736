//! The way to a product fails before anything is said.

use std::time::Duration;

use futures_util::future::{join, join_all};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::{app, in_time, of_site, others_are_answered, read, setup};
use crate::support::{app::TestApp, wire::nobody};

/// A listener that has as many connections as it takes, so that the next one gets no answer
/// at all: as behind a wall that drops what it does not let through.
struct Blackhole {
    url: String,
    _listener: TcpListener,
    _taken: Vec<TcpStream>,
}

impl Blackhole {
    async fn dig() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut taken = Vec::new();
        // A connection that is taken is taken at once.
        let wait = Duration::from_millis(500);
        while let Ok(stream) = tokio::time::timeout(wait, TcpStream::connect(address)).await {
            taken.push(stream.unwrap());
            assert!(taken.len() < 100, "it takes them all");
        }
        Self {
            url: format!("http://{address}"),
            _listener: listener,
            _taken: taken,
        }
    }
}

#[tokio::test]
async fn a_product_that_is_down_is_an_upstream_error() {
    let app = app().await;
    let url = nobody().await;
    let calls = join_all((0..20).map(|_| read(&app, &url)));
    let (answers, ()) = join(calls, others_are_answered(&app)).await;
    for answer in answers {
        let _ = answer.refused(502, "upstream_error");
    }
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_an_upstream_error() {
    let hosts = "127.0.0.1,api.invalid";
    let app = setup()
        .await
        .set("ATLASSIAN__API_HOSTS", hosts)
        .start()
        .await;
    let calls = join_all((0..20).map(|_| read(&app, "https://api.invalid")));
    let (answers, ()) = join(calls, others_are_answered(&app)).await;
    for answer in answers {
        // A resolver that is cut off says nothing until the caller's time is up.
        let code = match answer.status.as_u16() {
            504 => "deadline_exceeded",
            _ => "upstream_error",
        };
        let status = if code == "upstream_error" { 502 } else { 504 };
        let told = answer.refused(status, code).to_string();
        assert!(!told.contains("api.invalid"), "{told}");
    }
}

#[tokio::test]
async fn a_product_behind_a_wall_costs_its_callers_their_time_and_nobody_else_any() {
    let app = app().await;
    let wall = Blackhole::dig().await;
    let calls = join_all((0..20).map(|_| read(&app, &wall.url)));
    let (answers, ()) = join(calls, others_are_answered(&app)).await;
    for answer in answers {
        let _ = answer.refused(504, "deadline_exceeded");
    }
}

/// A write has no second try: its connection fails long before its caller goes away.
#[tokio::test]
async fn a_connection_that_is_not_made_is_given_up_after_five_seconds() {
    let app = patient_app().await;
    let wall = Blackhole::dig().await;
    let caller = of_site(&app, &wall.url).body("application/json", "{}");
    let answer = in_time(caller.post("/test/write")).await;
    let _ = answer.refused(502, "upstream_error");
    let took = answer.took;
    assert!(took >= Duration::from_secs(5), "{took:?}");
    assert!(took < Duration::from_secs(20), "{took:?}");
}

async fn patient_app() -> TestApp {
    let setup = setup().await.set("SERVER__ANSWER_WITHIN_MS", "25000");
    setup.start().await
}
