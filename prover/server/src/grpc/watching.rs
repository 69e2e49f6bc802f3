//! The stream of one watcher.

use std::sync::Arc;

use quittance_proto::v1;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::convert::progress;
use super::status::ApiError;
use crate::node::Node;
use crate::progress::Progress;

/// Events that wait for a slow client before the sender waits; the broadcast behind it then drops the oldest.
const BUFFER: usize = 16;

type Event = Result<v1::WatchBatchResponse, Status>;

/// Where a batch stands, now and at every change, until its stage is final.
pub(super) fn stream(
    node: Arc<Node>,
    number: u32,
    stopping: watch::Receiver<bool>,
    permit: OwnedSemaphorePermit,
) -> impl Stream<Item = Event> + Send {
    let (sender, receiver) = mpsc::channel(BUFFER);
    tokio::spawn(async move {
        let mut stopping = stopping;
        tokio::select! {
            () = follow(&node, number, &sender) => {}
            // A client that leaves drops the receiver.
            () = sender.closed() => {}
            () = async { drop(stopping.wait_for(|stop| *stop).await) } => {
                let _ = sender.send(Err(ApiError::Stopping.into())).await;
            }
        }
        drop(permit);
    });
    ReceiverStream::new(receiver)
}

async fn follow(node: &Arc<Node>, number: u32, sender: &mpsc::Sender<Event>) {
    // Subscribed before the snapshot is read, so that no change falls between the two.
    let mut events = node.jobs().subscribe();
    let mut last = None;
    let mut next = current(node, number).await;
    loop {
        let progress = match next {
            Ok(progress) => progress,
            Err(error) => {
                let _ = sender.send(Err(error.into())).await;
                return;
            }
        };
        let ended = !progress.stage.is_active();
        if last.as_ref() != Some(&progress) {
            let message = v1::WatchBatchResponse {
                progress: Some(progress::to_proto(&progress)),
            };
            if sender.send(Ok(message)).await.is_err() {
                return;
            }
        }
        if ended {
            return;
        }
        last = Some(progress);
        next = loop {
            match events.recv().await {
                Ok(event) if event.number == number => break Ok(event),
                // Another batch moved: this one's place in the queue may have changed.
                Ok(event) if event.phase.is_none() => break current(node, number).await,
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => break current(node, number).await,
                Err(RecvError::Closed) => return,
            }
        };
    }
}

async fn current(node: &Arc<Node>, number: u32) -> Result<Progress, ApiError> {
    let node = Arc::clone(node);
    let read = tokio::task::spawn_blocking(move || {
        let batch = node.snapshot()?.batch(number)?;
        Ok(node.jobs().progress(&batch))
    });
    read.await.map_err(|_| ApiError::Panicked)?
}
