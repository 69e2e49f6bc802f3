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
        one_thread();
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

/// Makes the calling thread rayon's only one: parallel code runs where it is called, and memory is counted in order. Threads that
/// begin on a busy machine while something else is measured would be counted there.
pub fn one_thread() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .use_current_thread()
            .build_global();
        pool.expect("nothing has used rayon before");
    });
}
