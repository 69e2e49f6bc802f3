//! Keys with known secrets, and proofs made from the secrets: of any statement, without a circuit. They are
//! what Groth16's zero-knowledge simulator makes, so a verifier cannot tell them from proofs by a prover.

use ark_bn254::{Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{Field, UniformRand};
use ark_std::rand::{Rng, SeedableRng, rngs::StdRng};
use quittance_verifier::*;

/// A key and its secrets.
pub(crate) struct Simulator {
    pub(crate) key: VerifyingKey,
    pub(crate) alpha: Fr,
    pub(crate) beta: Fr,
    pub(crate) gamma: Fr,
    pub(crate) delta: Fr,
    pub(crate) ic: [Fr; 4],
}

pub(crate) fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

pub(crate) fn g1(scalar: Fr) -> G1Affine {
    (G1Projective::from(G1Affine::generator()) * scalar).into_affine()
}

pub(crate) fn g2(scalar: Fr) -> G2Affine {
    (G2Projective::from(G2Affine::generator()) * scalar).into_affine()
}

impl Simulator {
    pub(crate) fn new(seed: u64, provenance: Provenance, shape: Shape) -> Self {
        let mut rng = rng(seed);
        let [alpha, beta, gamma, delta] = [(); 4].map(|()| Fr::rand(&mut rng));
        let ic = [(); 4].map(|()| Fr::rand(&mut rng));
        let points = KeyPoints {
            alpha_g1: g1(alpha),
            beta_g2: g2(beta),
            gamma_g2: g2(gamma),
            delta_g2: g2(delta),
            ic: ic.map(g1),
        };
        let key = VerifyingKey::new(provenance, shape, points).unwrap();
        Self {
            key,
            alpha,
            beta,
            gamma,
            delta,
            ic,
        }
    }

    pub(crate) fn ceremony(seed: u64, shape: &str) -> Self {
        Self::new(seed, Provenance::Ceremony, Shape::parse_name(shape).unwrap())
    }

    pub(crate) fn verifier(&self) -> Verifier {
        Verifier::new(&self.key, DevelopmentKeys::Refuse).unwrap()
    }

    /// The C that makes (a, b, C) a proof for the inputs.
    pub(crate) fn c(&self, inputs: &[Fr; 3], a: Fr, b: Fr) -> Fr {
        let l = self.ic[0]
            + self.ic[1..]
                .iter()
                .zip(inputs)
                .map(|(base, input)| base * input)
                .sum::<Fr>();
        (a * b - self.alpha * self.beta - l * self.gamma) * self.delta.inverse().unwrap()
    }

    pub(crate) fn prove(&self, inputs: &[Fr; 3], rng: &mut impl Rng) -> Proof {
        let (a, b) = (Fr::rand(rng), Fr::rand(rng));
        Proof::new(g1(a), g2(b), g1(self.c(inputs, a, b))).unwrap()
    }

    /// A bundle that verifies.
    pub(crate) fn bundle(&self, facts: Facts, seed: u64) -> Bundle {
        let mut rng = rng(seed);
        let h = Fr::rand(&mut rng);
        let key_id = self.key.key_id();
        let inputs = public_inputs(&key_id, self.key.shape(), &facts, &h).unwrap();
        Bundle {
            key_id,
            facts,
            h,
            proof: self.prove(&inputs, &mut rng),
        }
    }
}

/// Facts with random values.
pub(crate) fn facts(seed: u64, transfers: usize, fees: usize) -> Facts {
    let mut rng = rng(seed);
    Facts {
        rollup_id: DEMO_ROLLUP_ID,
        batch_number: rng.r#gen::<u32>() >> 1,
        old_root: Fr::rand(&mut rng),
        new_root: Fr::rand(&mut rng),
        transfers: (0..transfers)
            .map(|_| TransferData {
                from: rng.r#gen(),
                to: rng.r#gen(),
                amount: rng.r#gen::<u64>() >> 24,
                fee: rng.r#gen(),
            })
            .collect(),
        fees: (0..fees)
            .map(|_| FeeData {
                leaf: rng.r#gen(),
                token: rng.r#gen(),
                amount: rng.r#gen(),
            })
            .collect(),
    }
}

/// `count` bundles of one key that follow each other.
pub(crate) fn chain(simulator: &Simulator, count: u32) -> Vec<Bundle> {
    let roots: Vec<Fr> = (0..=count).map(|index| Fr::from(1000 + index)).collect();
    roots
        .windows(2)
        .zip(1..)
        .map(|(ends, number)| {
            let mut facts = facts(number.into(), 3, 1);
            facts.batch_number = number;
            facts.old_root = ends[0];
            facts.new_root = ends[1];
            simulator.bundle(facts, number.into())
        })
        .collect()
}

/// The order q of the base field, big-endian.
pub(crate) const Q: [u8; 32] = [
    0x30, 0x64, 0x4e, 0x72, 0xe1, 0x31, 0xa0, 0x29, 0xb8, 0x50, 0x45, 0xb6, 0x81, 0x81, 0x58, 0x5d, 0x97,
    0x81, 0x6a, 0x91, 0x68, 0x71, 0xca, 0x8d, 0x3c, 0x20, 0x8c, 0x16, 0xd8, 0x7c, 0xfd, 0x47,
];

/// The order r of the scalar field, big-endian.
pub(crate) const R: [u8; 32] = [
    0x30, 0x64, 0x4e, 0x72, 0xe1, 0x31, 0xa0, 0x29, 0xb8, 0x50, 0x45, 0xb6, 0x81, 0x81, 0x58, 0x5d, 0x28,
    0x33, 0xe8, 0x48, 0x79, 0xb9, 0x70, 0x91, 0x43, 0xe1, 0xf5, 0x93, 0xf0, 0x00, 0x00, 0x01,
];

/// The sum of two 256-bit big-endian numbers; panics on overflow.
pub(crate) fn add_be(left: &[u8], right: &[u8; 32]) -> [u8; 32] {
    let mut sum = [0; 32];
    let mut carry = 0;
    for index in (0..32).rev() {
        let digit = u16::from(left[index]) + u16::from(right[index]) + carry;
        sum[index] = digit as u8;
        carry = digit >> 8;
    }
    assert_eq!(carry, 0);
    sum
}
