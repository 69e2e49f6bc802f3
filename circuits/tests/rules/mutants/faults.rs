//! The sweep, carried on: one variable holds another value, and all that the circuit computes of it follows.
//!
//! A change of one variable alone is mostly noticed twice, by the row that defines the variable and by the next that reads it. Here what
//! reads it is computed anew, row by row, so that the change is noticed by the one row that it belongs to, or further down, where
//! what was computed meets something that was not. Public inputs stay as they are.
//!
//! A variable follows if one row defines it alone. The rows of a hash's full round define several together; those stay, and notice.

use crate::soundness::sweep::rows_by_variable;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use quittance_circuits::r1cs::LabelledMatrices;
use rayon::prelude::*;
use std::collections::BTreeSet;

/// How values follow from each other.
pub(super) struct Faults<'a> {
    matrices: &'a LabelledMatrices,
    /// Rows that mention each variable, in order.
    rows: Vec<Vec<usize>>,
    /// The variable that a row defines, if it does: the first that no row before has mentioned, alone in one of a, b and c.
    defines: Vec<Option<usize>>,
}

impl<'a> Faults<'a> {
    pub(super) fn new(matrices: &'a LabelledMatrices) -> Self {
        let mut seen = vec![false; matrices.num_instance + matrices.num_witness];
        seen[..matrices.num_instance].fill(true);
        let defines = (0..matrices.num_constraints())
            .map(|row| {
                // The product first: of an inverse and a bit that a row has new, the bit is what it defines.
                let parts = [&matrices.c[row], &matrices.a[row], &matrices.b[row]];
                let new = |part: &[(Fr, usize)]| -> Vec<usize> {
                    let new = part.iter().map(|(_, variable)| *variable);
                    new.filter(|variable| !seen[*variable]).collect()
                };
                let news = parts.map(|part| new(part));
                let all: Vec<usize> = news.concat();
                let defined = news.iter().find_map(|new| match new[..] {
                    [variable] if all.iter().filter(|other| **other == variable).count() == 1 => {
                        Some(variable)
                    }
                    _ => None,
                });
                all.into_iter().for_each(|variable| seen[variable] = true);
                defined
            })
            .collect();
        Self {
            matrices,
            rows: rows_by_variable(matrices),
            defines,
        }
    }

    /// Which of these rows alone notice a fault in the variable that they define, at a satisfied assignment.
    pub(super) fn noticed(&self, honest: &[Fr], rows: &[usize]) -> Vec<usize> {
        rows.par_chunks(256)
            .flat_map_iter(|rows| {
                let mut values = honest.to_vec();
                let rows = rows.iter().copied();
                rows.filter(move |row| {
                    let variable = self.defines[*row];
                    variable.is_some_and(|variable| self.fault(&mut values, honest, variable) == Some(*row))
                })
            })
            .collect()
    }

    /// The one row that notices, if it is one. Leaves `values` as it was.
    fn fault(&self, values: &mut [Fr], honest: &[Fr], variable: usize) -> Option<usize> {
        let mut changed = vec![variable];
        values[variable] += Fr::ONE;
        let mut rows: BTreeSet<usize> = self.rows[variable].iter().copied().collect();
        let mut broken = None;
        let mut alone = true;
        while let Some(row) = rows.pop_first() {
            let defined = self.defines[row].filter(|defined| *defined != variable);
            if let Some(defined) = defined
                && let Some(value) = self.value(row, defined, values)
            {
                if value != values[defined] {
                    values[defined] = value;
                    changed.push(defined);
                    rows.extend(self.rows[defined].iter().filter(|later| **later > row));
                }
            } else if !self.matrices.is_row_satisfied(row, values) && broken.replace(row).is_some() {
                alone = false;
                break;
            }
        }
        for variable in changed {
            values[variable] = honest[variable];
        }
        broken.filter(|_| alone)
    }

    /// The value of a variable with which its row holds; none where a division by 0 would have to give it.
    fn value(&self, row: usize, variable: usize, values: &[Fr]) -> Option<Fr> {
        // The part's value without the variable, and the variable's coefficient.
        let split = |part: &[(Fr, usize)]| {
            part.iter()
                .fold((Fr::ZERO, Fr::ZERO), |(rest, own), (coefficient, other)| {
                    if *other == variable {
                        (rest, own + coefficient)
                    } else {
                        let value = values[*other];
                        let term = if *coefficient == Fr::ONE {
                            value
                        } else {
                            *coefficient * value
                        };
                        (rest + term, own)
                    }
                })
        };
        let (a, in_a) = split(&self.matrices.a[row]);
        let (b, in_b) = split(&self.matrices.b[row]);
        let (c, in_c) = split(&self.matrices.c[row]);
        // (a + in_a·x)·(b + in_b·x) = c + in_c·x, where one of the three coefficients is not 0.
        if in_c != Fr::ZERO {
            quotient(a * b - c, in_c)
        } else if in_a != Fr::ZERO {
            quotient(quotient(c, b)? - a, in_a)
        } else {
            quotient(quotient(c, a)? - b, in_b)
        }
    }
}

/// Mostly by 1, for which nothing has to be inverted.
fn quotient(numerator: Fr, denominator: Fr) -> Option<Fr> {
    if denominator == Fr::ONE {
        return Some(numerator);
    }
    Some(numerator * denominator.inverse()?)
}
