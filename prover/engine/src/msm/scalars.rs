//! What points are multiplied by.

use ark_bn254::Fr;
use ark_ff::PrimeField;

use crate::witness_map::Quotient;

/// Scalars of one set of lists.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scalars<'a> {
    /// arkworks' elements.
    Elements(&'a [Fr]),
    /// arkworks' elements in another order: at each position the index of its element.
    Ordered {
        /// The elements.
        elements: &'a [Fr],
        /// Indices below their number.
        order: &'a [u32],
    },
    /// Integers below r, least significant word first.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests give them"))]
    Integers(&'a [[u64; 4]]),
    /// The quotient's values, which are integers too.
    Quotient(Quotient<'a>),
}

impl Scalars<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Elements(elements) => elements.len(),
            Self::Ordered { order, .. } => order.len(),
            Self::Integers(integers) => integers.len(),
            Self::Quotient(quotient) => quotient.len(),
        }
    }

    /// One of them as an integer; 0 beyond the last.
    pub(crate) fn integer(&self, index: usize) -> [u64; 4] {
        match self {
            _ if index >= self.len() => [0; 4],
            Self::Elements(elements) => elements[index].into_bigint().0,
            Self::Ordered { elements, order } => elements[order[index] as usize].into_bigint().0,
            Self::Integers(integers) => integers[index],
            Self::Quotient(quotient) => quotient.get(index),
        }
    }
}
