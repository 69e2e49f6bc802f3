//! `quittance policy`.

use quittance_proto::v1;
use serde_json::{Value, json};

use super::args::ServerArgs;
use super::output::Output;
use super::{CliError, client};

pub(super) fn run(args: &ServerArgs, out: &mut Output) -> Result<(), CliError> {
    client::block_on(async {
        let mut client = client::connect(&args.server).await?;
        let answer = client.get_policy(v1::GetPolicyRequest {}).await?.into_inner();
        let policy = client::required(answer.policy, "the policy")?;
        let batching = client::required(policy.batching, "the batching policy")?;
        let limits = client::required(policy.limits, "the limits")?;
        let tokens: Vec<Value> = policy
            .tokens
            .iter()
            .map(|token| {
                json!({
                    "token": token.token,
                    "minimum_fee": amount(&token.minimum_fee),
                    "fee_leaf": token.fee_leaf,
                })
            })
            .collect();
        if out.is_json() {
            return out.line(json!({
                "tokens": tokens,
                "batching": {
                    "max_operations": batching.max_operations,
                    "max_delay_ms": batching.max_delay_ms,
                    "max_unproved_batches": batching.max_unproved_batches,
                    "max_queued": batching.max_queued,
                },
                "limits": {
                    "max_message_bytes": limits.max_message_bytes,
                    "max_batch_operations": limits.max_batch_operations,
                    "max_batch_fee_slots": limits.max_batch_fee_slots,
                    "max_stream_operations": limits.max_stream_operations,
                    "max_page_size": limits.max_page_size,
                    "max_idempotency_key_bytes": limits.max_idempotency_key_bytes,
                    "idempotency_keys_kept": limits.idempotency_keys_kept,
                },
            }));
        }
        if policy.tokens.is_empty() {
            out.line("fees: of no token; a batch has to name its fee slots")?;
        }
        for token in &policy.tokens {
            out.line(format_args!(
                "fees of token {}: at least {}, to leaf {}",
                token.token,
                amount(&token.minimum_fee),
                token.fee_leaf
            ))?;
        }
        out.line(format_args!(
            "a batch is made of {} queued operations, or after {} ms, while fewer than {} batches wait for proofs",
            batching.max_operations, batching.max_delay_ms, batching.max_unproved_batches
        ))?;
        out.line(format_args!(
            "limits: {} queued operations, {} in a stream, {} and {} fee slots in a batch, {} bytes in a message",
            batching.max_queued,
            limits.max_stream_operations,
            limits.max_batch_operations,
            limits.max_batch_fee_slots,
            limits.max_message_bytes
        ))?;
        out.line(format_args!(
            "idempotency keys: at most {} bytes, the newest {} are remembered",
            limits.max_idempotency_key_bytes, limits.idempotency_keys_kept
        ))
    })
}

/// An amount of 16 big-endian bytes in decimal digits.
fn amount(bytes: &[u8]) -> String {
    <[u8; 16]>::try_from(bytes)
        .map(|bytes| u128::from_be_bytes(bytes).to_string())
        .unwrap_or_default()
}
