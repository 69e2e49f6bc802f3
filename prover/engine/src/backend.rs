//! Where the arithmetic happens: eight field elements at a time, on whatever this processor does best.
//!
//! Everything above this module is written once, as [`Kernel`]s over [`Lanes`]; a backend says what a lane is. The
//! switch is taken once for each kernel call, not for each multiplication, so that a kernel is compiled as a whole for the
//! instructions that it runs on. Every backend gives the same bytes: the baseline, safe Rust without any assumption about the
//! processor, is the oracle for the others.
//!
//! This folder is the only one in the workspace that may hold `unsafe`.
mod exercise;
#[cfg(target_arch = "x86_64")]
mod ifma;
pub(crate) mod lanes;
pub(crate) mod line;
#[expect(unsafe_code, reason = "mapped files, and bytes seen as lines")]
pub(crate) mod map;
#[expect(unsafe_code, reason = "pages seen as values")]
pub(crate) mod pages;
mod portable;
#[expect(unsafe_code, reason = "an instruction that only hints")]
pub(crate) mod prefetch;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod tracked;
/// Without the architecture, no detection succeeds and the type has no value.
#[cfg(not(target_arch = "x86_64"))]
mod ifma {
    /// Says that this processor has AVX-512 F, DQ, IFMA and VBMI2: on this architecture there is no such value.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum Avx512Ifma {}

    impl Avx512Ifma {
        pub(super) fn detect() -> Option<Self> {
            None
        }

        pub(super) fn run<K: super::Kernel>(self, _: K) -> K::Output {
            match self {}
        }
    }
}

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;

use ark_bn254::{FqConfig, FrConfig};
use ark_ff::MontBackend;
use thiserror::Error;

pub use self::exercise::FieldOperation;
pub use self::ifma::Avx512Ifma;
pub(crate) use self::lanes::{Arithmetic, Lanes};
pub(crate) use self::line::Line;
pub(crate) use self::pages::{Pages, Plain};

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
    ///
    /// Closures cannot be `#[inline(always)]`, so code with lanes does not use them: loops and arrays, not `map` or `from_fn`. One that
    /// is left out of line runs some thirty times slower. `scripts/check-inlined.sh` finds the traces of it in a binary.
    fn run<M: Machine>(self) -> Self::Output;
}

/// Which instructions kernels run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// Scalar 64-bit arithmetic in safe Rust, with the instructions that every processor of the architecture has.
    Baseline,
    /// The same code on any processor, compiled once more for those that have MULX (BMI2).
    Portable,
    /// AVX-512 IFMA: eight elements at a time. The value inside says that this processor has it.
    Ifma(Avx512Ifma),
    /// Tests only: arkworks' arithmetic, and failure where a kernel breaks a bound.
    #[cfg(test)]
    Tracked,
}

impl Backend {
    /// Forces a backend by its name, `baseline`, `portable` or `ifma`, where the environment has it. Empty is as if it were not there.
    pub const VARIABLE: &str = "QUITTANCE_BACKEND";

    /// The backend of this process: the one that [`VARIABLE`](Self::VARIABLE) names, else the fastest that runs here.
    ///
    /// # Errors
    /// The variable names no backend, or one that this processor cannot run.
    pub fn detect() -> Result<Self, BackendError> {
        Self::chosen(env::var_os(Self::VARIABLE).as_deref())
    }

    /// The backend for what the environment has.
    fn chosen(name: Option<&OsStr>) -> Result<Self, BackendError> {
        match name {
            Some(name) if !name.is_empty() => Self::named(name),
            _ => Ok(Self::fastest()),
        }
    }

    /// A backend by its name.
    ///
    /// # Errors
    /// No backend has this name, or this processor cannot run it.
    pub fn named(name: impl AsRef<OsStr>) -> Result<Self, BackendError> {
        let name = name.as_ref();
        if name == "baseline" {
            Ok(Self::Baseline)
        } else if name == "portable" {
            Ok(Self::Portable)
        } else if name == "ifma" {
            Avx512Ifma::detect()
                .map(Self::Ifma)
                .ok_or(BackendError::MissingInstructions)
        } else {
            Err(BackendError::UnknownName {
                name: name.to_owned(),
            })
        }
    }

    /// The backends that this processor runs, the fastest last.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let ifma = Avx512Ifma::detect().map(Self::Ifma);
        [Self::Baseline, Self::Portable].into_iter().chain(ifma).collect()
    }

    /// Its name: what [`named`](Self::named) takes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Portable => "portable",
            Self::Ifma(_) => "ifma",
            #[cfg(test)]
            Self::Tracked => "tracked",
        }
    }

    fn fastest() -> Self {
        Avx512Ifma::detect().map_or(Self::Portable, Self::Ifma)
    }

    /// Runs a kernel.
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            Self::Baseline => portable::baseline(kernel),
            Self::Portable => portable::run(kernel),
            Self::Ifma(ifma) => ifma.run(kernel),
            #[cfg(test)]
            Self::Tracked => kernel.run::<tracked::Tracked>(),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No backend for a name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BackendError {
    /// No backend has this name.
    #[error("unknown backend {name:?}: it is baseline, portable or ifma")]
    UnknownName {
        /// What was asked for.
        name: OsString,
    },
    /// The IFMA backend was asked for, and the processor lacks its instructions.
    #[error("this processor does not run the ifma backend: it needs AVX-512 F, DQ, IFMA and VBMI2")]
    MissingInstructions,
}
