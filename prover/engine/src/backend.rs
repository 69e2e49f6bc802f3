//! Where the arithmetic happens: eight field elements at a time, on whatever this processor does best.
//!
//! Everything above this module is written once, as [`Kernel`]s over [`Lanes`]; a backend says what a lane is. The
//! switch is taken once for each kernel call, not for each multiplication, so that a kernel is compiled as a whole for the
//! instructions that it runs on. Every backend gives the same bytes: the portable one, safe Rust without any assumption about the
//! processor, is the oracle for the others.
//!
//! This folder is the only one in the workspace that may hold `unsafe`.

pub(crate) mod lanes;
pub(crate) mod line;
#[expect(unsafe_code, reason = "mapped files, and bytes seen as lines")]
pub(crate) mod map;
mod portable;

use std::ffi::OsStr;

use ark_bn254::{FqConfig, FrConfig};
use ark_ff::MontBackend;

pub(crate) use self::lanes::Lanes;
pub(crate) use self::line::Line;

/// The base field's arithmetic.
pub(crate) type FqParams = MontBackend<FqConfig, 4>;
/// The scalar field's arithmetic.
pub(crate) type FrParams = MontBackend<FrConfig, 4>;

/// Lanes of both fields of one backend.
pub(crate) trait Machine {
    /// Coordinates of points.
    type Fq: Lanes<Params = FqParams>;
    /// Scalars, values of rows.
    type Fr: Lanes<Params = FrParams>;
}

/// Work that is compiled once for each backend.
pub(crate) trait Kernel {
    /// What it gives.
    type Output;

    /// Does the work. Implementations and everything that they call with lanes are `#[inline(always)]`, so that all of it becomes part
    /// of a function that the compiler may give the backend's instructions. For the same reason no thread is started in
    /// here: parallel code runs a kernel in each task, not tasks in a kernel.
    fn run<M: Machine>(self) -> Self::Output;
}

/// Which instructions kernels run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// Scalar 64-bit arithmetic in safe Rust, on any processor.
    Portable,
}

impl Backend {
    /// Forces a backend by its name, `portable` or `ifma`, where the environment has it.
    pub const VARIABLE: &str = "QUITTANCE_BACKEND";

    /// Runs a kernel.
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            Self::Portable => kernel.run::<portable::Portable>(),
        }
    }
}
