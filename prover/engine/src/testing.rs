//! Random circuits and keys with known randomness, for unit tests only: nothing outside `cfg(test)` can reach it.

use std::num::NonZeroUsize;

use ark_bn254::{Fq2, Fr, G2Affine};
use ark_ff::{AdditiveGroup, Field, UniformRand};
use ark_relations::utils::matrix::Matrix;
use ark_std::rand::rngs::StdRng;
use ark_std::rand::{Rng, SeedableRng};
use quittance_verifier::Shape;

use crate::setup::{Trapdoor, setup};
use crate::{Backend, Engine, ProvingKey, R1cs};

pub(crate) const SHAPE: Shape = Shape::transfers_only(4, 2, 1);

/// A satisfied R1CS with three public inputs whose variables are booleans, zeros and large, many of them missing
/// from A or from B, so that the queries hold identities.
pub(crate) fn random_circuit(seed: u64) -> (R1cs, Vec<Fr>) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut assignment = vec![Fr::ONE];
    let free = 3 + rng.gen_range(1..20);
    assignment.extend((0..free).map(|_| random_value(&mut rng)));
    let rows = rng.gen_range(1..80);
    let mut matrices: [Matrix<Fr>; 3] = [Vec::new(), Vec::new(), Vec::new()];
    let mut push = |a: Vec<(Fr, usize)>, b: Vec<(Fr, usize)>, assignment: &mut Vec<Fr>| {
        let value = |terms: &[(Fr, usize)]| terms.iter().map(|(k, i)| *k * assignment[*i]).sum::<Fr>();
        let product = value(&a) * value(&b);
        assignment.push(product);
        matrices[0].push(a);
        matrices[1].push(b);
        matrices[2].push(vec![(Fr::ONE, assignment.len() - 1)]);
    };
    for _ in 0..rows {
        let mut side = || {
            let terms = rng.gen_range(0..6);
            (0..terms)
                .map(|_| (random_value(&mut rng), rng.gen_range(0..assignment.len())))
                .collect()
        };
        let (a, b) = (side(), side());
        push(a, b, &mut assignment);
    }
    // Every free variable occurs somewhere.
    for variable in 4..=free {
        let (one, it) = (vec![(Fr::ONE, 0)], vec![(Fr::ONE, variable)]);
        let (a, b) = if rng.r#gen() { (one, it) } else { (it, one) };
        push(a, b, &mut assignment);
    }
    let r1cs = R1cs::from_matrices(&matrices, 4, assignment.len() - 4).unwrap();
    (r1cs, assignment)
}

fn random_value(rng: &mut StdRng) -> Fr {
    match rng.gen_range(0..6) {
        0 => Fr::ZERO,
        1 => Fr::ONE,
        2 => -Fr::ONE,
        3 => Fr::from(rng.r#gen::<u32>()),
        _ => Fr::rand(rng),
    }
}

/// A key whose trapdoor everybody knows.
pub(crate) fn key(r1cs: &R1cs, seed: u64) -> ProvingKey {
    let mut rng = StdRng::seed_from_u64(seed);
    let trapdoor = Trapdoor {
        alpha: Fr::rand(&mut rng),
        beta: Fr::rand(&mut rng),
        gamma: Fr::rand(&mut rng),
        delta: Fr::rand(&mut rng),
    };
    setup(r1cs, SHAPE, trapdoor, rng, &|_| ()).unwrap()
}

/// A point of the twist outside the subgroup of order r.
pub(crate) fn off_subgroup() -> G2Affine {
    (1u64..)
        .filter_map(|x| G2Affine::get_point_from_x_unchecked(Fq2::from(x), false))
        .find(|point| !point.is_in_correct_subgroup_assuming_on_curve())
        .unwrap()
}

pub(crate) fn engine(threads: usize) -> Engine {
    Engine::new(NonZeroUsize::new(threads).unwrap()).unwrap()
}

/// Every backend that this machine has, and the one that fails where a bound is broken.
pub(crate) fn backends() -> Vec<Backend> {
    let mut backends = Backend::available();
    backends.push(Backend::Tracked);
    backends
}

/// Calls `work` in pools of 1, 2, 3 and 7 threads.
pub(crate) fn in_pools(work: impl Fn() + Sync) {
    for threads in [1, 2, 3, 7] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(&work);
    }
}
