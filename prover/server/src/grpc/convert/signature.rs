//! `Signature`.

use quittance_circuits::babyjubjub::Point;
use quittance_circuits::eddsa::Signature;
use quittance_proto::v1;

use super::{exactly, field_element};
use crate::encoding::fr_to_bytes_be;
use crate::grpc::fields::Violations;

/// Reads the signature of the operation at `path`.
pub(crate) fn from_proto(
    message: Option<&v1::Signature>,
    path: &str,
    violations: &mut Violations,
) -> Option<Signature> {
    let path = format!("{path}.signature");
    let message = violations.require(message, &path, "is required")?;
    let x = field_element(&message.r8x, &format!("{path}.r8x"), violations);
    let y = field_element(&message.r8y, &format!("{path}.r8y"), violations);
    // S below the order is a rule with a name (signature_canonical), which the native function checks.
    let s = exactly(&message.s, format_args!("{path}.s"), violations);
    Some(Signature {
        r8: Point::new(x?, y?),
        s: limbs_from_be(&s?),
    })
}

/// Writes a signature.
pub(crate) fn to_proto(signature: &Signature) -> v1::Signature {
    v1::Signature {
        r8x: fr_to_bytes_be(&signature.r8.x).to_vec(),
        r8y: fr_to_bytes_be(&signature.r8.y).to_vec(),
        s: limbs_to_be(&signature.s).to_vec(),
    }
}

/// Limbs, least significant first, of 32 big-endian bytes.
fn limbs_from_be(bytes: &[u8; 32]) -> [u64; 4] {
    let mut limbs = [0; 4];
    for (limb, chunk) in limbs.iter_mut().rev().zip(bytes.as_chunks::<8>().0) {
        *limb = u64::from_be_bytes(*chunk);
    }
    limbs
}

/// 32 big-endian bytes of limbs, least significant first.
fn limbs_to_be(limbs: &[u64; 4]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (chunk, limb) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(limbs.iter().rev()) {
        *chunk = limb.to_be_bytes();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limbs_are_the_bytes_turned_round() {
        let message = v1::Signature {
            r8x: [1; 32].to_vec(),
            r8y: [2; 32].to_vec(),
            s: (0..32).collect(),
        };
        let mut violations = Violations::default();
        let signature = from_proto(Some(&message), "operation.transfer", &mut violations).unwrap();
        assert_eq!(signature.s[3], 0x0001_0203_0405_0607);
        assert_eq!(to_proto(&signature), message);
        assert!(violations.is_empty());
    }
}
