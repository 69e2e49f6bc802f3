//! The portable kernels on small inputs, one by one, for a tool that counts instructions.
//!
//! `instructions KERNEL` makes the kernel's input and calls [`counted`] once; without a name it lists the kernels.
//! `scripts/check-instructions.sh` runs each under callgrind, which counts inside that function only, and
//! compares with `benches/instructions.csv`.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::process::ExitCode;

use ark_bn254::{Fr, G1Projective, G2Projective};
use ark_ec::{CurveGroup, PrimeGroup};
use quittance_benches::elements;
use quittance_engine::ntt::Transform;
use quittance_engine::{
    Backend, Control, Engine, FieldOperation, G1Bases, G2Bases, MatrixName, Multiplier, WitnessMap,
    WitnessMapBuffers, synthetic,
};

/// Makes an input, and gives the work on it. Nothing if the input cannot be made.
type Prepare = fn() -> Option<Box<dyn FnMut() + Send>>;

/// Names are columns of the committed counts: a change of the input wants a new name.
const KERNELS: &[(&str, Prepare)] = &[
    ("field_mul_4096", || field(FieldOperation::Multiply)),
    ("field_mul_pair_4096", || field(FieldOperation::MultiplyPair)),
    ("ntt_2_10", ntt),
    ("rows_2_10_weighted", rows),
    ("witness_map_2_10", witness_map),
    ("msm_g1_2_9", msm_g1),
    ("msm_g2_2_9", msm_g2),
];

fn main() -> ExitCode {
    // Cargo adds --bench.
    let name = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    let Some(name) = name else {
        for (name, _) in KERNELS {
            let _ = writeln!(io::stdout(), "{name}");
        }
        return ExitCode::SUCCESS;
    };
    let kernel = KERNELS.iter().find(|(kernel, _)| *kernel == name);
    let (Some((_, prepare)), Ok(engine)) = (kernel, Engine::new(NonZeroUsize::MIN)) else {
        let _ = writeln!(io::stderr(), "no kernel {name}");
        return ExitCode::FAILURE;
    };
    // On a thread of the pool: the kernel's own tasks then run on it, too, inside the counted function.
    engine.install(|| match prepare() {
        Some(mut work) => {
            counted(&mut *work);
            ExitCode::SUCCESS
        }
        None => ExitCode::FAILURE,
    })
}

/// Callgrind counts from the entry of this function to its return.
#[inline(never)]
fn counted(work: &mut dyn FnMut()) {
    work();
}

/// 16 rounds of 256 products.
fn field(operation: FieldOperation) -> Option<Box<dyn FnMut() + Send>> {
    Some(Box::new(move || Backend::Baseline.exercise(operation, 16)))
}

fn ntt() -> Option<Box<dyn FnMut() + Send>> {
    let mut values: Vec<Fr> = elements(1).take(1 << 10).collect();
    let mut transform = Transform::forward(Backend::Baseline, values.len()).ok()?;
    Some(Box::new(move || {
        let _ = transform.apply(&mut values);
    }))
}

/// The check of an assignment, one row after the other; proofs run the rows of [`witness_map`].
fn rows() -> Option<Box<dyn FnMut() + Send>> {
    let (r1cs, assignment) = synthetic::circuit(10, 1).ok()?;
    Some(Box::new(move || {
        for name in MatrixName::ALL {
            let _ = r1cs.evaluate(name, &assignment);
        }
    }))
}

/// Rows and transforms as proofs run them; tables and buffers are there before.
fn witness_map() -> Option<Box<dyn FnMut() + Send>> {
    let (r1cs, assignment) = synthetic::circuit(10, 1).ok()?;
    let map = WitnessMap::new(Backend::Baseline, r1cs.domain_size()).ok()?;
    let (mut buffers, control) = (WitnessMapBuffers::default(), Control::default());
    map.quotient(&r1cs, &assignment, &mut buffers, &control).ok()?;
    Some(Box::new(move || {
        let _ = map.quotient(&r1cs, &assignment, &mut buffers, &control);
    }))
}

/// About 20,000 of the kernel's additions, most of them in short batches.
fn msm_g1() -> Option<Box<dyn FnMut() + Send>> {
    let bases = G1Bases::new(&points::<G1Projective>());
    let (scalars, mut multiplier) = (scalars(), Multiplier::new(Backend::Baseline));
    Some(Box::new(move || {
        let _ = multiplier.g1(&bases, &scalars);
    }))
}

fn msm_g2() -> Option<Box<dyn FnMut() + Send>> {
    let bases = G2Bases::new(&points::<G2Projective>());
    let (scalars, mut multiplier) = (scalars(), Multiplier::new(Backend::Baseline));
    Some(Box::new(move || {
        let _ = multiplier.g2(&bases, &scalars);
    }))
}

fn scalars() -> Vec<Fr> {
    elements(1).take(1 << 9).collect()
}

/// Points whose sums are all different, as those of a key.
fn points<G: CurveGroup + PrimeGroup>() -> Vec<G::Affine> {
    let next = |point: &G| Some(point.double() + G::generator());
    let points: Vec<G> = std::iter::successors(Some(G::generator()), next)
        .take(1 << 9)
        .collect();
    G::normalize_batch(&points)
}
