//! `SignedTransfer` and `Signature`.

use ark_bn254::Fr;
use quittance_circuits::babyjubjub::Point;
use quittance_circuits::eddsa::Signature;
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::tx::transfer::{SignedTransfer, Transfer};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce};
use quittance_proto::v1;

use super::field_element;
use crate::encoding::fr_to_bytes_be;
use crate::grpc::fields::Violations;

/// Reads one transfer; `path` is such as `transfers[3]`.
pub(crate) fn from_proto(
    message: &v1::SignedTransfer,
    path: &str,
    violations: &mut Violations,
) -> Option<SignedTransfer> {
    let amount = violations.require(
        FloatAmount::new(message.amount_float40).ok(),
        format_args!("{path}.amount_float40"),
        format_args!("wants a 40-bit float below 2^40, got {}", message.amount_float40),
    );
    let fee = violations.require(
        u16::try_from(message.fee_float16).ok(),
        format_args!("{path}.fee_float16"),
        format_args!("wants a 16-bit float below 2^16, got {}", message.fee_float16),
    );
    let signature = violations.require(
        message.signature.as_ref(),
        format_args!("{path}.signature"),
        "is required",
    );
    let signature = signature_from_proto(signature?, path, violations);
    Some(SignedTransfer {
        transfer: Transfer {
            from: AccountIndex(message.from),
            to: AccountIndex(message.to),
            amount: amount?,
            fee: FloatFee::new(fee?),
            nonce: Nonce(message.nonce),
            valid_until: BatchNumber(message.valid_until),
        },
        signature: signature?,
    })
}

fn signature_from_proto(
    message: &v1::Signature,
    path: &str,
    violations: &mut Violations,
) -> Option<Signature> {
    let mut coordinate = |bytes: &[u8], name: &str| -> Option<Fr> {
        field_element(bytes, &format!("{path}.signature.{name}"), violations)
    };
    let (x, y) = (coordinate(&message.r8x, "r8x"), coordinate(&message.r8y, "r8y"));
    // S below the order is a rule with a name (signature_canonical), which the native function checks.
    let s = violations.require(
        <[u8; 32]>::try_from(message.s.as_slice()).ok(),
        format_args!("{path}.signature.s"),
        format_args!("wants 32 bytes, got {}", message.s.len()),
    );
    Some(Signature {
        r8: Point::new(x?, y?),
        s: limbs_from_be(&s?),
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
        signature: Some(v1::Signature {
            r8x: fr_to_bytes_be(&signed.signature.r8.x).to_vec(),
            r8y: fr_to_bytes_be(&signed.signature.r8.y).to_vec(),
            s: limbs_to_be(&signed.signature.s).to_vec(),
        }),
    }
}

/// Limbs, least significant first, of 32 big-endian bytes.
pub(crate) fn limbs_from_be(bytes: &[u8; 32]) -> [u64; 4] {
    let mut limbs = [0; 4];
    for (limb, chunk) in limbs.iter_mut().rev().zip(bytes.as_chunks::<8>().0) {
        *limb = u64::from_be_bytes(*chunk);
    }
    limbs
}

/// 32 big-endian bytes of limbs, least significant first.
pub(crate) fn limbs_to_be(limbs: &[u64; 4]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (chunk, limb) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(limbs.iter().rev()) {
        *chunk = limb.to_be_bytes();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> v1::SignedTransfer {
        v1::SignedTransfer {
            from: 1,
            to: 2,
            amount_float40: (1 << 40) - 1,
            fee_float16: 0xffff,
            nonce: 3,
            valid_until: u32::MAX,
            signature: Some(v1::Signature {
                r8x: [1; 32].to_vec(),
                r8y: [2; 32].to_vec(),
                s: (0..32).collect(),
            }),
        }
    }

    #[test]
    fn round_trip() {
        let mut violations = Violations::default();
        let signed = from_proto(&message(), "transfers[0]", &mut violations).unwrap();
        assert_eq!(signed.signature.s[3], 0x0001_0203_0405_0607);
        assert_eq!(to_proto(&signed), message());
        assert!(violations.is_empty());
    }

    /// S1, S2: out of range, non-canonical and truncated values, each named by its path.
    #[test]
    fn s1_s2_each_field_is_named() {
        type Change = fn(&mut v1::SignedTransfer);
        fn signature(message: &mut v1::SignedTransfer) -> &mut v1::Signature {
            message.signature.as_mut().unwrap()
        }
        let cases: [(&str, Change); 8] = [
            ("transfers[3].amount_float40", |m| m.amount_float40 = 1 << 40),
            ("transfers[3].fee_float16", |m| m.fee_float16 = 1 << 16),
            ("transfers[3].signature", |m| m.signature = None),
            ("transfers[3].signature.r8x", |m| {
                signature(m).r8x = [0xff; 32].to_vec()
            }),
            ("transfers[3].signature.r8x", |m| signature(m).r8x.clear()),
            ("transfers[3].signature.r8y", |m| signature(m).r8y.push(0)),
            ("transfers[3].signature.s", |m| {
                signature(m).s.pop();
            }),
            ("transfers[3].signature.s", |m| signature(m).s.insert(0, 0)),
        ];
        for (path, change) in cases {
            let mut changed = message();
            change(&mut changed);
            let mut violations = Violations::default();
            assert!(
                from_proto(&changed, "transfers[3]", &mut violations).is_none(),
                "{path}"
            );
            assert!(
                violations.to_string().starts_with(&format!("{path}: ")),
                "{violations}"
            );
        }
    }
}
