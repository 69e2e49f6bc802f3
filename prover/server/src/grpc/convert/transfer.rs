//! `SignedTransfer`.

use quittance_circuits::tx::transfer::{SignedTransfer, Transfer};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce};
use quittance_proto::v1;

use super::{float_amount, float_fee, signature};
use crate::grpc::fields::Violations;

/// Reads one transfer; `path` is such as `operations[3].transfer`.
pub(crate) fn from_proto(
    message: &v1::SignedTransfer,
    path: &str,
    violations: &mut Violations,
) -> Option<SignedTransfer> {
    let amount = float_amount(message.amount_float40, path, violations);
    let fee = float_fee(message.fee_float16, path, violations);
    let signature = signature::from_proto(message.signature.as_ref(), path, violations);
    Some(SignedTransfer {
        transfer: Transfer {
            from: AccountIndex(message.from),
            to: AccountIndex(message.to),
            amount: amount?,
            fee: fee?,
            nonce: Nonce(message.nonce),
            valid_until: BatchNumber(message.valid_until),
        },
        signature: signature?,
    })
}

/// Writes one transfer.
pub(crate) fn to_proto(signed: &SignedTransfer) -> v1::SignedTransfer {
    let transfer = &signed.transfer;
    v1::SignedTransfer {
        from: transfer.from.get(),
        to: transfer.to.get(),
        amount_float40: transfer.amount.get(),
        fee_float16: u32::from(transfer.fee.get()),
        nonce: transfer.nonce.get(),
        valid_until: transfer.valid_until.get(),
        signature: Some(signature::to_proto(&signed.signature)),
    }
}
