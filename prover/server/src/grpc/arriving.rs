//! Messages of a client's stream, as many as have come.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;
use tonic::Streaming;

use super::edge;
use super::status::ApiError;
use crate::sequencer::CHUNK;

/// Messages of a stream that came together; at most [`CHUNK`].
pub(super) struct Arrived<M> {
    pub(super) messages: Vec<M>,
    pub(super) end: End,
}

/// What comes after them.
pub(super) enum End {
    /// More, or not yet.
    Open,
    /// The client has sent its last message.
    Complete,
    /// Nothing that can be used.
    Failed(ApiError),
}

/// Waits for the next message, for at most `limit`, and takes those along that are there already.
pub(super) async fn next<M>(
    messages: &mut Streaming<M>,
    limit: Duration,
    mut stopping: watch::Receiver<bool>,
) -> Arrived<M> {
    let mut arrived = Vec::new();
    let first = tokio::select! {
        // First, so that a client that sends without a pause is told as well.
        biased;
        () = async { drop(stopping.wait_for(|stop| *stop).await) } => Err(ApiError::Stopping),
        first = within(messages, limit) => first,
    };
    let mut next = Poll::Ready(first);
    let end = loop {
        match next {
            Poll::Ready(Ok(Some(message))) => arrived.push(message),
            Poll::Ready(Ok(None)) => break End::Complete,
            Poll::Ready(Err(error)) => break End::Failed(error),
            Poll::Pending => break End::Open,
        }
        if arrived.len() >= CHUNK {
            break End::Open;
        }
        // Looked at once: a message that is only on its way is for the next round.
        next = poll_fn(|context| Poll::Ready(pin!(messages.message()).poll(context)))
            .await
            .map_err(|status| edge::broken_stream(&status));
    };
    Arrived {
        messages: arrived,
        end,
    }
}

async fn within<M>(messages: &mut Streaming<M>, limit: Duration) -> Result<Option<M>, ApiError> {
    match tokio::time::timeout(limit, messages.message()).await {
        Ok(Ok(message)) => Ok(message),
        Ok(Err(status)) => Err(edge::broken_stream(&status)),
        Err(_) => Err(ApiError::StreamIdle { limit }),
    }
}
