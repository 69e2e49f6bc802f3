//! `PriorityOperation`, `Deposit`, `ForcedExit` and `PriorityOutcome`.

use quittance_circuits::tx::priority::{Deposit, ForcedExit, Priority};
use quittance_circuits::types::{AccountIndex, TokenId};
use quittance_proto::v1::{self, priority_operation::Kind};

use super::{address, amount, key_point};
use crate::encoding::fr_to_bytes_be;
use crate::grpc::fields::Violations;

/// Reads one operation of the root chain's queue, with its place there.
pub(crate) fn from_proto(
    message: &v1::PriorityOperation,
    path: &str,
    violations: &mut Violations,
) -> Option<(u64, Priority)> {
    let kind = violations.require(
        message.kind.as_ref(),
        path,
        "wants one of deposit and forced_exit",
    )?;
    let priority = match kind {
        Kind::Deposit(message) => {
            Priority::Deposit(deposit(message, &format!("{path}.deposit"), violations)?)
        }
        Kind::ForcedExit(message) => {
            let path = format!("{path}.forced_exit.caller");
            Priority::ForcedExit(ForcedExit {
                leaf: AccountIndex(message.leaf),
                caller: address(&message.caller, path, violations)?,
            })
        }
    };
    Some((message.index, priority))
}

/// Whether the leaf can be opened with that key and owner, or credited, is the outcome of the execution.
fn deposit(message: &v1::Deposit, path: &str, violations: &mut Violations) -> Option<Deposit> {
    let amount = amount(&message.amount, format_args!("{path}.amount"), violations);
    let owner = address(&message.owner, format_args!("{path}.owner"), violations);
    let key = key_point(&message.key_x, &message.key_y, path, violations);
    Some(Deposit {
        leaf: AccountIndex(message.leaf),
        token: TokenId(message.token),
        amount: amount?,
        owner: owner?,
        key: key?,
    })
}

/// Writes one operation of the root chain's queue.
pub(crate) fn to_proto(index: u64, priority: &Priority) -> v1::PriorityOperation {
    let kind = match priority {
        Priority::Deposit(deposit) => Kind::Deposit(v1::Deposit {
            leaf: deposit.leaf.get(),
            token: deposit.token.get(),
            amount: deposit.amount.to_be_bytes().to_vec(),
            owner: deposit.owner.get().to_vec(),
            key_x: fr_to_bytes_be(&deposit.key.x).to_vec(),
            key_y: fr_to_bytes_be(&deposit.key.y).to_vec(),
        }),
        Priority::ForcedExit(exit) => Kind::ForcedExit(v1::ForcedExit {
            leaf: exit.leaf.get(),
            caller: exit.caller.get().to_vec(),
        }),
    };
    v1::PriorityOperation {
        index,
        kind: Some(kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deposit() -> v1::Deposit {
        v1::Deposit {
            leaf: 1 << 31,
            token: 7,
            amount: (1..17).collect(),
            owner: [0; 20].to_vec(),
            key_x: [4; 32].to_vec(),
            key_y: [5; 32].to_vec(),
        }
    }

    fn message(kind: Kind) -> v1::PriorityOperation {
        v1::PriorityOperation {
            index: u64::MAX,
            kind: Some(kind),
        }
    }

    fn exit(caller: Vec<u8>) -> v1::PriorityOperation {
        message(Kind::ForcedExit(v1::ForcedExit { leaf: 3, caller }))
    }

    #[test]
    fn round_trip() {
        for message in [message(Kind::Deposit(deposit())), exit([9; 20].to_vec())] {
            let mut violations = Violations::default();
            let (index, priority) = from_proto(&message, "operation", &mut violations).unwrap();
            assert_eq!(to_proto(index, &priority), message);
            assert!(violations.is_empty());
        }
    }

    /// S1, S2: non-canonical and truncated values, each named by its path.
    #[test]
    fn s1_s2_each_field_is_named() {
        type Change = fn(&mut v1::Deposit);
        let refused = |message: &v1::PriorityOperation, path: &str| {
            let mut violations = Violations::default();
            assert!(
                from_proto(message, "operation", &mut violations).is_none(),
                "{path}"
            );
            assert!(
                violations.to_string().starts_with(&format!("{path}: ")),
                "{path}: {violations}"
            );
        };
        let cases: [(&str, Change); 6] = [
            ("amount", |m| m.amount.insert(0, 0)),
            ("owner", |m| m.owner.clear()),
            ("key_x", |m| m.key_x = [0xff; 32].to_vec()),
            ("key_x", |m| m.key_x.push(0)),
            ("key_y", |m| m.key_y = [0xff; 32].to_vec()),
            ("key_y", |m| m.key_y.clear()),
        ];
        for (field, change) in cases {
            let mut changed = deposit();
            change(&mut changed);
            refused(
                &message(Kind::Deposit(changed)),
                &format!("operation.deposit.{field}"),
            );
        }
        refused(&exit([9; 21].to_vec()), "operation.forced_exit.caller");
        let nothing = v1::PriorityOperation { index: 0, kind: None };
        refused(&nothing, "operation");
    }
}
