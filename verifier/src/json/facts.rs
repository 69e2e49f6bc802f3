//! Facts as a JSON object.

use alloc::{string::String, string::ToString, vec::Vec};

use ark_bn254::Fr;
use serde::{Deserialize, Serialize};

use super::object::Object;
use super::values::{
    amount_from_text, amount_to_text, decimal, fee_from_text, fee_to_text, fr, word_below_2_248,
};
use crate::encoding::{fr_to_bytes_be, from_hex, to_hex};
use crate::facts::PriorityFields;
use crate::{
    DecodeError, Facts, FeeData, OpeningData, PriorityData, PriorityRequest, RotationData, TransferData,
    WithdrawalData,
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FactsDocument {
    rollup_id: String,
    batch_number: u32,
    old_root: String,
    new_root: String,
    queue: String,
    fees: Vec<Object<FeeDocument>>,
    priority: Vec<PriorityDocument>,
    openings: Vec<Object<OpeningDocument>>,
    withdrawals: Vec<Object<WithdrawalDocument>>,
    rotations: Vec<Object<RotationDocument>>,
    transfers: Vec<Object<TransferDocument>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FeeDocument {
    leaf: u32,
    token: u32,
    amount: String,
}

/// An object with one field, which names the kind.
#[derive(Serialize, Deserialize)]
enum PriorityDocument {
    #[serde(rename = "deposit")]
    Deposit(Object<DepositDocument>),
    #[serde(rename = "forced_exit")]
    ForcedExit(Object<ForcedExitDocument>),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DepositDocument {
    leaf: u32,
    token: u32,
    amount: String,
    owner: String,
    key: Object<KeyDocument>,
    done: bool,
}

/// `token` and `amount` are what was paid, 0 if nothing was.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ForcedExitDocument {
    leaf: u32,
    caller: String,
    done: bool,
    token: u32,
    amount: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpeningDocument {
    from: u32,
    to: u32,
    amount: String,
    fee: String,
    token: u32,
    owner: String,
    key: Object<KeyDocument>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WithdrawalDocument {
    from: u32,
    token: u32,
    amount: String,
    fee: String,
    address: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RotationDocument {
    from: u32,
    fee: String,
    owner: String,
    key: Object<KeyDocument>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TransferDocument {
    from: u32,
    to: u32,
    amount: String,
    fee: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyDocument {
    x: String,
    y: String,
}

impl From<&Facts> for FactsDocument {
    fn from(facts: &Facts) -> Self {
        Self {
            rollup_id: to_hex(&facts.rollup_id),
            batch_number: facts.batch_number,
            old_root: to_hex(&fr_to_bytes_be(&facts.old_root)),
            new_root: to_hex(&fr_to_bytes_be(&facts.new_root)),
            queue: to_hex(&facts.queue),
            fees: objects(&facts.fees),
            priority: facts.priority.iter().map(PriorityDocument::from).collect(),
            openings: objects(&facts.openings),
            withdrawals: objects(&facts.withdrawals),
            rotations: objects(&facts.rotations),
            transfers: objects(&facts.transfers),
        }
    }
}

impl FactsDocument {
    pub(super) fn decode(&self) -> Result<Facts, DecodeError> {
        let priority = (0_u32..).zip(&self.priority);
        Ok(Facts {
            rollup_id: word_below_2_248(&self.rollup_id, "rollup_id", DecodeError::RollupIdOutOfRange)?,
            batch_number: self.batch_number,
            old_root: fr(&self.old_root, "old_root")?,
            new_root: fr(&self.new_root, "new_root")?,
            queue: word_below_2_248(&self.queue, "queue", DecodeError::QueueOutOfRange)?,
            priority: priority
                .map(|(index, document)| document.decode(index))
                .collect::<Result<_, _>>()?,
            openings: decode(&self.openings, OpeningDocument::decode)?,
            transfers: decode(&self.transfers, TransferDocument::decode)?,
            withdrawals: decode(&self.withdrawals, WithdrawalDocument::decode)?,
            rotations: decode(&self.rotations, RotationDocument::decode)?,
            fees: decode(&self.fees, FeeDocument::decode)?,
        })
    }
}

fn objects<'a, T, D: From<&'a T>>(list: &'a [T]) -> Vec<Object<D>> {
    list.iter().map(|entry| Object(D::from(entry))).collect()
}

fn decode<D, T>(
    list: &[Object<D>],
    entry: impl Fn(&D) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    list.iter().map(|Object(document)| entry(document)).collect()
}

impl From<&FeeData> for FeeDocument {
    fn from(fee: &FeeData) -> Self {
        Self {
            leaf: fee.leaf,
            token: fee.token,
            amount: fee.amount.to_string(),
        }
    }
}

impl FeeDocument {
    fn decode(&self) -> Result<FeeData, DecodeError> {
        Ok(FeeData {
            leaf: self.leaf,
            token: self.token,
            amount: decimal(&self.amount, "fees.amount")?,
        })
    }
}

impl From<&PriorityData> for PriorityDocument {
    fn from(operation: &PriorityData) -> Self {
        let PriorityFields {
            done,
            leaf,
            token,
            amount,
            owner,
            key,
            ..
        } = operation.fields();
        let (amount, owner) = (amount.to_string(), to_hex(&owner));
        match operation {
            PriorityData::Deposit { .. } => Self::Deposit(Object(DepositDocument {
                leaf,
                token,
                amount,
                owner,
                key: Object(KeyDocument::from(&key)),
                done,
            })),
            PriorityData::ForcedExit { .. } => Self::ForcedExit(Object(ForcedExitDocument {
                leaf,
                caller: owner,
                done,
                token,
                amount,
            })),
        }
    }
}

impl PriorityDocument {
    fn decode(&self, index: u32) -> Result<PriorityData, DecodeError> {
        let fields = match self {
            Self::Deposit(Object(deposit)) => PriorityFields {
                kind: PriorityRequest::DEPOSIT,
                done: deposit.done,
                leaf: deposit.leaf,
                token: deposit.token,
                amount: decimal(&deposit.amount, "priority.amount")?,
                owner: from_hex(&deposit.owner, "priority.owner")?,
                key: deposit.key.0.decode("priority.key")?,
            },
            Self::ForcedExit(Object(exit)) => PriorityFields {
                kind: PriorityRequest::FORCED_EXIT,
                done: exit.done,
                leaf: exit.leaf,
                token: exit.token,
                amount: decimal(&exit.amount, "priority.amount")?,
                owner: from_hex(&exit.caller, "priority.caller")?,
                key: <[Fr; 2]>::default(),
            },
        };
        PriorityData::from_fields(fields, index)
    }
}

impl From<&OpeningData> for OpeningDocument {
    fn from(opening: &OpeningData) -> Self {
        Self {
            from: opening.from,
            to: opening.to,
            amount: amount_to_text(opening.amount),
            fee: fee_to_text(opening.fee),
            token: opening.token,
            owner: to_hex(&opening.owner),
            key: Object(KeyDocument::from(&opening.key)),
        }
    }
}

impl OpeningDocument {
    fn decode(&self) -> Result<OpeningData, DecodeError> {
        Ok(OpeningData {
            from: self.from,
            to: self.to,
            amount: amount_from_text(&self.amount, "openings.amount")?,
            fee: fee_from_text(&self.fee, "openings.fee")?,
            token: self.token,
            owner: from_hex(&self.owner, "openings.owner")?,
            key: self.key.0.decode("openings.key")?,
        })
    }
}

impl From<&WithdrawalData> for WithdrawalDocument {
    fn from(withdrawal: &WithdrawalData) -> Self {
        Self {
            from: withdrawal.from,
            token: withdrawal.token,
            amount: withdrawal.amount.to_string(),
            fee: fee_to_text(withdrawal.fee),
            address: to_hex(&withdrawal.address),
        }
    }
}

impl WithdrawalDocument {
    fn decode(&self) -> Result<WithdrawalData, DecodeError> {
        Ok(WithdrawalData {
            from: self.from,
            token: self.token,
            amount: decimal(&self.amount, "withdrawals.amount")?,
            fee: fee_from_text(&self.fee, "withdrawals.fee")?,
            address: from_hex(&self.address, "withdrawals.address")?,
        })
    }
}

impl From<&RotationData> for RotationDocument {
    fn from(rotation: &RotationData) -> Self {
        Self {
            from: rotation.from,
            fee: fee_to_text(rotation.fee),
            owner: to_hex(&rotation.owner),
            key: Object(KeyDocument::from(&rotation.key)),
        }
    }
}

impl RotationDocument {
    fn decode(&self) -> Result<RotationData, DecodeError> {
        Ok(RotationData {
            from: self.from,
            fee: fee_from_text(&self.fee, "rotations.fee")?,
            owner: from_hex(&self.owner, "rotations.owner")?,
            key: self.key.0.decode("rotations.key")?,
        })
    }
}

impl From<&TransferData> for TransferDocument {
    fn from(transfer: &TransferData) -> Self {
        Self {
            from: transfer.from,
            to: transfer.to,
            amount: amount_to_text(transfer.amount),
            fee: fee_to_text(transfer.fee),
        }
    }
}

impl TransferDocument {
    fn decode(&self) -> Result<TransferData, DecodeError> {
        Ok(TransferData {
            from: self.from,
            to: self.to,
            amount: amount_from_text(&self.amount, "transfers.amount")?,
            fee: fee_from_text(&self.fee, "transfers.fee")?,
        })
    }
}

impl From<&[Fr; 2]> for KeyDocument {
    fn from(key: &[Fr; 2]) -> Self {
        let [x, y] = key
            .each_ref()
            .map(|coordinate| to_hex(&fr_to_bytes_be(coordinate)));
        Self { x, y }
    }
}

impl KeyDocument {
    fn decode(&self, field: &'static str) -> Result<[Fr; 2], DecodeError> {
        Ok([fr(&self.x, field)?, fr(&self.y, field)?])
    }
}
