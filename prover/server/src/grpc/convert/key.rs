//! Idempotency keys.

use crate::grpc::fields::Violations;
use crate::operation::IdempotencyKey;

/// Reads a key; empty bytes are none.
pub(crate) fn from_proto(bytes: &[u8], violations: &mut Violations) -> Option<IdempotencyKey> {
    if bytes.is_empty() {
        return None;
    }
    match IdempotencyKey::new(bytes) {
        Ok(key) => Some(key),
        Err(error) => {
            violations.add("idempotency_key", error);
            None
        }
    }
}
