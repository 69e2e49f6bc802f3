//! What points are multiplied by.

use ark_bn254::Fr;
use ark_ff::PrimeField;

/// Scalars of one set of lists.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scalars<'a> {
    /// arkworks' elements.
    Elements(&'a [Fr]),
    /// Integers below r, least significant word first.
    Integers(&'a [[u64; 4]]),
}

impl Scalars<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Elements(elements) => elements.len(),
            Self::Integers(integers) => integers.len(),
        }
    }

    /// One of them as an integer; 0 beyond the last.
    pub(crate) fn integer(&self, index: usize) -> [u64; 4] {
        match self {
            Self::Elements(elements) => elements.get(index).map_or([0; 4], |x| x.into_bigint().0),
            Self::Integers(integers) => integers.get(index).copied().unwrap_or([0; 4]),
        }
    }
}
