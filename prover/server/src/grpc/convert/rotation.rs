//! `SignedRotation`.

use quittance_circuits::tx::rotation::{Rotation, SignedRotation};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce};
use quittance_proto::v1;

use super::{address, float_fee, key_point, signature};
use crate::encoding::fr_to_bytes_be;
use crate::grpc::fields::Violations;

/// Reads one rotation; `path` is such as `operations[3].rotation`.
pub(crate) fn from_proto(
    message: &v1::SignedRotation,
    path: &str,
    violations: &mut Violations,
) -> Option<SignedRotation> {
    let fee = float_fee(message.fee_float16, path, violations);
    let signature = signature::from_proto(message.signature.as_ref(), path, violations);
    let key = key_point(&message.key_x, &message.key_y, path, violations);
    let owner = address(&message.owner, format_args!("{path}.owner"), violations);
    Some(SignedRotation {
        rotation: Rotation {
            from: AccountIndex(message.from),
            fee: fee?,
            nonce: Nonce(message.nonce),
            valid_until: BatchNumber(message.valid_until),
            key: key?,
            owner: owner?,
        },
        signature: signature?,
    })
}

/// Writes one rotation.
pub(crate) fn to_proto(signed: &SignedRotation) -> v1::SignedRotation {
    let rotation = &signed.rotation;
    v1::SignedRotation {
        from: rotation.from.get(),
        fee_float16: u32::from(rotation.fee.get()),
        nonce: rotation.nonce.get(),
        valid_until: rotation.valid_until.get(),
        signature: Some(signature::to_proto(&signed.signature)),
        key_x: fr_to_bytes_be(&rotation.key.x).to_vec(),
        key_y: fr_to_bytes_be(&rotation.key.y).to_vec(),
        owner: rotation.owner.get().to_vec(),
    }
}
