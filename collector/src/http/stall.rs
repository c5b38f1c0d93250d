//! A connection on which the client has to take something of a reply now and then: one that takes nothing for too long is
//! taken for dead, and writing fails. Reading has limits of its own. Knows nothing of HTTP.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long a client may take nothing. Clones share it; it counts from the next wait on.
#[derive(Clone, Debug)]
pub(super) struct Patience(Arc<AtomicU64>);

impl Patience {
    /// So much of it.
    pub(super) fn new(longest: Duration) -> Self {
        Self(Arc::new(AtomicU64::new(millis(longest))))
    }

    /// So much from now on.
    pub(super) fn set(&self, longest: Duration) {
        self.0.store(millis(longest), Ordering::Relaxed);
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A stream whose writes fail with [`io::ErrorKind::TimedOut`] when nothing was taken for too long.
pub(super) struct Watched<S, F> {
    stream: S,
    patience: Patience,
    /// Runs while the other side takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Called when it took too long.
    on_stall: F,
}

impl<S, F> Watched<S, F> {
    /// The stream with this patience.
    pub(super) fn new(stream: S, patience: Patience, on_stall: F) -> Self {
        Self { stream, patience, stalled: None, on_stall }
    }
}

impl<S: AsyncWrite + Unpin, F: FnMut() + Unpin> Watched<S, F> {
    /// Does something that waits until the other side takes bytes.
    fn watch<T>(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(written) = write(Pin::new(&mut self.stream), context) {
            self.stalled = None;
            return Poll::Ready(written);
        }
        let patience = &self.patience.0;
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(sleep(Duration::from_millis(patience.load(Ordering::Relaxed)))));
        ready!(stalled.as_mut().poll(context));
        (self.on_stall)();
        self.stalled = None;
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin, F: Unpin> AsyncRead for Watched<S, F> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin, F: FnMut() + Unpin> AsyncWrite for Watched<S, F> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.watch(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.watch(context, |stream, context| stream.poll_write_vectored(context, parts))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
