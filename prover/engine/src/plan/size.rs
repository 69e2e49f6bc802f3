//! The sizes of a circuit that decide what its proofs cost.

use crate::key::layout::Counts;
use crate::{CircuitKey, R1cs};

/// Sizes of a circuit that decide what its proofs cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitSize {
    /// Rows.
    pub constraints: u64,
    /// Variables, the constant and the public inputs included.
    pub variables: u64,
    /// Instance variables: the constant and the public inputs.
    pub instance: u64,
    /// Variables that are 0 or 1 in every assignment, as [`R1cs::num_booleans`] counts them: they cost next to nothing.
    pub booleans: u64,
    /// Non-zeros of the three matrices together.
    pub nonzeros: u64,
    /// Distinct coefficients of the three matrices, as [`R1cs::num_coefficients`] counts them.
    pub coefficients: u64,
    /// Size of the evaluation domain, a power of two.
    pub domain: u64,
    /// Points of a key's A query that are no identities: see [`CircuitSize::from`].
    pub a_points: u64,
    /// Points of its B query, in G1 and again in G2.
    pub b_points: u64,
}

impl From<&R1cs> for CircuitSize {
    /// Counts everything, which takes a look at every term: the variables that A and B name have points in a key, and instance
    /// variables have one in A whether they are named or not.
    fn from(r1cs: &R1cs) -> Self {
        let Counts { a, b, .. } = Counts::of(r1cs);
        Self::new(r1cs, a, b).with_booleans(r1cs)
    }
}

impl From<&CircuitKey> for CircuitSize {
    /// The key has counted the points; only booleans are looked for, on the current pool.
    fn from(key: &CircuitKey) -> Self {
        Self::at_most_of(key).with_booleans(key.r1cs())
    }
}

impl CircuitSize {
    /// The size of a key's circuit without a look at any row: [`at_most`](Self::at_most).
    pub(crate) fn at_most_of(key: &CircuitKey) -> Self {
        let lists = key.lists();
        Self::new(key.r1cs(), to_u64(lists.a.len()), to_u64(lists.b1.len()))
    }

    /// As if no variable were boolean, which costs more: an assignment may have any values.
    pub(crate) const fn at_most(self) -> Self {
        Self { booleans: 0, ..self }
    }

    /// The same with every count at most 2^40, which no machine holds either: formulas do not overflow.
    pub(super) fn clamped(&self) -> Self {
        let clamp = |count: u64| count.min(1 << 40);
        Self {
            constraints: clamp(self.constraints),
            variables: clamp(self.variables),
            instance: clamp(self.instance),
            booleans: clamp(self.booleans),
            nonzeros: clamp(self.nonzeros),
            coefficients: clamp(self.coefficients),
            domain: clamp(self.domain),
            a_points: clamp(self.a_points),
            b_points: clamp(self.b_points),
        }
    }

    fn with_booleans(self, r1cs: &R1cs) -> Self {
        Self {
            booleans: to_u64(r1cs.num_booleans()),
            ..self
        }
    }

    fn new(r1cs: &R1cs, a_points: u64, b_points: u64) -> Self {
        Self {
            constraints: to_u64(r1cs.num_constraints()),
            variables: to_u64(r1cs.num_variables()),
            instance: to_u64(r1cs.num_instance()),
            booleans: 0,
            nonzeros: to_u64(r1cs.nonzeros()),
            coefficients: to_u64(r1cs.num_coefficients()),
            domain: to_u64(r1cs.domain_size()),
            a_points,
            b_points,
        }
    }

    /// Points of the L query: the witness'.
    pub(super) fn l_points(&self) -> u64 {
        self.variables.saturating_sub(self.instance)
    }
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
