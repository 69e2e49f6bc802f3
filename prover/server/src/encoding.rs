//! Bytes at the edges: 32 bytes, big-endian, canonical; hex as people write it.

use ark_bn254::Fr;

pub use quittance_verifier::encoding::{fr_to_bytes_be, to_hex};

/// The field element of 32 big-endian bytes, or `None` at or above r.
#[must_use]
pub fn fr_from_bytes_be(bytes: &[u8; 32]) -> Option<Fr> {
    quittance_verifier::encoding::fr_from_bytes_be(bytes, "field element").ok()
}

/// A field element as `0x` and 64 hex digits.
#[must_use]
pub fn fr_to_hex(value: &Fr) -> String {
    to_hex(&fr_to_bytes_be(value))
}

/// Exactly `N` bytes from `0x` and 2·`N` hex digits, or `None`. Unlike the verifier's decoder it takes digits of either
/// case, as root-chain addresses have both.
#[must_use]
pub fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    quittance_verifier::encoding::from_hex(&text.to_ascii_lowercase(), "hex").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_strict_but_for_case() {
        assert_eq!(parse_hex("0x00Ab"), Some([0, 0xab]));
        for text in ["00ab", "0x0ab", "0x00abcd", "0x00ag", "", "0x+1ab"] {
            assert_eq!(parse_hex::<2>(text), None, "{text}");
        }
    }

    /// S1: values at or above r are refused, not reduced.
    #[test]
    fn s1_field_elements_are_canonical() {
        let below = fr_to_bytes_be(&-Fr::from(1u64));
        assert_eq!(fr_from_bytes_be(&below), Some(-Fr::from(1u64)));
        let mut modulus = below;
        modulus[31] += 1;
        assert_eq!(fr_from_bytes_be(&modulus), None);
        assert_eq!(fr_from_bytes_be(&[0xff; 32]), None);
    }
}
