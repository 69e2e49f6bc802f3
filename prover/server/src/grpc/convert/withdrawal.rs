//! `SignedWithdrawal`.

use quittance_circuits::tx::withdrawal::{SignedWithdrawal, Withdrawal};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce};
use quittance_proto::v1;

use super::{address, amount, float_fee, signature};
use crate::grpc::fields::Violations;

/// Reads one withdrawal; `path` is such as `operations[3].withdrawal`.
pub(crate) fn from_proto(
    message: &v1::SignedWithdrawal,
    path: &str,
    violations: &mut Violations,
) -> Option<SignedWithdrawal> {
    let amount = amount(&message.amount, format_args!("{path}.amount"), violations);
    let fee = float_fee(message.fee_float16, path, violations);
    let signature = signature::from_proto(message.signature.as_ref(), path, violations);
    let address = address(&message.address, format_args!("{path}.address"), violations);
    Some(SignedWithdrawal {
        withdrawal: Withdrawal {
            from: AccountIndex(message.from),
            amount: amount?,
            fee: fee?,
            nonce: Nonce(message.nonce),
            valid_until: BatchNumber(message.valid_until),
            address: address?,
        },
        signature: signature?,
    })
}

/// Writes one withdrawal.
pub(crate) fn to_proto(signed: &SignedWithdrawal) -> v1::SignedWithdrawal {
    let withdrawal = &signed.withdrawal;
    v1::SignedWithdrawal {
        from: withdrawal.from.get(),
        amount: withdrawal.amount.to_be_bytes().to_vec(),
        fee_float16: u32::from(withdrawal.fee.get()),
        nonce: withdrawal.nonce.get(),
        valid_until: withdrawal.valid_until.get(),
        signature: Some(signature::to_proto(&signed.signature)),
        address: withdrawal.address.get().to_vec(),
    }
}
