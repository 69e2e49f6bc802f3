//! A cache line of words: what kernels read and write.

/// Eight words that lie in one cache line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[repr(C, align(64))]
pub(crate) struct Line(pub(crate) [u64; 8]);
