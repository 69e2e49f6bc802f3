//! SubmitPriority: the root chain's queue, as its watcher sends it. Each operation is answered once it is durable.
//!
//! What is in memory of a stream is bounded: no further message is read while a part of them is stored, and none before the
//! client has taken the answers to the part before.

use quittance_circuits::tx::priority::Priority;
use quittance_proto::v1;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::api::{Api, checked};
use super::arriving::{self, End};
use super::convert::priority;
use super::fields::Violations;
use super::status::{ApiError, Place};
use crate::sequencer::Enrolled;
use crate::store::NewPriority;

/// Answers that wait for a slow client before no more is read.
const BUFFER: usize = 16;

type Answer = Result<v1::SubmitPriorityResponse, Status>;

/// The answers to a stream of operations, in its order, until it ends or one is refused.
pub(super) fn stream(
    api: Api,
    mut messages: Streaming<v1::SubmitPriorityRequest>,
) -> impl Stream<Item = Answer> + Send {
    let (sender, receiver) = mpsc::channel(BUFFER);
    tokio::spawn(async move {
        tokio::select! {
            ended = enter(&api, &mut messages, &sender) => if let Err(error) = ended {
                drop(sender.send(Err(error.into())).await);
            },
            // A client that leaves drops the receiver. What it has sent may have entered.
            () = sender.closed() => {}
        }
    });
    ReceiverStream::new(receiver)
}

async fn enter(
    api: &Api,
    messages: &mut Streaming<v1::SubmitPriorityRequest>,
    sender: &mpsc::Sender<Answer>,
) -> Result<(), ApiError> {
    let mut accepted = 0;
    loop {
        let arrived = arriving::next(messages, api.request_timeout(), api.stopping()).await;
        let mut items = Vec::with_capacity(arrived.messages.len());
        let mut refused = None;
        for message in &arrived.messages {
            match decode(message) {
                Ok(item) => items.push(item),
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        if !items.is_empty() {
            let kinds: Vec<_> = items.iter().map(|item| kind(&item.priority)).collect();
            match api.within(submit(api, items)).await {
                Ok(enrolled) => {
                    for entered in &enrolled.entered {
                        let answer = v1::SubmitPriorityResponse {
                            index: entered.index,
                            operation_id: entered.operation,
                            queue_hash: entered.hash.to_vec(),
                            repeated: entered.repeated,
                        };
                        if sender.send(Ok(answer)).await.is_err() {
                            return Ok(());
                        }
                        accepted += 1;
                    }
                    if let Some(error) = enrolled.refused {
                        let kind = kinds.get(enrolled.entered.len()).copied();
                        // It comes before whatever was refused here.
                        refused = Some(ApiError::Submit {
                            place: Place::Priority(kind.unwrap_or("deposit")),
                            error,
                        });
                    }
                }
                Err(error) => refused = Some(error),
            }
        }
        match (refused, arrived.end) {
            (Some(error), _) | (None, End::Failed(error)) => {
                return Err(ApiError::Stream {
                    position: accepted,
                    accepted,
                    error: Box::new(error),
                });
            }
            (None, End::Complete) => return Ok(()),
            (None, End::Open) => {}
        }
    }
}

async fn submit(api: &Api, items: Vec<NewPriority>) -> Result<Enrolled, ApiError> {
    let first = items.first().map_or("deposit", |item| kind(&item.priority));
    let entered = api.node().sequencer().enter(items).await;
    entered.map_err(|error| ApiError::Submit {
        place: Place::Priority(first),
        error,
    })
}

/// Reads one operation with its place in the root chain's queue.
pub(super) fn decode(message: &v1::SubmitPriorityRequest) -> Result<NewPriority, ApiError> {
    let mut violations = Violations::default();
    let read = violations
        .require(message.operation.as_ref(), "operation", "is required")
        .and_then(|message| priority::from_proto(message, "operation", &mut violations));
    checked(violations)?;
    // Without a violation there is an operation.
    let (index, priority) = read.ok_or(ApiError::Panicked)?;
    Ok(NewPriority { index, priority })
}

const fn kind(priority: &Priority) -> &'static str {
    match priority {
        Priority::Deposit(_) => "deposit",
        Priority::ForcedExit(_) => "forced_exit",
    }
}
