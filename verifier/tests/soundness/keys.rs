//! Verifying keys: which one, and which are no keys at all.

use ark_bn254::{Bn254, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use quittance_verifier::*;

use crate::simulator::{Simulator, facts, g1, g2};

/// Offsets of the points in a key's encoding.
const POINTS: [(&str, usize, usize); 8] = [
    ("alpha", 288, 64),
    ("beta", 352, 128),
    ("gamma", 480, 128),
    ("delta", 608, 128),
    ("ic0", 736, 64),
    ("ic1", 800, 64),
    ("ic2", 864, 64),
    ("ic3", 928, 64),
];

#[test]
fn s30_substituted_key_is_refused() {
    let (own, foreign) = (Simulator::ceremony(1, "t8f1"), Simulator::ceremony(2, "t8f1"));
    let forged = foreign.bundle(facts(1, 8, 1), 1);
    assert_eq!(foreign.verifier().verify(&forged), Ok(()));
    assert_eq!(
        own.verifier().verify(&forged),
        Err(VerifyError::KeyMismatch {
            got: foreign.key.key_id(),
            expected: own.key.key_id()
        })
    );
    // Naming the right key does not make the proof one of that key.
    let renamed = Bundle {
        key_id: own.key.key_id(),
        ..forged
    };
    assert_eq!(own.verifier().verify(&renamed), Err(VerifyError::ProofRejected));
}

#[test]
fn s30_same_points_with_another_shape_are_another_key() {
    let own = Simulator::ceremony(1, "t8f1");
    let wider = VerifyingKey::new(
        Provenance::Ceremony,
        Shape::parse_name("t10f1").unwrap(),
        *own.key.points(),
    )
    .unwrap();
    let bundle = own.bundle(facts(1, 8, 1), 1);
    let verifier = Verifier::new(&wider, DevelopmentKeys::Refuse).unwrap();
    assert_eq!(
        verifier.verify(&bundle),
        Err(VerifyError::KeyMismatch {
            got: own.key.key_id(),
            expected: wider.key_id()
        })
    );
    let renamed = Bundle {
        key_id: wider.key_id(),
        ..bundle
    };
    assert_eq!(verifier.verify(&renamed), Err(VerifyError::ProofRejected));
}

/// A key with another delta, as bytes.
fn with_delta(delta: G2Affine) -> Vec<u8> {
    let simulator = Simulator::ceremony(1, "t8f1");
    // A valid key with this delta in the place of beta gives the bytes.
    let donor = KeyPoints {
        beta_g2: delta,
        ..*simulator.key.points()
    };
    let donor = VerifyingKey::new(Provenance::Ceremony, *simulator.key.shape(), donor)
        .unwrap()
        .to_bytes();
    let mut bytes = simulator.key.to_bytes();
    bytes[608..736].copy_from_slice(&donor[352..480]);
    bytes
}

#[test]
fn s31_key_without_phase_2_is_refused() {
    let simulator = Simulator::ceremony(1, "t8f1");
    let points = *simulator.key.points();
    for (delta, error) in [
        (points.gamma_g2, DecodeError::DeltaIsGamma),
        (-points.gamma_g2, DecodeError::DeltaIsGamma),
        (G2Affine::generator(), DecodeError::DeltaIsGenerator),
        (-G2Affine::generator(), DecodeError::DeltaIsGenerator),
    ] {
        let weak = KeyPoints {
            delta_g2: delta,
            ..points
        };
        assert_eq!(
            VerifyingKey::new(Provenance::Ceremony, *simulator.key.shape(), weak),
            Err(error)
        );
        assert_eq!(VerifyingKey::from_bytes(&with_delta(delta)), Err(error));
    }
    assert!(VerifyingKey::from_bytes(&with_delta(g2(Fr::from(12345)))).is_ok());
}

#[test]
fn s31_why_anyone_forges_for_delta_equal_to_gamma() {
    // ark-groth16 accepts a proof of any inputs that uses no secret: A = α, B = β, C = ∓L.
    let points = *Simulator::ceremony(1, "t8f1").key.points();
    let inputs = [Fr::from(4), Fr::from(5), Fr::from(6)];
    let l = points.ic[0] + points.ic[1] * inputs[0] + points.ic[2] * inputs[1] + points.ic[3] * inputs[2];
    for (delta_g2, c) in [(points.gamma_g2, -l), (-points.gamma_g2, l)] {
        let vk = ark_groth16::VerifyingKey::<Bn254> {
            alpha_g1: points.alpha_g1,
            beta_g2: points.beta_g2,
            gamma_g2: points.gamma_g2,
            delta_g2,
            gamma_abc_g1: points.ic.to_vec(),
        };
        let proof = ark_groth16::Proof {
            a: points.alpha_g1,
            b: points.beta_g2,
            c: c.into_affine(),
        };
        let prepared = ark_groth16::prepare_verifying_key(&vk);
        assert!(ark_groth16::Groth16::<Bn254>::verify_proof(&prepared, &proof, &inputs).unwrap());
    }
}

#[test]
fn s32_identity_points_in_a_key_are_refused() {
    let simulator = Simulator::ceremony(1, "t8f1");
    for (field, at, length) in POINTS {
        let mut bytes = simulator.key.to_bytes();
        bytes[at..at + length].fill(0);
        assert_eq!(
            VerifyingKey::from_bytes(&bytes),
            Err(DecodeError::Identity { field })
        );
    }
    let valid = *simulator.key.points();
    let (zero1, zero2) = (G1Affine::identity(), G2Affine::identity());
    let mut attacks = vec![
        (
            KeyPoints {
                alpha_g1: zero1,
                ..valid
            },
            "alpha",
        ),
        (
            KeyPoints {
                beta_g2: zero2,
                ..valid
            },
            "beta",
        ),
        (
            KeyPoints {
                gamma_g2: zero2,
                ..valid
            },
            "gamma",
        ),
        (
            KeyPoints {
                delta_g2: zero2,
                ..valid
            },
            "delta",
        ),
    ];
    for (index, field) in ["ic0", "ic1", "ic2", "ic3"].into_iter().enumerate() {
        let mut points = valid;
        points.ic[index] = zero1;
        attacks.push((points, field));
    }
    for (points, field) in attacks {
        assert_eq!(
            VerifyingKey::new(Provenance::Ceremony, *simulator.key.shape(), points),
            Err(DecodeError::Identity { field })
        );
    }
}

#[test]
fn s33_key_for_a_smaller_tree_is_refused_unless_allowed() {
    let simulator = Simulator::ceremony(1, "t8f1l15");
    let key_id = simulator.key.key_id();
    assert_eq!(
        Verifier::new(&simulator.key, DevelopmentKeys::Refuse).unwrap_err(),
        VerifyError::TestTree { key_id, levels: 15 }
    );
    let bundle = simulator.bundle(facts(1, 8, 1), 1);
    let verifier = Verifier::new(&simulator.key, DevelopmentKeys::Accept).unwrap();
    assert_eq!(verifier.verify(&bundle), Ok(()));
}

#[test]
fn s33_development_key_is_refused_unless_allowed() {
    let shape = Shape::parse_name("t8f1").unwrap();
    let simulator = Simulator::new(1, Provenance::Development, shape);
    let key = &simulator.key;
    assert_eq!(
        Verifier::new(key, DevelopmentKeys::Refuse).unwrap_err(),
        VerifyError::DevelopmentKey { key_id: key.key_id() }
    );
    let bundle = simulator.bundle(facts(1, 8, 1), 1);
    assert_eq!(
        Verifier::new(key, DevelopmentKeys::Accept)
            .unwrap()
            .verify(&bundle),
        Ok(())
    );
}

#[test]
fn s33_watermark_cannot_be_washed_off() {
    let shape = Shape::parse_name("t8f1").unwrap();
    let simulator = Simulator::new(1, Provenance::Development, shape);
    let bundle = simulator.bundle(facts(1, 8, 1), 1);
    let mut bytes = simulator.key.to_bytes();
    assert_eq!(bytes[63], 1);
    bytes[63] = 2;
    let washed = VerifyingKey::from_bytes(&bytes).unwrap();
    assert_eq!(washed.provenance(), Provenance::Ceremony);
    // It is another key: its id is not the one that its users were told, and its bundles do not verify.
    assert_eq!(
        Verifier::new(&washed, DevelopmentKeys::Refuse)
            .unwrap()
            .verify(&bundle),
        Err(VerifyError::KeyMismatch {
            got: simulator.key.key_id(),
            expected: washed.key_id()
        })
    );
    for provenance in [0, 3, 255] {
        bytes[63] = provenance;
        assert_eq!(
            VerifyingKey::from_bytes(&bytes),
            Err(DecodeError::OutOfRange {
                field: "provenance",
                min: 1,
                max: 2,
                got: provenance.into()
            })
        );
    }
}

#[test]
fn s36_key_points_off_curve_or_off_subgroup_are_refused() {
    let simulator = Simulator::ceremony(1, "t8f1");
    let valid = *simulator.key.points();
    let off_curve = G1Affine::new_unchecked(valid.alpha_g1.x, valid.alpha_g1.y + valid.alpha_g1.x);
    let off_subgroup = super::proofs::off_subgroup();
    let build = |points| VerifyingKey::new(Provenance::Ceremony, *simulator.key.shape(), points);
    assert_eq!(
        build(KeyPoints {
            alpha_g1: off_curve,
            ..valid
        }),
        Err(DecodeError::NotOnCurve { field: "alpha" })
    );
    assert_eq!(
        build(KeyPoints {
            ic: [valid.ic[0], valid.ic[1], off_curve, valid.ic[3]],
            ..valid
        }),
        Err(DecodeError::NotOnCurve { field: "ic2" })
    );
    for (points, field) in [
        (
            KeyPoints {
                beta_g2: off_subgroup,
                ..valid
            },
            "beta",
        ),
        (
            KeyPoints {
                gamma_g2: off_subgroup,
                ..valid
            },
            "gamma",
        ),
        (
            KeyPoints {
                delta_g2: off_subgroup,
                ..valid
            },
            "delta",
        ),
    ] {
        assert_eq!(build(points), Err(DecodeError::NotInSubgroup { field }));
    }
    assert!(
        build(KeyPoints {
            alpha_g1: g1(Fr::from(9)),
            ..valid
        })
        .is_ok()
    );
}
