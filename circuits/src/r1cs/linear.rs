//! Linear combinations of variables, and their absence.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use core::fmt::Debug;

/// How an element is made of variables; `()` where nobody asks.
pub trait Linear: Clone + Debug + Send + Sync {
    /// False for `()`: hot loops skip the work of describing an element.
    const ACTIVE: bool;

    /// The empty sum.
    fn zero() -> Self;

    /// `value · 1`.
    fn constant(value: Fr) -> Self;

    /// One variable with coefficient 1.
    fn variable(index: u32) -> Self;

    /// `self += other · factor`.
    fn add_scaled(&mut self, other: &Self, factor: Fr);
}

impl Linear for () {
    const ACTIVE: bool = false;

    fn zero() -> Self {}

    fn constant(_: Fr) -> Self {}

    fn variable(_: u32) -> Self {}

    fn add_scaled(&mut self, (): &Self, _: Fr) {}
}

/// A sum of terms `coefficient · variable`, sorted by variable, without zero coefficients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Combination {
    terms: Vec<(u32, Fr)>,
}

impl Combination {
    /// The terms, sorted by variable.
    pub fn terms(&self) -> &[(u32, Fr)] {
        &self.terms
    }
}

impl Linear for Combination {
    const ACTIVE: bool = true;

    fn zero() -> Self {
        Self::default()
    }

    fn constant(value: Fr) -> Self {
        if value == Fr::ZERO {
            Self::default()
        } else {
            Self {
                terms: vec![(0, value)],
            }
        }
    }

    fn variable(index: u32) -> Self {
        Self {
            terms: vec![(index, Fr::ONE)],
        }
    }

    fn add_scaled(&mut self, other: &Self, factor: Fr) {
        if factor == Fr::ZERO || other.terms.is_empty() {
            return;
        }
        let mut merged = Vec::with_capacity(self.terms.len() + other.terms.len());
        let mut mine = self.terms.iter().copied().peekable();
        let mut theirs = other
            .terms
            .iter()
            .map(|&(index, c)| (index, c * factor))
            .peekable();
        loop {
            match (mine.peek().copied(), theirs.peek().copied()) {
                (Some(a), Some(b)) if a.0 == b.0 => {
                    let coefficient = a.1 + b.1;
                    if coefficient != Fr::ZERO {
                        merged.push((a.0, coefficient));
                    }
                    mine.next();
                    theirs.next();
                }
                (Some(a), Some(b)) if a.0 < b.0 => {
                    merged.push(a);
                    mine.next();
                }
                (_, Some(b)) => {
                    merged.push(b);
                    theirs.next();
                }
                (Some(a), None) => {
                    merged.push(a);
                    mine.next();
                }
                (None, None) => break,
            }
        }
        self.terms = merged;
    }
}
