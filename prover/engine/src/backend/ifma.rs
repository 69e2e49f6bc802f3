//! AVX-512 IFMA: eight elements in five vectors of 52-bit limbs, R = 2^260.
//!
//! The lanes of this module run instructions that not every processor has, so nothing outside can name them: the one
//! way in is [`Avx512Ifma::run`], and an [`Avx512Ifma`] exists only where the instructions were detected.
#![expect(unsafe_code, reason = "vector instructions behind run-time detection")]

mod lanes;
mod limbs;
mod vector;

use super::{FqParams, FrParams, Kernel, Machine};
use lanes::Eight;

/// Says that this processor has AVX-512 F, DQ, IFMA and VBMI2. Only detection makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Avx512Ifma(());

impl Avx512Ifma {
    /// Asks the processor, and the operating system whether it keeps the registers.
    pub(super) fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512ifma")
            && is_x86_feature_detected!("avx512vbmi2");
        found.then_some(Self(()))
    }

    /// Runs a kernel with these instructions.
    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        // SAFETY: `self` exists only where `detect` has found every feature that `enter` enables.
        unsafe { enter(kernel) }
    }
}

/// The only function that is compiled with the instructions: the kernel, its lanes and their intrinsics are all inlined
/// into it.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi2")]
fn enter<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Ifma>()
}

/// Lanes of this backend. Private: only `enter` may name it.
struct Ifma;

impl Machine for Ifma {
    type Fq = Eight<FqParams>;
    type Fr = Eight<FrParams>;
}
