//! The matrices of a circuit, each row with its label.

use super::{Combination, ConstraintSystem, FieldVar, Inverses, Label};
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use ark_relations::utils::matrix::Matrix;

/// Collects rows and counts variables. Values are those of a padding batch and are forgotten.
#[derive(Debug)]
pub struct Structure {
    num_instance: usize,
    num_witness: usize,
    a: Matrix<Fr>,
    b: Matrix<Fr>,
    c: Matrix<Fr>,
    /// First row of each run of rows with one label.
    labels: Vec<(usize, Label)>,
    inverses: Inverses,
}

/// The matrices A, B, C of a circuit: it is satisfied by `w` when `(A·w) ∘ (B·w) = C·w`.
#[derive(Clone, Debug)]
pub struct LabelledMatrices {
    /// Public inputs with the constant one.
    pub num_instance: usize,
    /// Witness variables.
    pub num_witness: usize,
    /// Rows of A as (coefficient, variable).
    pub a: Matrix<Fr>,
    /// Rows of B.
    pub b: Matrix<Fr>,
    /// Rows of C.
    pub c: Matrix<Fr>,
    labels: Vec<(usize, Label)>,
}

impl Structure {
    /// Starts a circuit with `num_instance` public inputs, the constant one included.
    pub fn new(num_instance: usize) -> Self {
        let (a, b, c) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            num_instance,
            num_witness: 0,
            a,
            b,
            c,
            labels: Vec::new(),
            inverses: Inverses::default(),
        }
    }

    /// Rows so far.
    pub fn num_constraints(&self) -> usize {
        self.a.len()
    }

    /// Ends the circuit.
    pub fn into_matrices(self) -> LabelledMatrices {
        let Self {
            num_instance,
            num_witness,
            a,
            b,
            c,
            labels,
            inverses: _,
        } = self;
        LabelledMatrices {
            num_instance,
            num_witness,
            a,
            b,
            c,
            labels,
        }
    }
}

impl ConstraintSystem for Structure {
    type L = Combination;

    fn public_input(&self, index: u32) -> FieldVar<Combination> {
        FieldVar::variable(index, Fr::ZERO)
    }

    fn witness(&mut self, value: Fr) -> FieldVar<Combination> {
        // 2^32 variables would need terabytes long before this saturates; the key format counts in u32 too.
        let index = u32::try_from(self.num_instance + self.num_witness).unwrap_or(u32::MAX);
        self.num_witness += 1;
        FieldVar::variable(index, value)
    }

    fn enforce(&mut self, a: &FieldVar<Combination>, b: &FieldVar<Combination>, c: &FieldVar<Combination>) {
        self.a.push(row(a));
        self.b.push(row(b));
        self.c.push(row(c));
    }

    fn label(&mut self, label: Label) {
        self.labels.push((self.a.len(), label));
    }

    fn inverses(&mut self) -> &mut Inverses {
        &mut self.inverses
    }
}

impl LabelledMatrices {
    /// Number of rows.
    pub fn num_constraints(&self) -> usize {
        self.a.len()
    }

    /// Non-zero coefficients in A, B and C together.
    pub fn nonzeros(&self) -> usize {
        [&self.a, &self.b, &self.c]
            .iter()
            .flat_map(|matrix| matrix.iter())
            .map(Vec::len)
            .sum()
    }

    /// The label of a row; `None` before the first label and for rows that do not exist.
    pub fn label(&self, row: usize) -> Option<Label> {
        if row >= self.a.len() {
            return None;
        }
        let after = self.labels.partition_point(|(start, _)| *start <= row);
        self.labels.get(after.checked_sub(1)?).map(|(_, label)| *label)
    }

    /// The first row that `assignment` (constant one, public inputs, witness) does not satisfy.
    pub fn first_unsatisfied(&self, assignment: &[Fr]) -> Option<usize> {
        (0..self.a.len()).find(|&row| !self.is_row_satisfied(row, assignment))
    }

    /// The label of the first row that `assignment` does not satisfy.
    pub fn first_broken_rule(&self, assignment: &[Fr]) -> Option<Label> {
        self.label(self.first_unsatisfied(assignment)?)
    }

    /// Whether one row holds. A row that does not exist holds.
    pub fn is_row_satisfied(&self, row: usize, assignment: &[Fr]) -> bool {
        let product = |matrix: &Matrix<Fr>| -> Fr {
            let terms = matrix.get(row).map_or(&[][..], Vec::as_slice);
            terms
                .iter()
                .map(|(coefficient, index)| {
                    assignment.get(*index).map_or(Fr::ZERO, |value| {
                        if *coefficient == Fr::ONE {
                            *value
                        } else {
                            *coefficient * value
                        }
                    })
                })
                .sum()
        };
        product(&self.a) * product(&self.b) == product(&self.c)
    }
}

fn row(element: &FieldVar<Combination>) -> Vec<(Fr, usize)> {
    // usize has at least 32 bits wherever a proof can be made.
    element
        .linear()
        .terms()
        .iter()
        .map(|&(index, c)| (c, usize::try_from(index).unwrap_or(usize::MAX)))
        .collect()
}
