//! The portable kernels compiled once more, for processors with MULX (BMI2). It multiplies without touching the flags and names
//! its results: fewer instructions for the same products. The source is the same, and so are the results.
#![expect(
    unsafe_code,
    reason = "a function with instructions behind run-time detection"
)]

use super::Portable;
use crate::backend::Kernel;

/// Runs a kernel with the processor's MULX; gives it back where there is none.
pub(super) fn run<K: Kernel>(kernel: K) -> Result<K::Output, K> {
    if is_x86_feature_detected!("bmi2") {
        // SAFETY: the processor has the only feature that `enter` enables.
        Ok(unsafe { enter(kernel) })
    } else {
        Err(kernel)
    }
}

/// What is inlined into this function is compiled with the instruction: the whole kernel.
#[target_feature(enable = "bmi2")]
fn enter<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Portable>()
}
