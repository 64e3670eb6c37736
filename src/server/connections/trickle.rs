//! The body of a request, which must not only trickle.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};
use tower::BoxError;

/// Within that time
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// so many bytes must come, or the end.
pub(super) const LEAST: usize = 4096;

/// A body that fails once too little of it comes. One that is there has no timer.
#[derive(Debug)]
pub(in crate::server) struct Trickle<Body> {
    body: Body,
    timer: Option<Pin<Box<Sleep>>>,
    came: usize,
}

/// Whoever sends the body takes too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body comes too slowly")]
pub(super) struct TooSlow;

impl<Body> Trickle<Body> {
    pub(super) const fn new(body: Body) -> Self {
        Self {
            body,
            timer: None,
            came: 0,
        }
    }

    /// Ready once a whole period brought too little.
    fn poll_too_slow(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        while timer.as_mut().poll(context).is_ready() {
            if self.came < LEAST {
                return Poll::Ready(());
            }
            self.came = 0;
            timer.as_mut().reset(Instant::now() + PATIENCE);
        }
        Poll::Pending
    }
}

impl<Body> HttpBody for Trickle<Body>
where
    Body: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(frame) => {
                if let Some(Ok(frame)) = &frame {
                    self.came += frame.data_ref().map_or(0, Bytes::len);
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => self
                .poll_too_slow(context)
                .map(|()| Some(Err(TooSlow.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
