//! A stream that gives up on a peer who does not finish asking, or takes nothing.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

use super::progress::Progress;

/// From the first byte of a head to its last: whole heads fit into a few packets. For whoever
/// connects, from then on.
pub(super) const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// A client that takes too little of its answer for so long is gone.
pub(super) const STALL_PATIENCE: Duration = Duration::from_secs(30);
/// What it must take within that time, or all there is.
pub(super) const LEAST_TAKEN: usize = 64 * 1024;

/// Bounds the time in which a head comes, and that in which writes make too little progress.
/// The pause between requests is hyper's to bound.
#[derive(Debug)]
pub(super) struct Patience<Stream> {
    stream: Stream,
    progress: Progress,
    head: Bound,
    stall: Bound,
    /// Since the stall began.
    taken: usize,
}

/// A limit in time whose timer is touched only where somebody waits.
#[derive(Debug)]
struct Bound {
    until: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

impl Bound {
    fn after(span: Duration) -> Self {
        Self {
            until: Some(Instant::now() + span),
            timer: Box::pin(sleep(span)),
        }
    }

    /// A failure once the time has passed. Pending without a limit.
    fn poll<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        let Some(until) = self.until else {
            return Poll::Pending;
        };
        if self.timer.deadline() != until {
            self.timer.as_mut().reset(until);
        }
        ready!(self.timer.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<Stream> Patience<Stream> {
    pub(super) fn new(stream: Stream, progress: Progress) -> Self {
        let mut stall = Bound::after(STALL_PATIENCE);
        stall.until = None;
        Self {
            stream,
            progress,
            head: Bound::after(HEAD_PATIENCE),
            stall,
            taken: 0,
        }
    }

    /// Passes on what a write came to, or a failure once too little was taken for too long.
    fn watched(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let Poll::Ready(result) = written else {
            return self.waiting(context);
        };
        if let (Some(_), Ok(bytes)) = (self.stall.until, &result) {
            self.taken += bytes;
            if self.taken >= LEAST_TAKEN {
                self.stall.until = None;
            }
        }
        Poll::Ready(result)
    }

    /// The peer takes nothing just now.
    fn waiting<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if self.stall.until.is_none() {
            self.stall.until = Some(Instant::now() + STALL_PATIENCE);
            self.taken = 0;
            self.progress.unsent(true);
        }
        self.stall.poll(context)
    }

    /// The peer has taken all there was, or the stream says why not.
    fn emptied(
        &mut self,
        context: &mut Context<'_>,
        flushed: Poll<io::Result<()>>,
    ) -> Poll<io::Result<()>> {
        if flushed.is_pending() {
            return self.waiting(context);
        }
        // Written to by every answer: only one that had to wait has something to take back.
        if self.taken > 0 || self.stall.until.take().is_some() {
            self.taken = 0;
            self.progress.unsent(false);
        }
        flushed
    }
}

impl<Stream: AsyncRead + Unpin> AsyncRead for Patience<Stream> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_pending() {
            if self.progress.is_within_head() {
                return self.head.poll(context);
            }
        } else if buffer.filled().len() > before && self.progress.begins_head() {
            self.head.until = Some(Instant::now() + HEAD_PATIENCE);
        }
        read
    }
}

impl<Stream: AsyncWrite + Unpin> AsyncWrite for Patience<Stream> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watched(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watched(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.emptied(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.emptied(context, shut)
    }
}
