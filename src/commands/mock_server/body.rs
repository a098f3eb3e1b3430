//! Response bodies in pieces, complete or broken off on request.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// How much of an endless answer is sent before it ends after all.
const ENDLESS_BYTES: usize = 200 * 1024 * 1024;

/// Closes a connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed on request")]
pub(in crate::commands) struct Closed;

/// An answer's body: some pieces, and then its end or the end of the connection.
pub(in crate::commands) struct AnswerBody {
    piece: Bytes,
    pieces: usize,
    /// What is promised as `Content-Length`; unknown for an endless one.
    promised: Option<u64>,
    whole: bool,
    /// A cut waits a turn before it closes the connection, so that what came before is sent.
    flushed: bool,
}

impl AnswerBody {
    pub(in crate::commands) fn whole(body: Bytes) -> Self {
        let promised = Some(body.len() as u64);
        Self { pieces: usize::from(!body.is_empty()), piece: body, promised, whole: true, flushed: false }
    }

    pub(super) fn cut(body: Bytes) -> Self {
        let promised = Some(body.len().max(1) as u64);
        Self { piece: body.slice(..body.len() / 2), pieces: 1, promised, whole: false, flushed: false }
    }

    pub(super) fn endless(piece: Bytes) -> Self {
        Self { pieces: ENDLESS_BYTES / piece.len().max(1), piece, promised: None, whole: true, flushed: false }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Closed;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Closed>>> {
        if let Some(left) = self.pieces.checked_sub(1) {
            self.pieces = left;
            return Poll::Ready(Some(Ok(Frame::data(self.piece.clone()))));
        }
        if self.whole {
            return Poll::Ready(None);
        }
        if !std::mem::replace(&mut self.flushed, true) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(Closed)))
    }

    fn is_end_stream(&self) -> bool {
        self.whole && self.pieces == 0
    }

    fn size_hint(&self) -> SizeHint {
        self.promised.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
