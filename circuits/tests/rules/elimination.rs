//! Linear algebra over the scalar field, sparse, for questions about circuits as such.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use quittance_circuits::r1cs::LabelledMatrices;
use std::collections::{BTreeMap, BTreeSet};

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

/// Gaussian elimination of homogeneous equations, one at a time. Each equation is solved for its newest variable that no earlier
/// one has been solved for: in a circuit that is mostly the variable which the row defines, and nothing needs to be reduced.
pub(crate) struct Elimination {
    variables: Vec<Variable>,
    solved: Vec<Solved>,
    /// For each equation that follows from others: which, by the solved equations.
    dependent: Vec<Steps>,
    equations: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Variable {
    Free,
    /// Held at its value: a constant as far as directions go.
    Fixed,
    SolvedBy(usize),
}

/// `variable + Σ rest = 0`, made of an equation as `scale · (equation − Σ steps)`.
struct Solved {
    rest: Vec<(usize, Fr)>,
    scale: Fr,
    made_of: Steps,
}

/// An equation by its number, less multiples of solved equations.
struct Steps {
    equation: usize,
    subtracted: Vec<(usize, Fr)>,
}

impl Elimination {
    pub(crate) fn new(variables: usize) -> Self {
        Self {
            variables: vec![Variable::Free; variables],
            solved: Vec::new(),
            dependent: Vec::new(),
            equations: 0,
        }
    }

    /// Sets a variable to zero.
    pub(crate) fn fix(&mut self, variable: usize) {
        self.variables[variable] = Variable::Fixed;
    }

    /// Adds the equation `form = 0`; false if it follows from the others.
    pub(crate) fn equation(&mut self, form: &Form) -> bool {
        let equation = self.equations;
        self.equations += 1;
        let mut subtracted = Vec::new();
        let mut left = form.clone();
        while let Some((newest, coefficient)) = left.pop_last() {
            match self.variables[newest] {
                Variable::Fixed => {}
                Variable::SolvedBy(index) => {
                    for (variable, factor) in &self.solved[index].rest {
                        let entry = left.entry(*variable).or_insert(Fr::ZERO);
                        *entry -= coefficient * factor;
                        if *entry == Fr::ZERO {
                            left.remove(variable);
                        }
                    }
                    subtracted.push((index, coefficient));
                }
                Variable::Free => {
                    let scale = coefficient.inverse().unwrap();
                    self.variables[newest] = Variable::SolvedBy(self.solved.len());
                    self.solved.push(Solved {
                        rest: left
                            .into_iter()
                            .map(|(variable, c)| (variable, c * scale))
                            .collect(),
                        scale,
                        made_of: Steps { equation, subtracted },
                    });
                    return true;
                }
            }
        }
        self.dependent.push(Steps { equation, subtracted });
        false
    }

    /// Variables that no equation determines.
    pub(crate) fn free(&self) -> Vec<usize> {
        (0..self.variables.len())
            .filter(|variable| self.variables[*variable] == Variable::Free)
            .collect()
    }

    /// The equations, by the order in which they came, that follow from the others: without any one of them the rest determines
    /// as much. They are those that some vanishing combination of equations mentions. One such combination with random
    /// coefficients mentions them all, but for a chance of about one in the size of the field.
    pub(crate) fn redundant(&self) -> BTreeSet<usize> {
        let mut random = Fr::from(0x0dd_ba11u64);
        let mut combination = vec![Fr::ZERO; self.equations];
        let mut of_solved = vec![Fr::ZERO; self.solved.len()];
        let expand = |steps: &Steps, weight: Fr, combination: &mut Vec<Fr>, of_solved: &mut Vec<Fr>| {
            combination[steps.equation] += weight;
            for (index, coefficient) in &steps.subtracted {
                of_solved[*index] -= weight * coefficient;
            }
        };
        for steps in &self.dependent {
            random = random.square() + Fr::from(0x5eedu64);
            expand(steps, random, &mut combination, &mut of_solved);
        }
        for (index, solved) in self.solved.iter().enumerate().rev() {
            let weight = of_solved[index] * solved.scale;
            if weight != Fr::ZERO {
                expand(&solved.made_of, weight, &mut combination, &mut of_solved);
            }
        }
        (0..self.equations)
            .filter(|equation| combination[*equation] != Fr::ZERO)
            .collect()
    }
}

/// The rows' derivatives at a satisfied assignment, eliminated, with the variables `fixed` held. What is free then are directions in
/// which the assignment can be moved while all rows stay satisfied to first order: the kernel of the Jacobian.
pub(crate) fn derivatives(matrices: &LabelledMatrices, assignment: &[Fr], fixed: &[usize]) -> Elimination {
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
    elimination
}

#[test]
fn redundant_equations_are_those_that_others_imply() {
    // x + y = 0, y + z = 0, x − z = 0 (of which each follows from the other two), w = 0, 2w = 0 and u + x = 0.
    let mut elimination = Elimination::new(6);
    let [x, y, z, w, u] = [1, 2, 3, 4, 5];
    let forms: [&[(usize, i64)]; 6] = [
        &[(x, 1), (y, 1)],
        &[(y, 1), (z, 1)],
        &[(x, 1), (z, -1)],
        &[(w, 1)],
        &[(w, 2)],
        &[(u, 1), (x, 1)],
    ];
    let new: Vec<bool> = forms
        .iter()
        .map(|form| elimination.equation(&form.iter().map(|(v, c)| (*v, Fr::from(*c))).collect()))
        .collect();
    assert_eq!(new, [true, true, false, true, false, true]);
    assert_eq!(elimination.redundant(), BTreeSet::from([0, 1, 2, 3, 4]));
    assert_eq!(elimination.free(), [0, x]);
}
