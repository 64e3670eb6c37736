//! The product and the GraphQL gateway, as cheap as they can be: answers are made once,
//! and a request is read no further than to know what it wants and for whom.

use std::{cell::RefCell, collections::HashMap, io, rc::Rc};

use anyhow::Result;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::LocalSet,
};

use crate::{
    child::announce,
    site::{self, ACCOUNT_TOKEN, APP_TOKEN, USER_TOKEN},
};

/// What an exchanged token says it lives for, in seconds.
const TTL: u64 = 3600;

/// Serves until the benchmark ends.
pub(crate) fn run() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        announce(listener.local_addr()?)?;
        let answers = Rc::new(Answers::new());
        loop {
            let (stream, _) = listener.accept().await?;
            let answers = Rc::clone(&answers);
            // A client that goes away is none of our business.
            tokio::task::spawn_local(async move { serve(stream, &answers).await });
        }
    })
}

async fn serve(mut stream: TcpStream, answers: &Answers) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(16 * 1024);
    let mut out = Vec::with_capacity(64 * 1024);
    while stream.read_buf(&mut buffer).await? > 0 {
        let mut read = 0;
        while let Some((request, length)) = Request::read(&buffer[read..]) {
            out.extend_from_slice(&answers.to(&request));
            read += length;
        }
        buffer.drain(..read);
        stream.write_all(&out).await?;
        out.clear();
    }
    Ok(())
}

/// A request, as far as it matters.
struct Request<'a> {
    /// Method and path.
    line: &'a str,
    token: &'a str,
    body: &'a [u8],
}

impl<'a> Request<'a> {
    /// The first request in `bytes` and its length, if it is whole.
    fn read(bytes: &'a [u8]) -> Option<(Self, usize)> {
        let end = bytes.windows(4).position(|it| it == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let (line, fields) = head.split_once("\r\n")?;
        let (mut token, mut length) = ("", 0);
        for (name, value) in fields.lines().filter_map(|line| line.split_once(": ")) {
            if name.eq_ignore_ascii_case("authorization") {
                token = value.strip_prefix("Bearer ").unwrap_or_default();
            } else if name.eq_ignore_ascii_case("content-length") {
                length = value.parse().ok()?;
            }
        }
        let body = bytes.get(end + 4..end + 4 + length)?;
        let line = line.strip_suffix(" HTTP/1.1")?;
        Some((Self { line, token, body }, end + 4 + length))
    }
}

/// Answers to what has been asked before.
struct Answers {
    content: String,
    current_user: String,
    listings: RefCell<HashMap<String, Rc<[u8]>>>,
}

impl Answers {
    fn new() -> Self {
        let api = site::confluence();
        Self {
            content: format!("GET {api}/content?limit=25"),
            current_user: format!("GET {api}/user/current?expand=operations"),
            listings: RefCell::default(),
        }
    }

    fn to(&self, request: &Request<'_>) -> Rc<[u8]> {
        let user = site::speaker(USER_TOKEN, request.token);
        let account = site::speaker(ACCOUNT_TOKEN, request.token);
        let app = site::speaker(APP_TOKEN, request.token);
        if request.line == self.content {
            user.or(account).map_or_else(refused, |it| self.listing(it))
        } else if request.line == self.current_user {
            user.map_or_else(refused, |user| answer(200, &site::current_user(user)))
        } else if request.line == "POST /graphql" {
            app.and_then(|_| exchange(request.body))
                .map_or_else(refused, |exchanged| answer(200, &exchanged))
        } else {
            answer(404, &json!({"message": request.line}))
        }
    }

    fn listing(&self, account: &str) -> Rc<[u8]> {
        let mut listings = self.listings.borrow_mut();
        if let Some(known) = listings.get(account) {
            return Rc::clone(known);
        }
        let made = answer(200, &site::listing(account));
        listings.insert(account.to_owned(), Rc::clone(&made));
        made
    }
}

/// The gateway's answer to a mutation that names one account and one context.
fn exchange(body: &[u8]) -> Option<Value> {
    let asked: Value = serde_json::from_slice(body).ok()?;
    let query = asked["query"].as_str()?;
    let input = &asked["variables"]["input"];
    let context = input["contextIds"].as_array()?.first()?.as_str()?;
    let account = input["userId"].as_str()?;
    let meant = query.contains("offlineUserAuthToken(input: $input)")
        && context.starts_with("ari:cloud:confluence::site/");
    meant.then(|| {
        let token = site::token(ACCOUNT_TOKEN, account);
        json!({"data": {"offlineUserAuthToken": {
            "success": true, "errors": null, "authToken": {"token": token, "ttl": TTL},
        }}})
    })
}

fn refused() -> Rc<[u8]> {
    answer(401, &json!({"message": "Unauthorized"}))
}

fn answer(status: u16, body: &Value) -> Rc<[u8]> {
    let body = body.to_string();
    format!(
        "HTTP/1.1 {status} Played\r\ncontent-type: application/json;charset=UTF-8\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
    .into()
}
