//! What a connection is at: between requests, within the head of one, or at its answer.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use axum::body::HttpBody;
use hyper::body::{Frame, SizeHint};

const BETWEEN: u8 = 0;
const HEAD: u8 = 1;
const ANSWER: u8 = 2;

/// Told by the stream and by the service of one connection.
#[derive(Debug, Clone)]
pub(super) struct Progress(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    stage: AtomicU8,
    unsent: AtomicBool,
}

/// While it lives, an answer is owed.
#[derive(Debug)]
pub(super) struct Answering(Progress);

/// A body with which its answer ends.
#[derive(Debug)]
pub(super) struct Watched<Body> {
    body: Body,
    _answering: Answering,
}

impl<Body> Watched<Body> {
    pub(super) const fn new(body: Body, answering: Answering) -> Self {
        Self {
            body,
            _answering: answering,
        }
    }
}

impl Progress {
    /// Whoever connects has something to ask.
    pub(super) fn of_new_connection() -> Self {
        Self(Arc::new(Inner {
            stage: AtomicU8::new(HEAD),
            unsent: AtomicBool::new(false),
        }))
    }

    /// Bytes came. Whether they are the first of a head.
    pub(super) fn begins_head(&self) -> bool {
        self.0
            .stage
            .compare_exchange(BETWEEN, HEAD, Relaxed, Relaxed)
            .is_ok()
    }

    pub(super) fn is_within_head(&self) -> bool {
        self.0.stage.load(Relaxed) == HEAD
    }

    /// The head is whole.
    pub(super) fn begin_answer(&self) -> Answering {
        self.0.stage.store(ANSWER, Relaxed);
        Answering(self.clone())
    }

    /// The peer has not taken yet what was written.
    pub(super) fn unsent(&self, unsent: bool) {
        self.0.unsent.store(unsent, Relaxed);
    }

    /// Whether somebody still waits for an answer or for the rest of one.
    pub(super) fn owes_an_answer(&self) -> bool {
        self.0.stage.load(Relaxed) == ANSWER || self.0.unsent.load(Relaxed)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.0.stage.store(BETWEEN, Relaxed);
    }
}

impl<Body: HttpBody + Unpin> HttpBody for Watched<Body> {
    type Data = Body::Data;
    type Error = Body::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
