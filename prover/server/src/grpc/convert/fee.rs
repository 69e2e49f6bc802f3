//! `FeeSlot` and `FeeCredit`.

use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::types::{AccountIndex, TokenId};
use quittance_proto::v1;

use crate::batch::FeeCredit;

/// Reads one slot: every value of the message is one.
pub(crate) const fn from_proto(message: &v1::FeeSlot) -> FeeSlot {
    FeeSlot {
        leaf: AccountIndex(message.leaf),
        token: TokenId(message.token),
    }
}

/// Writes what a slot was credited.
pub(crate) fn credit(fee: &FeeCredit) -> v1::FeeCredit {
    v1::FeeCredit {
        leaf: fee.leaf,
        token: fee.token,
        amount: fee.amount.to_be_bytes().to_vec(),
    }
}
