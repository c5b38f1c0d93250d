//! Bodies: those of requests are received up to a limit, those of replies are sent while they are made, either through
//! a bounded channel from a thread, or step by step as fast as the client takes them.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Frame;
use tokio::sync::mpsc;

use super::problem::Problem;
use crate::limits::REQUEST_BODY_TIMEOUT;

/// All of a request's body, at most `bytes_max` of it.
pub(super) async fn receive(body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    let too_large =
        || Problem::too_large(format!("The body is over {bytes_max} bytes: send less at a time."));
    // What a client announces is not even waited for.
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(too_large());
    }
    match tokio::time::timeout(REQUEST_BODY_TIMEOUT, Limited::new(body, bytes_max).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Problem::new(StatusCode::BAD_REQUEST, "bad_body", "The body ended early.")),
        Err(_) => {
            let detail = format!("The body took longer than {} s.", REQUEST_BODY_TIMEOUT.as_secs());
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", detail))
        }
    }
}

/// A part of a reply on its way to the client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Bytes of the body.
    Chunk(Bytes),
    /// The body is complete.
    End,
}

/// Sets a flag when it is dropped: whoever holds it waits for the answer, and the query looks at the flag.
#[derive(Debug)]
pub(super) struct CancelOnDrop(pub(super) Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The receiving end of a channel as a body. `guard` is dropped with it: when the client has left, or has everything.
///
/// It ends well only when the maker said so. If the maker vanishes (a panic, a client too slow for the deadline), the
/// connection is cut, so that no client takes half a reply for a whole one.
pub(super) struct ChannelBody<G> {
    // Dropped first: who finds the channel closed finds the flag set.
    _guard: G,
    first: Option<Part>,
    parts: mpsc::Receiver<Part>,
    is_cut: bool,
}

/// The maker of the body stopped before it was complete.
#[derive(Debug, thiserror::Error)]
#[error("the reply was cut short")]
pub(super) struct CutShort;

impl<G> ChannelBody<G> {
    /// A body of `first` and what comes through `parts`.
    pub(super) fn new(first: Option<Part>, parts: mpsc::Receiver<Part>, guard: G) -> Self {
        Self { first, parts, is_cut: false, _guard: guard }
    }
}

impl<G: Unpin> HttpBody for ChannelBody<G> {
    type Data = Bytes;
    type Error = CutShort;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutShort>>> {
        let part = match self.first.take() {
            Some(part) => Some(part),
            None => std::task::ready!(self.parts.poll_recv(context)),
        };
        Poll::Ready(match part {
            Some(Part::Chunk(bytes)) => Some(Ok(Frame::data(bytes))),
            Some(Part::End) => None,
            // What was handed over before goes out first: an error takes back what the server has not sent yet, the
            // head of the reply, too.
            None if !std::mem::replace(&mut self.is_cut, true) => {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            None => Some(Err(CutShort)),
        })
    }
}

type Step<S> = Pin<Box<dyn Future<Output = Option<(Bytes, S)>> + Send>>;

/// A body that is made step by step as fast as the client takes it, and no faster: nothing is queued in between.
pub(super) struct Unfold<S, F> {
    first: Option<Bytes>,
    next: F,
    step: Option<Step<S>>,
}

impl<S: Send + 'static, F, N> Unfold<S, F>
where
    F: Fn(S) -> N,
    N: Future<Output = Option<(Bytes, S)>> + Send + 'static,
{
    /// A body of `first` and what `next` makes of the state, until it makes nothing.
    pub(super) fn new(first: Bytes, state: S, next: F) -> Self {
        let step: Step<S> = Box::pin(next(state));
        Self { first: Some(first), next, step: Some(step) }
    }
}

impl<S: Send + 'static, F, N> HttpBody for Unfold<S, F>
where
    F: Fn(S) -> N + Unpin,
    N: Future<Output = Option<(Bytes, S)>> + Send + 'static,
{
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        let Some(step) = self.step.as_mut() else { return Poll::Ready(None) };
        let made = std::task::ready!(step.as_mut().poll(context));
        self.step = None;
        Poll::Ready(made.map(|(bytes, state)| {
            self.step = Some(Box::pin((self.next)(state)));
            Ok(Frame::data(bytes))
        }))
    }
}
