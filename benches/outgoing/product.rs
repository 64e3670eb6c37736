//! Confluence and the gateway in a process of their own: answers made once, sent as they are.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
};

use serde_json::{Value, json};

/// The argument with which this program plays the product.
pub(crate) const PLAY: &str = "--play-product";

/// A page of content is larger than this.
pub(crate) const CONTENT_BYTES: usize = 4_096;

/// The other process; it ends with this one.
pub(crate) struct Product {
    pub(crate) url: String,
    child: Child,
}

impl Product {
    pub(crate) fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg(PLAY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        let said = child.stdout.as_mut().unwrap();
        BufReader::new(said).read_line(&mut url).unwrap();
        Self {
            url: url.trim_end().to_owned(),
            child,
        }
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// What the other process does: says where it is, and answers until nobody listens.
pub(crate) fn play() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            thread::spawn(move || serve(stream));
        }
    });
    let mut nothing = Vec::new();
    std::io::stdin().read_to_end(&mut nothing).unwrap();
}

fn serve(mut stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    let answers = Answers::new();
    let mut requests = BufReader::with_capacity(16 * 1024, stream.try_clone().unwrap());
    while let Some(path) = read_request(&mut requests) {
        if stream.write_all(answers.to(&path)).is_err() {
            return;
        }
    }
}

/// Reads a request to its end and gives its path.
fn read_request(requests: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    let mut path = None;
    let mut length = 0;
    loop {
        line.clear();
        if requests.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            first if path.is_none() => path = first.split(' ').nth(1).map(str::to_owned),
            header => {
                let (name, value) = header.split_once(':')?;
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.trim().parse().ok()?;
                }
            }
        }
    }
    requests.read_exact(&mut vec![0; length]).ok()?;
    path
}

struct Answers {
    content: Vec<u8>,
    administrator: Vec<u8>,
    exchange: Vec<u8>,
}

impl Answers {
    fn new() -> Self {
        let operation = json!({"operation": "administer", "targetType": "application"});
        let token = json!({"token": "a".repeat(1_500), "ttl": 3_600});
        let exchanged = json!({"success": true, "errors": null, "authToken": token});
        Self {
            content: whole(&page()),
            administrator: whole(&json!({"operations": [operation]})),
            exchange: whole(&json!({"data": {"offlineUserAuthToken": exchanged}})),
        }
    }

    fn to(&self, path: &str) -> &[u8] {
        match path.split('?').next() {
            Some("/graphql") => &self.exchange,
            Some(path) if path.ends_with("/user/current") => &self.administrator,
            _ => &self.content,
        }
    }
}

fn whole(body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-b3-traceid: 463ac35c9f6413ad48485a3953bb6124\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A page of content as Confluence lists it.
fn page() -> Value {
    let results: Vec<_> = (0..25)
        .map(|n| {
            json!({
                "id": (98_304 + n).to_string(), "type": "page", "status": "current",
                "title": format!("Release notes {n}"),
                "macroRenderedOutput": {}, "extensions": {"position": n},
                "_expandable": {"container": "/rest/api/space/QUA", "metadata": "", "children": "", "history": ""},
                "_links": {"self": format!("https://quarry.atlassian.net/wiki/rest/api/content/{n}"), "webui": format!("/spaces/QUA/pages/{n}")},
            })
        })
        .collect();
    json!({
        "results": results, "start": 0, "limit": 25, "size": 25,
        "_links": {"next": "/rest/api/content?limit=25&start=25", "base": "https://quarry.atlassian.net/wiki", "context": "/wiki"},
    })
}
