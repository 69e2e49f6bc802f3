//! Deposits and forced exits.

use quittance_proto::v1::{self, priority_operation::Kind};
use serde::{Deserialize, Deserializer, Serialize};

use super::bytes::{amount, digits, hex};
use crate::encoding::to_hex;

/// An operation of the root chain, under the name of its kind, with its place in the queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct PriorityJson {
    #[serde(
        default,
        deserialize_with = "written",
        skip_serializing_if = "Option::is_none"
    )]
    index: Option<u64>,
    #[serde(
        default,
        deserialize_with = "written",
        skip_serializing_if = "Option::is_none"
    )]
    deposit: Option<DepositJson>,
    #[serde(
        default,
        deserialize_with = "written",
        skip_serializing_if = "Option::is_none"
    )]
    forced_exit: Option<ForcedExitJson>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct DepositJson {
    pub(in crate::cli) leaf: u32,
    pub(in crate::cli) token: u32,
    pub(in crate::cli) amount: String,
    pub(in crate::cli) owner: String,
    pub(in crate::cli) key_x: String,
    pub(in crate::cli) key_y: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct ForcedExitJson {
    pub(in crate::cli) leaf: u32,
    pub(in crate::cli) caller: String,
}

impl PriorityJson {
    pub(in crate::cli) const fn deposit(index: Option<u64>, deposit: DepositJson) -> Self {
        Self {
            index,
            deposit: Some(deposit),
            forced_exit: None,
        }
    }

    pub(in crate::cli) const fn forced_exit(index: Option<u64>, exit: ForcedExitJson) -> Self {
        Self {
            index,
            deposit: None,
            forced_exit: Some(exit),
        }
    }

    /// From a message with a kind.
    pub(in crate::cli) fn from_proto(message: &v1::PriorityOperation) -> Self {
        let index = Some(message.index);
        match &message.kind {
            Some(Kind::Deposit(deposit)) => Self::deposit(
                index,
                DepositJson {
                    leaf: deposit.leaf,
                    token: deposit.token,
                    amount: digits(&deposit.amount),
                    owner: to_hex(&deposit.owner),
                    key_x: to_hex(&deposit.key_x),
                    key_y: to_hex(&deposit.key_y),
                },
            ),
            Some(Kind::ForcedExit(exit)) => Self::forced_exit(
                index,
                ForcedExitJson {
                    leaf: exit.leaf,
                    caller: to_hex(&exit.caller),
                },
            ),
            None => Self {
                index,
                deposit: None,
                forced_exit: None,
            },
        }
    }

    /// The operation, if it is one.
    pub(super) fn into_entry(self) -> Result<PriorityEntry, String> {
        let kind = match (self.deposit, self.forced_exit) {
            (Some(deposit), None) => Kind::Deposit(v1::Deposit {
                leaf: deposit.leaf,
                token: deposit.token,
                amount: amount("deposit.amount", &deposit.amount)?,
                owner: hex::<20>("deposit.owner", &deposit.owner)?,
                key_x: hex::<32>("deposit.key_x", &deposit.key_x)?,
                key_y: hex::<32>("deposit.key_y", &deposit.key_y)?,
            }),
            (None, Some(exit)) => Kind::ForcedExit(v1::ForcedExit {
                leaf: exit.leaf,
                caller: hex::<20>("forced_exit.caller", &exit.caller)?,
            }),
            _ => return Err("wants one of deposit and forced_exit".to_owned()),
        };
        Ok(PriorityEntry {
            index: self.index,
            kind,
        })
    }
}

/// A field that is there has a value: `null` would be a second way to leave it out.
fn written<'de, D: Deserializer<'de>, T: Deserialize<'de>>(reader: D) -> Result<Option<T>, D::Error> {
    T::deserialize(reader).map(Some)
}

/// An operation of the root chain as a file gives it.
#[derive(Debug)]
pub(in crate::cli) struct PriorityEntry {
    index: Option<u64>,
    kind: Kind,
}

impl PriorityEntry {
    pub(in crate::cli) const fn has_index(&self) -> bool {
        self.index.is_some()
    }

    /// The message, at its own index or at `next`.
    pub(in crate::cli) fn into_message(self, next: u64) -> v1::PriorityOperation {
        v1::PriorityOperation {
            index: self.index.unwrap_or(next),
            kind: Some(self.kind),
        }
    }
}
