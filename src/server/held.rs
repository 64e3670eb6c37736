//! The body of an answer, which holds the request's place until it ends, and must end in time.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};
use tower::BoxError;

use crate::{
    admission::Place,
    deadline::{Deadline, DeadlineExceeded},
};

/// A body with a place and a deadline. One that is in memory never looks at the time.
#[derive(Debug, Default)]
pub(super) struct Held {
    body: Body,
    bound: Option<Bound>,
    /// Whether a part of it is on its way, and the rest was not there yet.
    streams: bool,
}

#[derive(Debug)]
struct Bound {
    _place: Place,
    deadline: Deadline,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Held {
    /// A body that must have ended by `deadline`.
    pub(super) const fn new(body: Body, place: Place, deadline: Deadline) -> Self {
        let bound = Bound {
            _place: place,
            deadline,
            timer: None,
        };
        Self {
            body,
            bound: Some(bound),
            streams: false,
        }
    }

    /// The body of a request that was not let in: it is all there, and holds nothing.
    pub(super) const fn free(body: Body) -> Self {
        Self {
            body,
            bound: None,
            streams: false,
        }
    }
}

impl Bound {
    /// Ready once it is too late.
    fn poll_late(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let left = self.deadline.remaining();
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(left)));
        timer.as_mut().poll(context)
    }
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let held = self.get_mut();
        // A stream that always has more never waits: it is asked before each further part.
        if held.streams
            && !held.body.is_end_stream()
            && let Some(bound) = &mut held.bound
            && bound.deadline.remaining().is_zero()
        {
            return Poll::Ready(Some(Err(DeadlineExceeded.into())));
        }
        match Pin::new(&mut held.body).poll_frame(context) {
            Poll::Ready(frame) => {
                held.streams = true;
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => {
                let Some(bound) = &mut held.bound else {
                    return Poll::Pending;
                };
                ready!(bound.poll_late(context));
                Poll::Ready(Some(Err(DeadlineExceeded.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
