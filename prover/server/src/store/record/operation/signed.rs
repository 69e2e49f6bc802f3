//! The fields of a signed operation, behind its kind.
//!
//! | kind | field | bytes |
//! |---|---|---|
//! | all | from | 4 |
//! | | fee, as a float | 2 |
//! | | nonce, valid until | 4, 4 |
//! | | signature: R8's x and y, S | 32, 32, 32 |
//! | transfer (1), opening (2) | to | 4 |
//! | | amount, as a float | 8 |
//! | withdrawal (3) | amount | 16 |
//! | | address | 20 |
//! | opening (2), rotation (4) | key's x and y, canonical, of whatever point | 32, 32 |
//! | | owner | 20 |

use quittance_circuits::babyjubjub::Point;
use quittance_circuits::eddsa::Signature;
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::tx::SignedOperation;
use quittance_circuits::tx::opening::{Opening, SignedOpening};
use quittance_circuits::tx::rotation::{Rotation, SignedRotation};
use quittance_circuits::tx::transfer::{SignedTransfer, Transfer};
use quittance_circuits::tx::withdrawal::{SignedWithdrawal, Withdrawal};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce, RootAddress};

use crate::store::record::codec::{Reader, RecordError, Writer};

const TRANSFER: u8 = 1;
const OPENING: u8 = 2;
const WITHDRAWAL: u8 = 3;
const ROTATION: u8 = 4;

pub(super) fn encode(w: &mut Writer, signed: &SignedOperation) {
    let kind = match signed {
        SignedOperation::Transfer(_) => TRANSFER,
        SignedOperation::Opening(_) => OPENING,
        SignedOperation::Withdrawal(_) => WITHDRAWAL,
        SignedOperation::Rotation(_) => ROTATION,
    };
    let signature = signed.signature();
    w.u8(kind)
        .u32(signed.from().get())
        .u16(signed.fee().get())
        .u32(signed.nonce().get())
        .u32(signed.valid_until().get())
        .fr(&signature.r8.x)
        .fr(&signature.r8.y);
    for limb in signature.s {
        w.u64(limb);
    }
    match signed {
        SignedOperation::Transfer(SignedTransfer { transfer, .. }) => {
            w.u32(transfer.to.get()).u64(transfer.amount.get());
        }
        SignedOperation::Opening(SignedOpening { opening, .. }) => {
            w.u32(opening.to.get()).u64(opening.amount.get());
            holder(w, &opening.key, &opening.owner);
        }
        SignedOperation::Withdrawal(SignedWithdrawal { withdrawal, .. }) => {
            w.u128(withdrawal.amount).bytes(&withdrawal.address.0);
        }
        SignedOperation::Rotation(SignedRotation { rotation, .. }) => {
            holder(w, &rotation.key, &rotation.owner);
        }
    }
}

pub(super) fn decode(kind: u8, r: &mut Reader<'_>) -> Result<SignedOperation, RecordError> {
    let from = AccountIndex(r.u32("from")?);
    let fee = FloatFee::new(r.u16("fee")?);
    let nonce = Nonce(r.u32("nonce")?);
    let valid_until = BatchNumber(r.u32("valid until")?);
    let r8 = Point::new(r.fr("signature's x")?, r.fr("signature's y")?);
    let mut s = [0; 4];
    for limb in &mut s {
        *limb = r.u64("signature's S")?;
    }
    let signature = Signature { r8, s };
    Ok(match kind {
        TRANSFER => SignedOperation::Transfer(SignedTransfer {
            transfer: Transfer {
                from,
                to: AccountIndex(r.u32("to")?),
                amount: amount(r)?,
                fee,
                nonce,
                valid_until,
            },
            signature,
        }),
        OPENING => SignedOperation::Opening(SignedOpening {
            opening: Opening {
                from,
                to: AccountIndex(r.u32("to")?),
                amount: amount(r)?,
                fee,
                nonce,
                valid_until,
                key: key(r)?,
                owner: RootAddress(r.array("owner")?),
            },
            signature,
        }),
        WITHDRAWAL => SignedOperation::Withdrawal(SignedWithdrawal {
            withdrawal: Withdrawal {
                from,
                amount: r.u128("amount")?,
                fee,
                nonce,
                valid_until,
                address: RootAddress(r.array("address")?),
            },
            signature,
        }),
        ROTATION => SignedOperation::Rotation(SignedRotation {
            rotation: Rotation {
                from,
                fee,
                nonce,
                valid_until,
                key: key(r)?,
                owner: RootAddress(r.array("owner")?),
            },
            signature,
        }),
        _ => return Err(RecordError::Invalid { field: "kind" }),
    })
}

fn holder(w: &mut Writer, key: &Point, owner: &RootAddress) {
    w.fr(&key.x).fr(&key.y).bytes(&owner.0);
}

fn key(r: &mut Reader<'_>) -> Result<Point, RecordError> {
    Ok(Point::new(r.fr("key's x")?, r.fr("key's y")?))
}

fn amount(r: &mut Reader<'_>) -> Result<FloatAmount, RecordError> {
    FloatAmount::new(r.u64("amount")?).map_err(|_| RecordError::Invalid { field: "amount" })
}
