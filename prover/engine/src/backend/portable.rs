//! Any processor, safe Rust: the oracle. Values are below 2p, but for what butterflies leave, so every bound is kept by itself.

mod field;
mod lanes;
#[cfg(target_arch = "x86_64")]
mod mulx;

use super::{FqParams, FrParams, Kernel, Machine};
use lanes::Eight;

/// The portable backend.
#[derive(Debug)]
pub(crate) struct Portable;

impl Machine for Portable {
    type Fq = Eight<FqParams>;
    type Fr = Eight<FrParams>;
}

/// Runs a kernel, compiled for this processor's multiplication if it has a better one than all others of its kind.
pub(super) fn run<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        mulx::run(kernel).unwrap_or_else(baseline)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        baseline(kernel)
    }
}

/// Runs a kernel with what every processor of this architecture has.
pub(super) fn baseline<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Portable>()
}
