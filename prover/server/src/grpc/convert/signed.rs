//! `SignedOperation`: whichever kind a client submits.

use quittance_circuits::tx::SignedOperation;
use quittance_proto::v1::{self, signed_operation::Kind};

use super::{opening, rotation, transfer, withdrawal};
use crate::grpc::fields::Violations;

/// Reads one operation; `path` is such as `operations[3]`.
pub(crate) fn from_proto(
    message: &v1::SignedOperation,
    path: &str,
    violations: &mut Violations,
) -> Option<SignedOperation> {
    let kind = violations.require(
        message.kind.as_ref(),
        path,
        "wants one of transfer, opening, withdrawal and rotation",
    )?;
    Some(match kind {
        Kind::Transfer(message) => SignedOperation::Transfer(transfer::from_proto(
            message,
            &format!("{path}.transfer"),
            violations,
        )?),
        Kind::Opening(message) => SignedOperation::Opening(opening::from_proto(
            message,
            &format!("{path}.opening"),
            violations,
        )?),
        Kind::Withdrawal(message) => {
            let path = format!("{path}.withdrawal");
            SignedOperation::Withdrawal(withdrawal::from_proto(message, &path, violations)?)
        }
        Kind::Rotation(message) => SignedOperation::Rotation(rotation::from_proto(
            message,
            &format!("{path}.rotation"),
            violations,
        )?),
    })
}

/// Writes one operation.
pub(crate) fn to_proto(signed: &SignedOperation) -> v1::SignedOperation {
    let kind = match signed {
        SignedOperation::Transfer(signed) => Kind::Transfer(transfer::to_proto(signed)),
        SignedOperation::Opening(signed) => Kind::Opening(opening::to_proto(signed)),
        SignedOperation::Withdrawal(signed) => Kind::Withdrawal(withdrawal::to_proto(signed)),
        SignedOperation::Rotation(signed) => Kind::Rotation(rotation::to_proto(signed)),
    };
    v1::SignedOperation { kind: Some(kind) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature() -> Option<v1::Signature> {
        Some(v1::Signature {
            r8x: [1; 32].to_vec(),
            r8y: [2; 32].to_vec(),
            s: [3; 32].to_vec(),
        })
    }

    fn transfer() -> v1::SignedTransfer {
        v1::SignedTransfer {
            from: 1,
            to: 2,
            amount_float40: (1 << 40) - 1,
            fee_float16: 0xffff,
            nonce: 3,
            valid_until: u32::MAX,
            signature: signature(),
        }
    }

    fn opening() -> v1::SignedOpening {
        v1::SignedOpening {
            from: 1,
            to: 2,
            amount_float40: (1 << 40) - 1,
            fee_float16: 0xffff,
            nonce: 3,
            valid_until: u32::MAX,
            signature: signature(),
            key_x: [4; 32].to_vec(),
            key_y: [5; 32].to_vec(),
            owner: [0; 20].to_vec(),
        }
    }

    fn withdrawal() -> v1::SignedWithdrawal {
        v1::SignedWithdrawal {
            from: 1,
            amount: (1..17).collect(),
            fee_float16: 0xffff,
            nonce: 3,
            valid_until: u32::MAX,
            signature: signature(),
            address: [0; 20].to_vec(),
        }
    }

    fn rotation() -> v1::SignedRotation {
        v1::SignedRotation {
            from: 1,
            fee_float16: 0xffff,
            nonce: 3,
            valid_until: u32::MAX,
            signature: signature(),
            key_x: [4; 32].to_vec(),
            key_y: [5; 32].to_vec(),
            owner: [6; 20].to_vec(),
        }
    }

    fn message(kind: Kind) -> v1::SignedOperation {
        v1::SignedOperation { kind: Some(kind) }
    }

    #[test]
    fn round_trip() {
        let kinds = [
            Kind::Transfer(transfer()),
            Kind::Opening(opening()),
            Kind::Withdrawal(withdrawal()),
            Kind::Rotation(rotation()),
        ];
        for kind in kinds {
            let message = message(kind);
            let mut violations = Violations::default();
            let signed = from_proto(&message, "operations[0]", &mut violations).unwrap();
            assert_eq!(to_proto(&signed), message);
            assert!(violations.is_empty());
        }
    }

    fn refused(message: &v1::SignedOperation, path: &str) {
        let mut violations = Violations::default();
        assert!(
            from_proto(message, "operations[3]", &mut violations).is_none(),
            "{path}"
        );
        assert!(
            violations.to_string().starts_with(&format!("{path}: ")),
            "{path}: {violations}"
        );
    }

    #[test]
    fn a_message_without_a_kind_is_named() {
        refused(&v1::SignedOperation { kind: None }, "operations[3]");
    }

    /// S1, S2: out of range, non-canonical and truncated values, each named by its path.
    #[test]
    fn s1_s2_each_field_of_a_transfer_is_named() {
        type Change = fn(&mut v1::SignedTransfer);
        fn signature(message: &mut v1::SignedTransfer) -> &mut v1::Signature {
            message.signature.as_mut().unwrap()
        }
        let cases: [(&str, Change); 8] = [
            ("amount_float40", |m| m.amount_float40 = 1 << 40),
            ("fee_float16", |m| m.fee_float16 = 1 << 16),
            ("signature", |m| m.signature = None),
            ("signature.r8x", |m| signature(m).r8x = [0xff; 32].to_vec()),
            ("signature.r8x", |m| signature(m).r8x.clear()),
            ("signature.r8y", |m| signature(m).r8y.push(0)),
            ("signature.s", |m| {
                signature(m).s.pop();
            }),
            ("signature.s", |m| signature(m).s.insert(0, 0)),
        ];
        for (field, change) in cases {
            let mut changed = transfer();
            change(&mut changed);
            refused(
                &message(Kind::Transfer(changed)),
                &format!("operations[3].transfer.{field}"),
            );
        }
    }

    /// S1, S2.
    #[test]
    fn s1_s2_each_field_of_an_opening_is_named() {
        type Change = fn(&mut v1::SignedOpening);
        let cases: [(&str, Change); 9] = [
            ("amount_float40", |m| m.amount_float40 = 1 << 40),
            ("fee_float16", |m| m.fee_float16 = 1 << 16),
            ("signature", |m| m.signature = None),
            ("key_x", |m| m.key_x = [0xff; 32].to_vec()),
            ("key_x", |m| m.key_x.clear()),
            ("key_y", |m| m.key_y = [0xff; 32].to_vec()),
            ("key_y", |m| m.key_y.insert(0, 0)),
            ("owner", |m| m.owner.push(0)),
            ("owner", |m| m.owner.clear()),
        ];
        for (field, change) in cases {
            let mut changed = opening();
            change(&mut changed);
            refused(
                &message(Kind::Opening(changed)),
                &format!("operations[3].opening.{field}"),
            );
        }
    }

    /// S1, S2.
    #[test]
    fn s1_s2_each_field_of_a_withdrawal_is_named() {
        type Change = fn(&mut v1::SignedWithdrawal);
        let cases: [(&str, Change); 6] = [
            ("amount", |m| m.amount.insert(0, 0)),
            ("amount", |m| {
                m.amount.pop();
            }),
            ("fee_float16", |m| m.fee_float16 = 1 << 16),
            ("signature", |m| m.signature = None),
            ("address", |m| m.address.insert(0, 0)),
            ("address", |m| m.address.clear()),
        ];
        for (field, change) in cases {
            let mut changed = withdrawal();
            change(&mut changed);
            refused(
                &message(Kind::Withdrawal(changed)),
                &format!("operations[3].withdrawal.{field}"),
            );
        }
    }

    /// S1, S2.
    #[test]
    fn s1_s2_each_field_of_a_rotation_is_named() {
        type Change = fn(&mut v1::SignedRotation);
        let cases: [(&str, Change); 5] = [
            ("fee_float16", |m| m.fee_float16 = 1 << 16),
            ("signature", |m| m.signature = None),
            ("key_x", |m| m.key_x = [0xff; 32].to_vec()),
            ("key_y", |m| m.key_y.clear()),
            ("owner", |m| m.owner.push(0)),
        ];
        for (field, change) in cases {
            let mut changed = rotation();
            change(&mut changed);
            refused(
                &message(Kind::Rotation(changed)),
                &format!("operations[3].rotation.{field}"),
            );
        }
    }
}
