//! `SignedOpening`.

use quittance_circuits::tx::opening::{Opening, SignedOpening};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce};
use quittance_proto::v1;

use super::{address, float_amount, float_fee, key_point, signature};
use crate::encoding::fr_to_bytes_be;
use crate::grpc::fields::Violations;

/// Reads one opening; `path` is such as `operations[3].opening`.
pub(crate) fn from_proto(
    message: &v1::SignedOpening,
    path: &str,
    violations: &mut Violations,
) -> Option<SignedOpening> {
    let amount = float_amount(message.amount_float40, path, violations);
    let fee = float_fee(message.fee_float16, path, violations);
    let signature = signature::from_proto(message.signature.as_ref(), path, violations);
    let key = key_point(&message.key_x, &message.key_y, path, violations);
    let owner = address(&message.owner, format_args!("{path}.owner"), violations);
    Some(SignedOpening {
        opening: Opening {
            from: AccountIndex(message.from),
            to: AccountIndex(message.to),
            amount: amount?,
            fee: fee?,
            nonce: Nonce(message.nonce),
            valid_until: BatchNumber(message.valid_until),
            key: key?,
            owner: owner?,
        },
        signature: signature?,
    })
}

/// Writes one opening.
pub(crate) fn to_proto(signed: &SignedOpening) -> v1::SignedOpening {
    let opening = &signed.opening;
    v1::SignedOpening {
        from: opening.from.get(),
        to: opening.to.get(),
        amount_float40: opening.amount.get(),
        fee_float16: u32::from(opening.fee.get()),
        nonce: opening.nonce.get(),
        valid_until: opening.valid_until.get(),
        signature: Some(signature::to_proto(&signed.signature)),
        key_x: fr_to_bytes_be(&opening.key.x).to_vec(),
        key_y: fr_to_bytes_be(&opening.key.y).to_vec(),
        owner: opening.owner.get().to_vec(),
    }
}
