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

/// An exit circuit's key with the secrets of a [`Simulator`], whose own key goes unused.
pub(crate) struct ExitSimulator {
    pub(crate) key: ExitVerifyingKey,
    secrets: Simulator,
}

impl ExitSimulator {
    pub(crate) fn new(seed: u64, provenance: Provenance) -> Self {
        let secrets = Simulator::new(seed, provenance, Shape::transfers_only(16, 1, 1));
        let key = ExitVerifyingKey::new(provenance, 16, *secrets.key.points()).unwrap();
        Self { key, secrets }
    }

    pub(crate) fn verifier(&self) -> ExitVerifier {
        ExitVerifier::new(&self.key, DevelopmentKeys::Refuse).unwrap()
    }

    pub(crate) fn prove(&self, inputs: &[Fr; 3], rng: &mut impl Rng) -> Proof {
        self.secrets.prove(inputs, rng)
    }

    /// An exit bundle that verifies.
    pub(crate) fn bundle(&self, facts: ExitFacts, seed: u64) -> ExitBundle {
        let mut rng = rng(seed);
        let h = Fr::rand(&mut rng);
        let key_id = self.key.key_id();
        let inputs = exit_public_inputs(&key_id, &facts, &h).unwrap();
        ExitBundle {
            key_id,
            facts,
            h,
            proof: self.prove(&inputs, &mut rng),
        }
    }
}

/// Facts with random values: transfers and fee slots alone.
pub(crate) fn facts(seed: u64, transfers: usize, fees: usize) -> Facts {
    let mut rng = rng(seed);
    let mut facts = Facts {
        rollup_id: DEMO_ROLLUP_ID,
        batch_number: rng.r#gen::<u32>() >> 1,
        old_root: Fr::rand(&mut rng),
        new_root: Fr::rand(&mut rng),
        queue: rng.r#gen(),
        priority: Vec::new(),
        openings: Vec::new(),
        transfers: (0..transfers)
            .map(|_| TransferData {
                from: rng.r#gen(),
                to: rng.r#gen(),
                amount: rng.r#gen::<u64>() >> 24,
                fee: rng.r#gen(),
            })
            .collect(),
        withdrawals: Vec::new(),
        rotations: Vec::new(),
        fees: (0..fees)
            .map(|_| FeeData {
                leaf: rng.r#gen(),
                token: rng.r#gen(),
                amount: rng.r#gen(),
            })
            .collect(),
    };
    facts.queue[0] = 0;
    facts
}

/// Facts with random values and as many entries in each list as the shape has slots.
pub(crate) fn full_facts(seed: u64, shape: &str) -> Facts {
    let shape = Shape::parse_name(shape).unwrap();
    let count = |section| usize::try_from(shape.slots(section)).unwrap();
    let mut facts = facts(seed, count(Section::Transfers), count(Section::Fees));
    let mut rng = rng(seed ^ 0x5eed);
    facts.priority = (0..count(Section::Priority))
        .map(|index| priority(&mut rng, index))
        .collect();
    facts.openings = (0..count(Section::Openings))
        .map(|_| OpeningData {
            from: rng.r#gen(),
            to: rng.r#gen(),
            amount: rng.r#gen::<u64>() >> 24,
            fee: rng.r#gen(),
            token: rng.r#gen(),
            owner: rng.r#gen(),
            key: key(&mut rng),
        })
        .collect();
    facts.withdrawals = (0..count(Section::Withdrawals))
        .map(|_| WithdrawalData {
            from: rng.r#gen(),
            token: rng.r#gen(),
            amount: rng.r#gen(),
            fee: rng.r#gen(),
            address: rng.r#gen(),
        })
        .collect();
    facts.rotations = (0..count(Section::Rotations))
        .map(|_| RotationData {
            from: rng.r#gen(),
            fee: rng.r#gen(),
            owner: rng.r#gen(),
            key: key(&mut rng),
        })
        .collect();
    facts
}

/// In turn a deposit that is done, one that is not, a forced exit that pays, one that does not.
pub(crate) fn priority(rng: &mut impl Rng, index: usize) -> PriorityData {
    let deposit = Deposit {
        leaf: rng.r#gen(),
        token: rng.r#gen(),
        amount: rng.r#gen(),
        owner: rng.r#gen(),
        key: key(rng),
    };
    let exit = ForcedExit {
        leaf: rng.r#gen(),
        caller: rng.r#gen(),
    };
    let payout = Payout {
        token: rng.r#gen(),
        amount: rng.r#gen(),
    };
    match index % 4 {
        0 => PriorityData::Deposit { deposit, done: true },
        1 => PriorityData::Deposit { deposit, done: false },
        2 => PriorityData::ForcedExit {
            exit,
            paid: Some(payout),
        },
        _ => PriorityData::ForcedExit { exit, paid: None },
    }
}

fn key(rng: &mut impl Rng) -> [Fr; 2] {
    [Fr::rand(rng), Fr::rand(rng)]
}

/// What an exit says, with random values.
pub(crate) fn exit_facts(seed: u64) -> ExitFacts {
    let mut rng = rng(seed);
    ExitFacts {
        rollup_id: DEMO_ROLLUP_ID,
        root: Fr::rand(&mut rng),
        leaf: rng.r#gen(),
        token: rng.r#gen(),
        balance: rng.r#gen(),
        owner: rng.r#gen(),
    }
}

/// `count` bundles of one key that follow each other.
pub(crate) fn chain(simulator: &Simulator, count: u32) -> Vec<Bundle> {
    chain_of(simulator, count, |number| facts(number, 3, 1))
}

/// `count` bundles of one key that follow each other, with these operations.
pub(crate) fn chain_of(simulator: &Simulator, count: u32, facts: impl Fn(u64) -> Facts) -> Vec<Bundle> {
    let mut queue = EMPTY_QUEUE;
    (1..=count)
        .map(|number| {
            let mut facts = facts(number.into());
            facts.batch_number = number;
            facts.old_root = Fr::from(999 + number);
            facts.new_root = Fr::from(1000 + number);
            facts.queue = queue;
            queue = facts.queue_after();
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
