//! Rank-1 constraint systems over the scalar field of BN254: what a gadget writes to.
//!
//! A gadget is one function, generic over [`ConstraintSystem`]. Run against [`Structure`] it yields the matrices
//! A, B, C with a label for each row; run against [`Assignment`] it yields the values of the variables, and the
//! linear algebra of the rows compiles to nothing. Both walk the same code, so they number variables alike, and
//! proving never builds a row.
//!
//! Slots are the one thing that they walk differently ([`Slots`]): rows in order, values side by side on the current rayon
//! pool, each slot in its own piece of the assignment. Divisions may be announced ([`Inverses`]), so that a chain of them
//! costs one inversion.
//!
//! Variables are numbered: 0 is the constant one, then the public inputs, then the witness in order of allocation.

mod assignment;
mod inverses;
mod label;
mod linear;
mod slots;
mod structure;

pub use assignment::Assignment;
pub(crate) use inverses::Fraction;
pub use inverses::Inverses;
pub use label::{Label, Section};
pub use linear::{Combination, Linear};
pub use slots::{Before, Slots};
pub use structure::{LabelledMatrices, Structure};

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

/// A field element inside a circuit: its value, and how it is made of variables.
///
/// With [`Assignment`] the second half is `()`.
#[derive(Clone, Debug)]
pub struct FieldVar<L> {
    value: Fr,
    linear: L,
}

/// Where gadgets allocate variables and put rows.
pub trait ConstraintSystem {
    /// What a linear combination is here: terms, or nothing.
    type L: Linear;

    /// The public input numbered `index`; 1 is the first after the constant one.
    fn public_input(&self, index: u32) -> FieldVar<Self::L>;

    /// Allocates one witness variable. The value is whatever the caller claims: each caller constrains it.
    fn witness(&mut self, value: Fr) -> FieldVar<Self::L>;

    /// Adds the row `a · b = c`. One constraint.
    fn enforce(&mut self, a: &FieldVar<Self::L>, b: &FieldVar<Self::L>, c: &FieldVar<Self::L>);

    /// Names the rows that follow, until the next call.
    fn label(&mut self, label: Label);

    /// Inverses for the divisions that come next. A gadget with many prepares them all at the price of one.
    fn inverses(&mut self) -> &mut Inverses;

    /// Writes the slots of a section, the first after `start`. Returns what the bodies gave, and the last link.
    fn slots<S: Slots<Self::L>>(&mut self, slots: &S, start: &S::Link) -> (Vec<S::Outcome>, S::Link)
    where
        Self: Sized,
    {
        slots::in_order(self, slots, start)
    }

    /// Adds the row `a · 1 = b`. One constraint.
    fn enforce_equal(&mut self, a: &FieldVar<Self::L>, b: &FieldVar<Self::L>) {
        self.enforce(a, &FieldVar::one(), b);
    }

    /// A new variable that equals `a · b`. One constraint.
    fn multiply(&mut self, a: &FieldVar<Self::L>, b: &FieldVar<Self::L>) -> FieldVar<Self::L> {
        let product = self.witness(a.value * b.value);
        self.enforce(a, b, &product);
        product
    }

    /// A new variable that equals `a · b − known`. One constraint.
    ///
    /// Unlike a product from which `known` is subtracted later, the result is one term wherever it is used.
    fn multiply_minus(
        &mut self,
        a: &FieldVar<Self::L>,
        b: &FieldVar<Self::L>,
        known: &FieldVar<Self::L>,
    ) -> FieldVar<Self::L> {
        let rest = self.witness(a.value * b.value - known.value);
        self.enforce(a, b, &rest.plus(known));
        rest
    }

    /// A new variable that equals `a²`. One constraint.
    fn square(&mut self, a: &FieldVar<Self::L>) -> FieldVar<Self::L> {
        let square = self.witness(a.value.square());
        self.enforce(a, a, &square);
        square
    }

    /// A new variable `q` with `q · denominator = numerator`. One constraint.
    ///
    /// `q` is *free* when both sides are zero: the caller says why the denominator cannot be zero.
    fn divide(
        &mut self,
        numerator: &FieldVar<Self::L>,
        denominator: &FieldVar<Self::L>,
    ) -> FieldVar<Self::L> {
        let inverse = self.inverses().invert(denominator.value);
        let quotient = self.witness(numerator.value * inverse);
        self.enforce(&quotient, denominator, numerator);
        quotient
    }

    /// Enforces `a ≠ 0` with a hinted inverse that its own row checks. One constraint.
    fn enforce_nonzero(&mut self, a: &FieldVar<Self::L>) {
        self.divide(&FieldVar::one(), a);
    }
}

impl<L: Linear> FieldVar<L> {
    /// A constant. Costs nothing.
    pub fn constant(value: Fr) -> Self {
        Self {
            value,
            linear: L::constant(value),
        }
    }

    /// The constant 0.
    pub fn zero() -> Self {
        Self {
            value: Fr::ZERO,
            linear: L::zero(),
        }
    }

    /// The constant 1.
    pub fn one() -> Self {
        Self::constant(Fr::ONE)
    }

    /// The variable numbered `index`, with the value claimed for it.
    pub(crate) fn variable(index: u32, value: Fr) -> Self {
        Self {
            value,
            linear: L::variable(index),
        }
    }

    /// The value in this assignment.
    pub fn value(&self) -> Fr {
        self.value
    }

    /// The linear combination behind this element.
    pub fn linear(&self) -> &L {
        &self.linear
    }

    /// `self + other`. No constraint.
    pub fn plus(&self, other: &Self) -> Self {
        let mut sum = self.clone();
        sum.value += other.value;
        sum.linear.add_scaled(&other.linear, Fr::ONE);
        sum
    }

    /// `self − other`. No constraint.
    pub fn minus(&self, other: &Self) -> Self {
        let mut difference = self.clone();
        difference.value -= other.value;
        difference.linear.add_scaled(&other.linear, -Fr::ONE);
        difference
    }

    /// `self + constant`. No constraint.
    pub fn plus_constant(&self, constant: Fr) -> Self {
        self.plus(&Self::constant(constant))
    }

    /// `self · factor`. No constraint.
    pub fn scaled(&self, factor: Fr) -> Self {
        let mut product = Self::zero();
        product.add_scaled(self, factor);
        product
    }

    /// `−self`. No constraint.
    pub fn negated(&self) -> Self {
        Self::zero().minus(self)
    }

    /// `1 − self`. No constraint.
    pub fn complement(&self) -> Self {
        Self::one().minus(self)
    }

    /// `self += other · factor`. No constraint.
    pub fn add_scaled(&mut self, other: &Self, factor: Fr) {
        self.value += other.value * factor;
        self.linear.add_scaled(&other.linear, factor);
    }

    /// `Σ factor · element`. No constraint.
    pub fn sum<'a>(terms: impl IntoIterator<Item = (Fr, &'a Self)>) -> Self
    where
        L: 'a,
    {
        let mut sum = Self::zero();
        for (factor, term) in terms {
            sum.add_scaled(term, factor);
        }
        sum
    }

    /// The same linear combination under a value computed elsewhere, which must be the same value.
    ///
    /// Only for hot loops that know the value by a shorter way.
    pub(crate) fn with_value(value: Fr, linear: impl FnOnce() -> Self) -> Self {
        if L::ACTIVE {
            Self {
                value,
                linear: linear().linear,
            }
        } else {
            Self {
                value,
                linear: L::zero(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product<C: ConstraintSystem>(cs: &mut C) {
        let a = cs.witness(Fr::from(3u64));
        let b = cs.witness(Fr::from(5u64));
        let sum = a.plus(&b).plus_constant(Fr::from(2u64));
        cs.multiply(&sum, &b.minus(&b).plus(&a));
    }

    #[test]
    fn both_systems_number_variables_alike() {
        let mut structure = Structure::new(1);
        product(&mut structure);
        let mut assignment = Assignment::new(&[]);
        product(&mut assignment);
        let values = assignment.into_values();
        assert_eq!(values, [1u64, 3, 5, 30].map(Fr::from));
        let matrices = structure.into_matrices();
        assert_eq!(matrices.num_witness, 3);
        // b − b cancels: no zero coefficient stays behind.
        assert_eq!(matrices.b[0], vec![(Fr::ONE, 1)]);
        assert_eq!(matrices.first_unsatisfied(&values), None);
    }

    #[test]
    fn constants_cost_nothing() {
        let mut structure = Structure::new(1);
        let c = FieldVar::<Combination>::constant(Fr::from(7u64))
            .scaled(Fr::from(2u64))
            .plus(&FieldVar::one());
        assert_eq!(c.value(), Fr::from(15u64));
        structure.label(Label::statement("none"));
        assert_eq!(structure.into_matrices().num_constraints(), 0);
    }
}
