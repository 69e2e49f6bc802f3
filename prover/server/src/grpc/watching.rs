//! The streams of watchers.

use std::future::Future;
use std::sync::Arc;

use quittance_proto::v1;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, broadcast, mpsc, watch};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::convert::{operation, progress};
use super::status::ApiError;
use crate::node::Node;
use crate::operation::{Operation, OperationState};
use crate::progress::Progress;

/// Events that wait for a slow client before the sender waits; the broadcast behind it then drops the oldest.
const BUFFER: usize = 16;

/// Where a batch stands, now and at every change, until its stage is final.
pub(super) fn batch(
    node: Arc<Node>,
    number: u32,
    stopping: watch::Receiver<bool>,
    permit: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<v1::WatchBatchResponse, Status>> + Send {
    stream(stopping, permit, move |sender| async move {
        let events = node.jobs().subscribe();
        let message = |progress: &Progress| v1::WatchBatchResponse {
            progress: Some(progress::to_proto(progress)),
        };
        if let Err(error) = follow(&node, number, events, &sender, message).await {
            drop(sender.send(Err(error.into())).await);
        }
    })
}

/// Where an operation stands, now and at every change, until it is rejected or its batch's stage is final.
pub(super) fn operation(
    node: Arc<Node>,
    id: u64,
    stopping: watch::Receiver<bool>,
    permit: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<v1::WatchOperationResponse, Status>> + Send {
    stream(stopping, permit, move |sender| async move {
        if let Err(error) = follow_operation(&node, id, &sender).await {
            drop(sender.send(Err(error.into())).await);
        }
    })
}

/// A stream that ends with its work, with its client, or with the service.
fn stream<T, F>(
    mut stopping: watch::Receiver<bool>,
    permit: OwnedSemaphorePermit,
    work: impl FnOnce(mpsc::Sender<Result<T, Status>>) -> F,
) -> impl Stream<Item = Result<T, Status>> + Send
where
    T: Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(BUFFER);
    let work = work(sender.clone());
    tokio::spawn(async move {
        tokio::select! {
            () = work => {}
            // A client that leaves drops the receiver.
            () = sender.closed() => {}
            () = async { drop(stopping.wait_for(|stop| *stop).await) } => {
                drop(sender.send(Err(ApiError::Stopping.into())).await);
            }
        }
        drop(permit);
    });
    ReceiverStream::new(receiver)
}

async fn follow_operation(
    node: &Arc<Node>,
    id: u64,
    sender: &mpsc::Sender<Result<v1::WatchOperationResponse, Status>>,
) -> Result<(), ApiError> {
    // Both before anything is read, so that no change falls between the two.
    let mut changes = node.sequencer().changes();
    let mut last = None;
    loop {
        changes.mark_unchanged();
        let events = node.jobs().subscribe();
        let found = read(node, move |node| Ok(node.snapshot()?.operation(id)?)).await?;
        if let OperationState::Executed { batch, .. } = found.state {
            let message = |progress: &Progress| v1::WatchOperationResponse {
                operation: Some(operation::with_stage(&found, Some(progress.stage))),
                progress: Some(progress::to_proto(progress)),
            };
            return follow(node, batch, events, sender, message).await;
        }
        if last.as_ref() != Some(&found) {
            let message = v1::WatchOperationResponse {
                operation: Some(operation::with_stage(&found, None)),
                progress: None,
            };
            if sender.send(Ok(message)).await.is_err() {
                return Ok(());
            }
        }
        if matches!(found.state, OperationState::Rejected(_)) {
            return Ok(());
        }
        last = Some::<Operation>(found);
        if changes.changed().await.is_err() {
            return Err(ApiError::Stopping);
        }
    }
}

/// Tells where a batch stands, now and at every change, until its stage is final or nobody listens.
///
/// `events` were subscribed to before anything was read, so that no change falls between the two.
async fn follow<T>(
    node: &Arc<Node>,
    number: u32,
    mut events: broadcast::Receiver<Progress>,
    sender: &mpsc::Sender<Result<T, Status>>,
    message: impl Fn(&Progress) -> T,
) -> Result<(), ApiError> {
    let mut last: Option<Progress> = None;
    let mut next = current(node, number).await;
    loop {
        let progress = next?;
        let sequence = progress.sequence;
        // Told already, but for its number.
        let repeated = |last: Progress| Progress { sequence, ..last } == progress;
        if !last.is_some_and(repeated) && sender.send(Ok(message(&progress))).await.is_err() {
            return Ok(());
        }
        if !progress.stage.is_active() {
            return Ok(());
        }
        last = Some(progress);
        next = loop {
            match events.recv().await {
                // It was on its way while newer things were read: telling it now would go back.
                Ok(event) if event.sequence <= sequence => {}
                Ok(event) if event.number == number => break Ok(event),
                // Another batch moved: this one's place in the queue may have changed.
                Ok(event) if event.phase.is_none() => break current(node, number).await,
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => break current(node, number).await,
                Err(RecvError::Closed) => return Ok(()),
            }
        };
    }
}

async fn current(node: &Arc<Node>, number: u32) -> Result<Progress, ApiError> {
    read(node, move |node| {
        let sequence = node.jobs().sequence();
        let batch = node.snapshot()?.batch(number)?;
        Ok(node.jobs().progress(&batch, sequence))
    })
    .await
}

async fn read<T: Send + 'static>(
    node: &Arc<Node>,
    call: impl FnOnce(&Node) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let node = Arc::clone(node);
    let read = tokio::task::spawn_blocking(move || call(&node));
    read.await.map_err(|_| ApiError::Panicked)?
}
