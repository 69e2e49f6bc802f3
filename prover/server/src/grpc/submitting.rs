//! SubmitTransfer, SubmitTransfers and SubmitBatch: messages into checked transfers, and the sequencer's answers.
//!
//! The sequencer decides about all of them, one after another. What can be done before, in parallel, is done here:
//! decoding, and the signatures on blocking threads.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::transfer::SignedTransfer;
use quittance_circuits::types::{AccountIndex, TokenId};
use quittance_proto::v1;
use tonic::Streaming;

use super::api::{Api, checked};
use super::convert::{batch, key, operation, transfer};
use super::edge;
use super::fields::Violations;
use super::status::ApiError;
use crate::encoding::fr_from_bytes_be;
use crate::node::Node;
use crate::operation::IdempotencyKey;
use crate::sequencer::{Admitted, CHUNK, CheckedTransfer, Single, WholeSubmission};

/// Signatures that one blocking thread checks before it looks for other work.
const SIGNATURES: usize = 32;

impl Api {
    pub(super) async fn accept_transfer(
        &self,
        message: v1::SubmitTransferRequest,
    ) -> Result<v1::SubmitTransferResponse, ApiError> {
        let decoded = decode(message.transfer.as_ref(), &message.idempotency_key)?;
        let mut admitted = self.within(self.admit(vec![decoded])).await?;
        if let Some(error) = admitted.refused {
            return Err(error.into());
        }
        let acceptance = admitted.accepted.pop().ok_or(ApiError::Panicked)?;
        let repeated = acceptance.repeated;
        let operation = if repeated {
            // It may have gone on since it was accepted.
            let id = acceptance.operation.id;
            self.run(move |node| {
                let state = node.snapshot()?;
                Ok(operation::to_proto(&state.operation(id)?, &state)?)
            })
            .await?
        } else {
            operation::with_stage(&acceptance.operation, None)
        };
        Ok(v1::SubmitTransferResponse {
            operation: Some(operation),
            repeated,
        })
    }

    pub(super) async fn accept_stream(
        &self,
        mut messages: Streaming<v1::SubmitTransfersRequest>,
    ) -> Result<v1::SubmitTransfersResponse, ApiError> {
        let mut answer = v1::SubmitTransfersResponse::default();
        loop {
            let accepted = answer.operation_ids.len();
            let arrived = self.arrived(&mut messages).await;
            let mut decoded = Vec::with_capacity(arrived.messages.len());
            let mut refused = None;
            for message in &arrived.messages {
                let limit = self.policy().max_stream_transfers;
                let position = accepted + decoded.len();
                if usize::try_from(limit).is_ok_and(|limit| position >= limit) {
                    refused = Some(ApiError::StreamTooLong { limit });
                    break;
                }
                match decode(message.transfer.as_ref(), &message.idempotency_key) {
                    Ok(transfer) => decoded.push(transfer),
                    Err(error) => {
                        refused = Some(error);
                        break;
                    }
                }
            }
            if !decoded.is_empty() {
                match self.within(self.admit(decoded)).await {
                    Ok(admitted) => {
                        for acceptance in &admitted.accepted {
                            answer.operation_ids.push(acceptance.operation.id);
                            answer.repeated += u32::from(acceptance.repeated);
                        }
                        // It comes before whatever was refused here.
                        refused = admitted.refused.map(ApiError::from).or(refused);
                    }
                    Err(error) => refused = Some(error),
                }
            }
            let accepted = answer.operation_ids.len();
            match (refused, arrived.end) {
                (Some(error), _) | (None, End::Failed(error)) => {
                    return Err(ApiError::Stream {
                        transfer: accepted,
                        accepted,
                        error: Box::new(error),
                    });
                }
                (None, End::Complete) => return Ok(answer),
                (None, End::Open) => {}
            }
        }
    }

    pub(super) async fn execute_batch(
        &self,
        message: v1::SubmitBatchRequest,
    ) -> Result<v1::SubmitBatchResponse, ApiError> {
        let (transfers, fee_slots, key) = decode_batch(&message)?;
        drop(message);
        let result = self
            .within(async {
                let limit = self.policy().max_batch_transfers();
                // Too many are refused by their number, and not worth the work.
                let transfers = if usize::try_from(limit).is_ok_and(|limit| transfers.len() > limit) {
                    let unchecked = |signed| CheckedTransfer::unchecked(signed);
                    transfers.into_iter().map(unchecked).collect()
                } else {
                    self.check_signatures(transfers).await?
                };
                let submission = WholeSubmission::new(transfers, fee_slots, key);
                Ok(self.node().sequencer().submit_whole(submission).await?)
            })
            .await?;
        let first = result.first_operation;
        Ok(v1::SubmitBatchResponse {
            batch: Some(batch::to_proto(&result.batch)),
            operation_ids: (first..first.saturating_add(u64::from(result.operations))).collect(),
            repeated: result.repeated,
        })
    }

    async fn admit(
        &self,
        decoded: Vec<(SignedTransfer, Option<IdempotencyKey>)>,
    ) -> Result<Admitted, ApiError> {
        let (transfers, keys): (Vec<_>, Vec<_>) = decoded.into_iter().unzip();
        let checked = self.check_signatures(transfers).await?;
        let items = checked.into_iter().zip(keys);
        let items = items.map(|(transfer, key)| Single::new(transfer, key)).collect();
        Ok(self.node().sequencer().submit(items).await?)
    }

    /// Checks the signatures on blocking threads, several at a time.
    async fn check_signatures(
        &self,
        transfers: Vec<SignedTransfer>,
    ) -> Result<Vec<CheckedTransfer>, ApiError> {
        let mut parts = Vec::with_capacity(transfers.len().div_ceil(SIGNATURES));
        for part in transfers.chunks(SIGNATURES) {
            let place = self.signature_place().await?;
            let part = part.to_vec();
            let node = self.shared_node();
            parts.push(tokio::task::spawn_blocking(move || {
                // Kept until the work has ended, even if nobody waits for it any more.
                let _place = place;
                check_part(&node, part)
            }));
        }
        let mut checked = Vec::with_capacity(transfers.len());
        for part in parts {
            checked.extend(part.await.map_err(|_| ApiError::Panicked)??);
        }
        Ok(checked)
    }

    /// Runs something for at most a request's time. What it has asked of the sequencer goes on without it.
    async fn within<T>(&self, work: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
        let limit = self.request_timeout();
        tokio::time::timeout(limit, work)
            .await
            .map_err(|_| ApiError::Timeout { limit })?
    }

    /// Waits for the next message, and takes those along that are there already.
    async fn arrived(&self, messages: &mut Streaming<v1::SubmitTransfersRequest>) -> Arrived {
        let mut arrived = Vec::new();
        let mut stopping = self.stopping();
        let first = tokio::select! {
            // First, so that a client that sends without a pause is told as well.
            biased;
            () = async { drop(stopping.wait_for(|stop| *stop).await) } => Err(ApiError::Stopping),
            first = next_within(messages, self.request_timeout()) => first,
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
}

/// Messages of a stream that came together.
struct Arrived {
    messages: Vec<v1::SubmitTransfersRequest>,
    end: End,
}

/// What comes after them.
enum End {
    /// More, or not yet.
    Open,
    /// The client has sent its last message.
    Complete,
    /// Nothing that can be used.
    Failed(ApiError),
}

async fn next_within(
    messages: &mut Streaming<v1::SubmitTransfersRequest>,
    limit: Duration,
) -> Result<Option<v1::SubmitTransfersRequest>, ApiError> {
    match tokio::time::timeout(limit, messages.message()).await {
        Ok(Ok(message)) => Ok(message),
        Ok(Err(status)) => Err(edge::broken_stream(&status)),
        Err(_) => Err(ApiError::StreamIdle { limit }),
    }
}

pub(super) fn decode(
    message: Option<&v1::SignedTransfer>,
    key: &[u8],
) -> Result<(SignedTransfer, Option<IdempotencyKey>), ApiError> {
    let mut violations = Violations::default();
    let signed = violations
        .require(message, "transfer", "is required")
        .and_then(|message| transfer::from_proto(message, "transfer", &mut violations));
    let key = key::from_proto(key, &mut violations);
    checked(violations)?;
    // Without a violation there is a transfer.
    Ok((signed.ok_or(ApiError::Panicked)?, key))
}

pub(super) type DecodedBatch = (Vec<SignedTransfer>, Vec<FeeSlot>, Option<IdempotencyKey>);

pub(super) fn decode_batch(message: &v1::SubmitBatchRequest) -> Result<DecodedBatch, ApiError> {
    let mut violations = Violations::default();
    let transfers = message
        .transfers
        .iter()
        .enumerate()
        .filter_map(|(i, signed)| transfer::from_proto(signed, &format!("transfers[{i}]"), &mut violations))
        .collect();
    let key = key::from_proto(&message.idempotency_key, &mut violations);
    checked(violations)?;
    let fee_slots = message.fee_slots.iter().map(|slot| FeeSlot {
        leaf: AccountIndex(slot.leaf),
        token: TokenId(slot.token),
    });
    Ok((transfers, fee_slots.collect(), key))
}

fn check_part(node: &Node, transfers: Vec<SignedTransfer>) -> Result<Vec<CheckedTransfer>, ApiError> {
    // The store refuses rollup ids of 2^248 and above, so the element is always there.
    let rollup_id = fr_from_bytes_be(&node.store().identity().rollup_id).unwrap_or_default();
    let state = node.snapshot()?;
    let check = |signed: SignedTransfer| {
        // Whatever keeps the account from being read is the sequencer's to say, in the order of the rules.
        match state.account(signed.transfer.from.get()) {
            Ok(Some(account)) => CheckedTransfer::new(&rollup_id, signed, &account.key),
            _ => CheckedTransfer::unchecked(signed),
        }
    };
    Ok(transfers.into_iter().map(check).collect())
}
