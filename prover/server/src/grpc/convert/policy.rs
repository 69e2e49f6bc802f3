//! `Policy`.

use quittance_proto::v1;

use crate::operation::IdempotencyKey;
use crate::policy::Policy;

/// Writes the policy; `max_message_bytes` is the transport's.
pub(crate) fn to_proto(policy: &Policy, max_message_bytes: usize) -> v1::Policy {
    let batching = &policy.batching;
    v1::Policy {
        tokens: policy
            .tokens()
            .iter()
            .map(|token| v1::TokenPolicy {
                token: token.token,
                minimum_fee: token.minimum_fee.to_be_bytes().to_vec(),
                fee_leaf: token.fee_leaf,
            })
            .collect(),
        batching: Some(v1::BatchingPolicy {
            max_operations: batching.max_operations,
            max_delay_ms: u64::try_from(batching.max_delay.as_millis()).unwrap_or(u64::MAX),
            max_unproved_batches: batching.max_unproved_batches,
            max_queued: batching.max_queued,
        }),
        limits: Some(v1::Limits {
            max_message_bytes: u64::try_from(max_message_bytes).unwrap_or(u64::MAX),
            max_batch_operations: policy.max_batch_operations(),
            max_batch_fee_slots: policy.max_batch_fee_slots(),
            max_stream_operations: policy.max_stream_operations,
            max_page_size: policy.max_page_size,
            max_idempotency_key_bytes: u32::try_from(IdempotencyKey::MAX_BYTES).unwrap_or(u32::MAX),
            idempotency_keys_kept: policy.idempotency_keys,
        }),
    }
}
