//! SubmitOperation, SubmitOperations and SubmitBatch: messages into checked operations, and the sequencer's answers.
//!
//! The sequencer decides about all of them, one after another. What can be done before, in parallel, is done here:
//! decoding, and the signatures on blocking threads.

use std::future::Future;

use quittance_circuits::tx::SignedOperation;
use quittance_circuits::tx::fee::FeeSlot;
use quittance_proto::v1;
use quittance_verifier::Section;
use tonic::Streaming;

use super::api::{Api, checked};
use super::arriving::{self, End};
use super::convert::{batch, fee, key, operation, signed};
use super::fields::Violations;
use super::status::{ApiError, Place};
use crate::encoding::fr_from_bytes_be;
use crate::node::Node;
use crate::operation::IdempotencyKey;
use crate::sequencer::{Admitted, CheckedOperation, Single, WholeSubmission};

/// Signatures that one blocking thread checks before it looks for other work.
const SIGNATURES: usize = 32;

impl Api {
    pub(super) async fn accept_operation(
        &self,
        message: v1::SubmitOperationRequest,
    ) -> Result<v1::SubmitOperationResponse, ApiError> {
        let decoded = decode(message.operation.as_ref(), &message.idempotency_key)?;
        let place = Place::Single(decoded.0.section());
        let mut admitted = self.within(self.admit(vec![decoded])).await?;
        if let Some(error) = admitted.refused {
            return Err(ApiError::Submit { place, error });
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
        Ok(v1::SubmitOperationResponse {
            operation: Some(operation),
            repeated,
        })
    }

    pub(super) async fn accept_stream(
        &self,
        mut messages: Streaming<v1::SubmitOperationsRequest>,
    ) -> Result<v1::SubmitOperationsResponse, ApiError> {
        let mut answer = v1::SubmitOperationsResponse::default();
        loop {
            let accepted = answer.operation_ids.len();
            let arrived = arriving::next(&mut messages, self.request_timeout(), self.stopping()).await;
            let mut decoded = Vec::with_capacity(arrived.messages.len());
            let mut refused = None;
            for message in &arrived.messages {
                let limit = self.policy().max_stream_operations;
                let position = accepted + decoded.len();
                if usize::try_from(limit).is_ok_and(|limit| position >= limit) {
                    refused = Some(ApiError::StreamTooLong { limit });
                    break;
                }
                match decode(message.operation.as_ref(), &message.idempotency_key) {
                    Ok(operation) => decoded.push(operation),
                    Err(error) => {
                        refused = Some(error);
                        break;
                    }
                }
            }
            if !decoded.is_empty() {
                let sections: Vec<Section> = decoded.iter().map(|(signed, _)| signed.section()).collect();
                match self.within(self.admit(decoded)).await {
                    Ok(admitted) => {
                        for acceptance in &admitted.accepted {
                            answer.operation_ids.push(acceptance.operation.id);
                            answer.repeated += u32::from(acceptance.repeated);
                        }
                        if let Some(error) = admitted.refused {
                            let section = sections.get(admitted.accepted.len()).copied();
                            let place = Place::Single(section.unwrap_or(Section::Transfers));
                            // It comes before whatever was refused here.
                            refused = Some(ApiError::Submit { place, error });
                        }
                    }
                    Err(error) => refused = Some(error),
                }
            }
            let accepted = answer.operation_ids.len();
            match (refused, arrived.end) {
                (Some(error), _) | (None, End::Failed(error)) => {
                    return Err(ApiError::Stream {
                        position: accepted,
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
        let (operations, fee_slots, key) = decode_batch(&message)?;
        drop(message);
        let sections: Vec<Section> = operations.iter().map(SignedOperation::section).collect();
        let result = self
            .within(async {
                let limit = self.policy().max_batch_operations();
                // Too many are refused by their number, and not worth the work.
                let operations = if usize::try_from(limit).is_ok_and(|limit| operations.len() > limit) {
                    let unchecked = |signed| CheckedOperation::unchecked(signed);
                    operations.into_iter().map(unchecked).collect()
                } else {
                    self.check_signatures(operations).await?
                };
                let submission = WholeSubmission::new(operations, fee_slots, key);
                let submitted = self.node().sequencer().submit_whole(submission).await;
                submitted.map_err(|error| ApiError::Submit {
                    place: Place::Batch(sections),
                    error,
                })
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
        decoded: Vec<(SignedOperation, Option<IdempotencyKey>)>,
    ) -> Result<Admitted, ApiError> {
        let section = decoded.first().map(|(signed, _)| signed.section());
        let (operations, keys): (Vec<_>, Vec<_>) = decoded.into_iter().unzip();
        let checked = self.check_signatures(operations).await?;
        let items = checked.into_iter().zip(keys);
        let items = items
            .map(|(operation, key)| Single::new(operation, key))
            .collect();
        let submitted = self.node().sequencer().submit(items).await;
        submitted.map_err(|error| ApiError::Submit {
            place: Place::Single(section.unwrap_or(Section::Transfers)),
            error,
        })
    }

    /// Checks the signatures on blocking threads, several at a time.
    async fn check_signatures(
        &self,
        operations: Vec<SignedOperation>,
    ) -> Result<Vec<CheckedOperation>, ApiError> {
        let mut parts = Vec::with_capacity(operations.len().div_ceil(SIGNATURES));
        for part in operations.chunks(SIGNATURES) {
            let place = self.signature_place().await?;
            let part = part.to_vec();
            let node = self.shared_node();
            parts.push(tokio::task::spawn_blocking(move || {
                // Kept until the work has ended, even if nobody waits for it any more.
                let _place = place;
                check_part(&node, part)
            }));
        }
        let mut checked = Vec::with_capacity(operations.len());
        for part in parts {
            checked.extend(part.await.map_err(|_| ApiError::Panicked)??);
        }
        Ok(checked)
    }

    /// Runs something for at most a request's time. What it has asked of the sequencer goes on without it.
    pub(super) async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        let limit = self.request_timeout();
        tokio::time::timeout(limit, work)
            .await
            .map_err(|_| ApiError::Timeout { limit })?
    }
}

pub(super) fn decode(
    message: Option<&v1::SignedOperation>,
    key: &[u8],
) -> Result<(SignedOperation, Option<IdempotencyKey>), ApiError> {
    let mut violations = Violations::default();
    let signed = violations
        .require(message, "operation", "is required")
        .and_then(|message| signed::from_proto(message, "operation", &mut violations));
    let key = key::from_proto(key, &mut violations);
    checked(violations)?;
    // Without a violation there is an operation.
    Ok((signed.ok_or(ApiError::Panicked)?, key))
}

pub(super) type DecodedBatch = (Vec<SignedOperation>, Vec<FeeSlot>, Option<IdempotencyKey>);

pub(super) fn decode_batch(message: &v1::SubmitBatchRequest) -> Result<DecodedBatch, ApiError> {
    let mut violations = Violations::default();
    let operations = message
        .operations
        .iter()
        .enumerate()
        .filter_map(|(i, message)| signed::from_proto(message, &format!("operations[{i}]"), &mut violations))
        .collect();
    let key = key::from_proto(&message.idempotency_key, &mut violations);
    checked(violations)?;
    let fee_slots = message.fee_slots.iter().map(fee::from_proto);
    Ok((operations, fee_slots.collect(), key))
}

fn check_part(node: &Node, operations: Vec<SignedOperation>) -> Result<Vec<CheckedOperation>, ApiError> {
    // The store refuses rollup ids of 2^248 and above, so the element is always there.
    let rollup_id = fr_from_bytes_be(&node.store().identity().rollup_id).unwrap_or_default();
    let state = node.snapshot()?;
    let check = |signed: SignedOperation| {
        // Whatever keeps the account from being read is the sequencer's to say, in the order of the rules.
        match state.account(signed.from().get()) {
            Ok(Some(account)) => CheckedOperation::new(&rollup_id, signed, &account.key),
            _ => CheckedOperation::unchecked(signed),
        }
    };
    Ok(operations.into_iter().map(check).collect())
}
