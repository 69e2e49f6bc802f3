//! How much memory a decoder takes, measured: every allocation of the program is counted.

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What decoding `bytes` bytes may take at its peak: `base`, and `for_each` for each byte.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Bytes whatever the input is.
    pub base: usize,
    /// Bytes for each byte of the input.
    pub for_each: usize,
}

impl Budget {
    /// Runs `decode` on an input of `bytes` bytes.
    ///
    /// # Panics
    /// If at some time it held more memory than this allows, beyond what was held before.
    pub fn within<T>(self, bytes: usize, decode: impl FnOnce() -> T) -> T {
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        let result = decode();
        let taken = ALLOCATOR.peak_usage().saturating_sub(before);
        let allowed = self.base + self.for_each * bytes;
        assert!(
            taken <= allowed,
            "{taken} bytes of memory for an input of {bytes} bytes, {allowed} allowed"
        );
        result
    }
}
