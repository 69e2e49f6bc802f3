//! The portable kernels on small inputs, one by one, for a tool that counts instructions.
//!
//! `instructions KERNEL` makes the kernel's input and calls [`counted`] once; without a name it lists the kernels.
//! `scripts/check-instructions.sh` runs each under callgrind, which counts inside that function only, and
//! compares with `benches/instructions.csv`.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::process::ExitCode;

use ark_bn254::Fr;
use quittance_benches::elements;
use quittance_engine::rivals::{Group, Library, Msm, Ntt, multiply};
use quittance_engine::{Backend, Engine, MatrixName, synthetic};

/// Makes an input, and gives the work on it. Nothing if the input cannot be made.
type Prepare = fn() -> Option<Box<dyn FnMut() + Send>>;

/// Names are columns of the committed counts: a change of the input wants a new name.
const KERNELS: &[(&str, Prepare)] = &[
    ("field_mul_4096", field_mul),
    ("add_pairs_g1_msm_2_10", || msm(Group::G1)),
    ("add_pairs_g2_msm_2_10", || msm(Group::G2)),
    ("ntt_2_10", ntt),
    ("rows_2_10", rows),
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
    let work = kernel.and_then(|(_, prepare)| prepare());
    let (Some(mut work), Ok(engine)) = (work, Engine::new(NonZeroUsize::MIN)) else {
        let _ = writeln!(io::stderr(), "no kernel {name}");
        return ExitCode::FAILURE;
    };
    // On a thread of the pool: the kernel's own tasks then run on it, too, inside the counted function.
    engine.install(|| counted(&mut *work));
    ExitCode::SUCCESS
}

/// Callgrind counts from the entry of this function to its return.
#[inline(never)]
fn counted(work: &mut dyn FnMut()) {
    work();
}

fn field_mul() -> Option<Box<dyn FnMut() + Send>> {
    let mut values: Vec<Fr> = elements(1).take(4096).collect();
    let factors: Vec<Fr> = elements(2).take(4096).collect();
    Some(Box::new(move || {
        multiply(Backend::Portable, &mut values, &factors);
    }))
}

/// The only public way to the additions of points.
fn msm(group: Group) -> Option<Box<dyn FnMut() + Send>> {
    let mut msm = Msm::new(group, 10, Backend::Portable).ok()?;
    Some(Box::new(move || {
        let _ = msm.run(Library::Engine);
    }))
}

fn ntt() -> Option<Box<dyn FnMut() + Send>> {
    let mut ntt = Ntt::new(10, Backend::Portable).ok()?;
    Some(Box::new(move || {
        let _ = ntt.run(Library::Engine);
    }))
}

fn rows() -> Option<Box<dyn FnMut() + Send>> {
    let (r1cs, assignment) = synthetic::circuit(10, 1).ok()?;
    Some(Box::new(move || {
        for name in MatrixName::ALL {
            let _ = r1cs.evaluate(name, &assignment);
        }
    }))
}
