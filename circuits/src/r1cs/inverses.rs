//! Inverses computed before their divisions.

use crate::inversion::invert_all;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

/// A numerator and a denominator; the denominator is not 0.
pub(crate) type Fraction = (Fr, Fr);

/// Inverses that the next divisions need, in their order.
///
/// An inversion costs as much as a few hundred multiplications, and a chain of divisions cannot share one as it stands. So a
/// gadget that knows a chain's denominators by a way without divisions says what they will be. That is a hint to save
/// time: each is checked by one multiplication where it is used, and computed if it is wrong or missing.
#[derive(Debug, Default)]
pub struct Inverses {
    hints: std::vec::IntoIter<Fr>,
    #[cfg(test)]
    pub(crate) misses: usize,
}

impl Inverses {
    /// Prepares for divisions by these fractions, in this order, in place of what was prepared before.
    pub(crate) fn prepare(&mut self, denominators: &[Fraction]) {
        let mut inverses: Vec<Fr> = denominators.iter().map(|(numerator, _)| *numerator).collect();
        invert_all(&mut inverses);
        for (inverse, (_, denominator)) in inverses.iter_mut().zip(denominators) {
            *inverse *= denominator;
        }
        self.hints = inverses.into_iter();
    }

    #[cfg(test)]
    pub(crate) fn remaining(&self) -> usize {
        self.hints.len()
    }

    /// `1/x`; 0 for 0.
    pub(crate) fn invert(&mut self, x: Fr) -> Fr {
        match self.hints.next() {
            Some(hint) if hint * x == Fr::ONE => hint,
            _ => {
                #[cfg(test)]
                {
                    self.misses += 1;
                }
                x.inverse().unwrap_or(Fr::ZERO)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_and_missing_hints_change_nothing() {
        let [zero, two, three] = [0u64, 2, 3].map(Fr::from);
        let mut inverses = Inverses::default();
        inverses.prepare(&[(two, Fr::ONE), (two, three), (zero, Fr::ONE), (two, Fr::ONE)]);
        for (x, misses) in [
            (two, 0),
            (two / three, 0),
            (zero, 1),
            (three, 2),
            (three, 3),
            (zero, 4),
        ] {
            assert_eq!(inverses.invert(x), x.inverse().unwrap_or(zero));
            assert_eq!(inverses.misses, misses);
        }
    }
}
