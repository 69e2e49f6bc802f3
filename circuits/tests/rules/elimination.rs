//! Linear algebra over the scalar field, sparse, for questions about circuits as such.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use quittance_circuits::r1cs::LabelledMatrices;
use std::collections::BTreeMap;

/// A linear form: coefficients by variable.
pub(crate) type Form = BTreeMap<usize, Fr>;

/// `target += source · factor`, without zero coefficients.
pub(crate) fn add(target: &mut Form, source: &Form, factor: Fr) {
    for (variable, coefficient) in source {
        let entry = target.entry(*variable).or_insert(Fr::ZERO);
        *entry += *coefficient * factor;
        if *entry == Fr::ZERO {
            target.remove(variable);
        }
    }
}

pub(crate) fn form(row: &[(Fr, usize)]) -> Form {
    row.iter()
        .map(|(coefficient, variable)| (*variable, *coefficient))
        .collect()
}

/// Gaussian elimination of homogeneous equations, one at a time: each solved variable is a form in the others.
pub(crate) struct Elimination {
    solved: Vec<Option<Form>>,
}

impl Elimination {
    pub(crate) fn new(variables: usize) -> Self {
        Self {
            solved: vec![None; variables],
        }
    }

    /// Sets a variable to zero.
    pub(crate) fn fix(&mut self, variable: usize) {
        self.solved[variable] = Some(Form::new());
    }

    /// Adds the equation `form = 0`; false if it follows from the others.
    pub(crate) fn equation(&mut self, form: &Form) -> bool {
        let mut reduced = Form::new();
        for (variable, coefficient) in form {
            let resolved = self.resolve(*variable);
            add(&mut reduced, &resolved, *coefficient);
        }
        let Some((pivot, coefficient)) = reduced.pop_last() else {
            return false;
        };
        let factor = -coefficient.inverse().unwrap();
        reduced.values_mut().for_each(|value| *value *= factor);
        self.solved[pivot] = Some(reduced);
        true
    }

    /// Variables that no equation determines.
    pub(crate) fn free(&self) -> Vec<usize> {
        (0..self.solved.len())
            .filter(|variable| self.solved[*variable].is_none())
            .collect()
    }

    fn resolve(&mut self, variable: usize) -> Form {
        let Some(known) = self.solved[variable].clone() else {
            return Form::from([(variable, Fr::ONE)]);
        };
        if known.keys().all(|other| self.solved[*other].is_none()) {
            return known;
        }
        let mut resolved = Form::new();
        for (other, coefficient) in known {
            let inner = self.resolve(other);
            add(&mut resolved, &inner, coefficient);
        }
        self.solved[variable] = Some(resolved.clone());
        resolved
    }
}

/// Directions in which a satisfied assignment can be moved while all rows stay satisfied to first order, with the variables
/// `fixed` held: the free variables of the Jacobian's kernel.
pub(crate) fn kernel(matrices: &LabelledMatrices, assignment: &[Fr], fixed: &[usize]) -> Vec<usize> {
    assert_eq!(matrices.first_unsatisfied(assignment), None);
    let mut elimination = Elimination::new(assignment.len());
    elimination.fix(0);
    fixed.iter().for_each(|variable| elimination.fix(*variable));
    let value = |row: &[(Fr, usize)]| {
        row.iter()
            .map(|(c, variable)| *c * assignment[*variable])
            .sum::<Fr>()
    };
    for row in 0..matrices.num_constraints() {
        let (a, b, c) = (&matrices.a[row], &matrices.b[row], &matrices.c[row]);
        // d(a·b − c) = b·da + a·db − dc
        let mut derivative = Form::new();
        add(&mut derivative, &form(a), value(b));
        add(&mut derivative, &form(b), value(a));
        add(&mut derivative, &form(c), -Fr::ONE);
        elimination.equation(&derivative);
    }
    elimination.free()
}
