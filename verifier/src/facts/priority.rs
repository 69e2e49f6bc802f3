//! A priority operation and how it ended.

use alloc::vec::Vec;

use ark_bn254::Fr;
use ark_ff::AdditiveGroup;

use super::Entry;
use crate::encoding::{Reader, fr_to_bytes_be};
use crate::{DecodeError, Deposit, ForcedExit, PriorityRequest, Section};

/// A priority operation and how it ended: 110 bytes, kind 1 (5 deposit, 6 forced exit) | done 1 | `leaf` 4 |
/// `token` 4 | `amount` 16 | `owner` 20 | key x 32 | key y 32, big-endian.
///
/// Of a deposit, token and amount are what was deposited, done or not. Of a forced exit they are what was paid, and
/// 0 if nothing was; the owner is the caller, and the key is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriorityData {
    /// A deposit.
    Deposit {
        /// What was asked for.
        deposit: Deposit,
        /// Whether the leaf was opened or credited.
        done: bool,
    },
    /// A forced exit.
    ForcedExit {
        /// What was asked for.
        exit: ForcedExit,
        /// What was paid to the caller, if the caller owns the leaf.
        paid: Option<Payout>,
    },
}

/// What a forced exit pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Payout {
    /// The leaf's token.
    pub token: u32,
    /// The leaf's whole balance, in the token's smallest unit.
    pub amount: u128,
}

/// The fields of either kind, as they are published.
pub(crate) struct PriorityFields {
    pub(crate) kind: u8,
    pub(crate) done: bool,
    pub(crate) leaf: u32,
    pub(crate) token: u32,
    pub(crate) amount: u128,
    pub(crate) owner: [u8; 20],
    pub(crate) key: [Fr; 2],
}

impl PriorityData {
    /// Bytes of a priority operation's data.
    pub const BYTES: usize = 110;

    /// What was asked for on the root chain.
    pub fn request(&self) -> PriorityRequest {
        match *self {
            Self::Deposit { deposit, .. } => PriorityRequest::Deposit(deposit),
            Self::ForcedExit { exit, .. } => PriorityRequest::ForcedExit(exit),
        }
    }

    /// Whether it took effect.
    pub fn is_done(&self) -> bool {
        match self {
            Self::Deposit { done, .. } => *done,
            Self::ForcedExit { paid, .. } => paid.is_some(),
        }
    }

    pub(crate) fn fields(&self) -> PriorityFields {
        let (kind, done) = (self.request().kind(), self.is_done());
        match *self {
            Self::Deposit { deposit, .. } => PriorityFields {
                kind,
                done,
                leaf: deposit.leaf,
                token: deposit.token,
                amount: deposit.amount,
                owner: deposit.owner,
                key: deposit.key,
            },
            Self::ForcedExit { exit, paid } => PriorityFields {
                kind,
                done,
                leaf: exit.leaf,
                token: paid.map_or(0, |paid| paid.token),
                amount: paid.map_or(0, |paid| paid.amount),
                owner: exit.caller,
                key: [Fr::ZERO; 2],
            },
        }
    }

    /// The operation that has these fields, which exactly one has, or none. `index` is for errors.
    pub(crate) fn from_fields(fields: PriorityFields, index: u32) -> Result<Self, DecodeError> {
        let PriorityFields {
            kind,
            done,
            leaf,
            token,
            amount,
            owner,
            key,
        } = fields;
        match kind {
            PriorityRequest::DEPOSIT => Ok(Self::Deposit {
                deposit: Deposit {
                    leaf,
                    token,
                    amount,
                    owner,
                    key,
                },
                done,
            }),
            PriorityRequest::FORCED_EXIT => {
                let not_zero = |field| Err(DecodeError::NotZero { field, index });
                if key != [Fr::ZERO; 2] {
                    return not_zero("priority.key");
                }
                if !done && token != 0 {
                    return not_zero("priority.token");
                }
                if !done && amount != 0 {
                    return not_zero("priority.amount");
                }
                Ok(Self::ForcedExit {
                    exit: ForcedExit { leaf, caller: owner },
                    paid: done.then_some(Payout { token, amount }),
                })
            }
            got => Err(DecodeError::PriorityKind { index, got }),
        }
    }
}

impl Entry for PriorityData {
    const SECTION: Section = Section::Priority;
    const BYTES: usize = Self::BYTES;

    fn write(&self, bytes: &mut Vec<u8>) {
        let fields = self.fields();
        bytes.extend([fields.kind, fields.done.into()]);
        bytes.extend(fields.leaf.to_be_bytes());
        bytes.extend(fields.token.to_be_bytes());
        bytes.extend(fields.amount.to_be_bytes());
        bytes.extend(fields.owner);
        bytes.extend(fields.key.iter().flat_map(fr_to_bytes_be));
    }

    fn read(reader: &mut Reader<'_>, index: u32) -> Result<Self, DecodeError> {
        let field = Self::SECTION.name();
        let [kind, done] = reader.array(field)?;
        if !matches!(kind, PriorityRequest::DEPOSIT | PriorityRequest::FORCED_EXIT) {
            return Err(DecodeError::PriorityKind { index, got: kind });
        }
        let done = match done {
            0 => false,
            1 => true,
            got => return Err(DecodeError::PriorityDone { index, got }),
        };
        let fields = PriorityFields {
            kind,
            done,
            leaf: reader.u32(field)?,
            token: reader.u32(field)?,
            amount: reader.u128(field)?,
            owner: reader.array(field)?,
            key: [reader.fr("priority.key")?, reader.fr("priority.key")?],
        };
        Self::from_fields(fields, index)
    }
}
