//! Proofs: malleability, canonical form, curves and subgroups.

use ark_bn254::{Fq2, Fr, G2Affine};
use ark_ec::CurveGroup;
use ark_ff::{Field, UniformRand};
use quittance_verifier::{Bundle, DecodeError, Proof, Verifier};

use crate::simulator::{Q, Simulator, add_be, facts, rng};

fn valid() -> (Verifier, Bundle) {
    let simulator = Simulator::ceremony(1, "t4f1");
    let bundle = simulator.bundle(facts(1, 4, 1), 1);
    assert_eq!(simulator.verifier().verify(&bundle), Ok(()));
    (simulator.verifier(), bundle)
}

/// A point of the twist outside the subgroup of order r: almost every point is.
pub(super) fn off_subgroup() -> G2Affine {
    (1_u64..)
        .find_map(|x| G2Affine::get_point_from_x_unchecked(Fq2::from(x), false))
        .filter(|point| point.is_on_curve() && !point.is_in_correct_subgroup_assuming_on_curve())
        .unwrap()
}

#[test]
fn s35_proofs_are_malleable_so_their_bytes_name_nothing() {
    // Anyone can turn a proof into another proof of the same statement. Both must verify (a verifier that
    // refused one could be made to refuse the original), and nothing in this crate uses a proof as a name.
    let (verifier, bundle) = valid();
    let s = Fr::rand(&mut rng(5));
    let (a, b, c) = (*bundle.proof.a(), *bundle.proof.b(), *bundle.proof.c());
    let scaled = Proof::new((a * s).into_affine(), (b * s.inverse().unwrap()).into_affine(), c).unwrap();
    let negated = Proof::new(-a, -b, c).unwrap();
    for proof in [scaled, negated] {
        assert_ne!(proof.to_bytes(), bundle.proof.to_bytes());
        assert_eq!(
            verifier.verify(&Bundle {
                proof,
                ..bundle.clone()
            }),
            Ok(())
        );
    }
}

#[test]
fn s35_coordinate_plus_q_is_refused() {
    let (_, bundle) = valid();
    let bytes = bundle.proof.to_bytes();
    let fields = [
        "proof.a", "proof.a", "proof.b", "proof.b", "proof.b", "proof.b", "proof.c", "proof.c",
    ];
    for (index, field) in fields.into_iter().enumerate() {
        let at = 32 * index;
        let mut aliased = bytes;
        aliased[at..at + 32].copy_from_slice(&add_be(&bytes[at..at + 32], &Q));
        assert_eq!(
            Proof::from_bytes(&aliased),
            Err(DecodeError::NotCanonical { field }),
            "word {index}"
        );
    }
}

#[test]
fn s36_off_curve_points_are_refused() {
    let (_, bundle) = valid();
    let bytes = bundle.proof.to_bytes();
    for (last, field) in [(63, "proof.a"), (191, "proof.b"), (255, "proof.c")] {
        let mut off = bytes;
        off[last] ^= 1;
        assert_eq!(Proof::from_bytes(&off), Err(DecodeError::NotOnCurve { field }));
    }
}

#[test]
fn s36_off_subgroup_b_is_refused() {
    let (_, bundle) = valid();
    let error = Err(DecodeError::NotInSubgroup { field: "proof.b" });
    assert_eq!(
        Proof::new(*bundle.proof.a(), off_subgroup(), *bundle.proof.c()),
        error
    );
    let mut bytes = bundle.proof.to_bytes();
    let point = off_subgroup();
    for (word, half) in [(2, point.x.c1), (3, point.x.c0), (4, point.y.c1), (5, point.y.c0)] {
        let half = quittance_verifier::encoding::fq_to_bytes_be(&half);
        bytes[32 * word..32 * word + 32].copy_from_slice(&half);
    }
    assert_eq!(Proof::from_bytes(&bytes), error);
}

#[test]
fn s36_swapped_halves_of_b_are_refused() {
    // (c0, c1), the order of snarkjs' proof.json, instead of the EVM's (c1, c0).
    let (_, bundle) = valid();
    let mut bytes = bundle.proof.to_bytes();
    let (c1, c0) = bytes[64..128].split_at_mut(32);
    c1.swap_with_slice(c0);
    let (c1, c0) = bytes[128..192].split_at_mut(32);
    c1.swap_with_slice(c0);
    assert_eq!(
        Proof::from_bytes(&bytes),
        Err(DecodeError::NotOnCurve { field: "proof.b" })
    );
}

#[test]
fn s36_identity_points_are_refused() {
    let (_, bundle) = valid();
    for (range, field) in [(0..64, "proof.a"), (64..192, "proof.b"), (192..256, "proof.c")] {
        let mut bytes = bundle.proof.to_bytes();
        bytes[range].fill(0);
        assert_eq!(Proof::from_bytes(&bytes), Err(DecodeError::Identity { field }));
    }
    let (a, b, c) = (*bundle.proof.a(), *bundle.proof.b(), *bundle.proof.c());
    use ark_ec::AffineRepr;
    let (zero1, zero2) = (ark_bn254::G1Affine::zero(), G2Affine::zero());
    assert_eq!(
        Proof::new(zero1, b, c),
        Err(DecodeError::Identity { field: "proof.a" })
    );
    assert_eq!(
        Proof::new(a, zero2, c),
        Err(DecodeError::Identity { field: "proof.b" })
    );
    assert_eq!(
        Proof::new(a, b, zero1),
        Err(DecodeError::Identity { field: "proof.c" })
    );
}
