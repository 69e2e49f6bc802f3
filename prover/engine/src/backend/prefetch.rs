//! Asking for cache lines ahead of their use.

/// Starts to fetch the value at `index` into the first-level cache, all its lines. Nothing happens beyond the end that matters, nor
/// where there is no such instruction: it is a hint, and cheaper than a check.
#[inline(always)]
pub(crate) fn prefetch<T>(values: &[T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let value: *const i8 = values.as_ptr().wrapping_add(index).cast();
        for byte in (0..size_of::<T>()).step_by(64) {
            // SAFETY: it needs no instruction beyond the baseline of x86_64, and it reads no memory as far as the program can tell: an
            // address without memory behind it is ignored.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(value.wrapping_add(byte)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = (values, index);
    }
}
