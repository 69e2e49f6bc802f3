//! The order of variables in a key: by class, so that every list of points holds no identity and needs no table of its own.
//!
//! Only what a column names has a point that counts: a variable that no row of A names has the identity in the A query, and
//! the same goes for B. Instance variables are always in A, because the reduction gives each a row. Within
//! this order a list is at most two ranges of positions:
//!
//! | class | variables | A | B | L |
//! |---|---|---|---|---|
//! | 1 | instance, named by B | × | × | |
//! | 2 | witness, named by A and B | × | × | × |
//! | 3 | witness, named by B only | | × | × |
//! | 4 | witness, named by A only | × | | × |
//! | 5 | instance, not named by B | × | | |
//! | 6 | witness, named by neither | | | × |

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::{MatrixName, R1cs};

/// Number of classes.
pub(crate) const CLASSES: usize = 6;
/// Terms or positions that one task looks at.
const PER_TASK: usize = 1 << 15;

/// Where the classes end: class k has the positions from the end before it (0 for the first) to its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Classes {
    ends: [usize; CLASSES],
}

impl Classes {
    /// Classes that end there; `None` if an end is before the one before it.
    pub(super) fn new(ends: [usize; CLASSES]) -> Option<Self> {
        ends.is_sorted().then_some(Self { ends })
    }

    /// Positions at which the classes end, the last the number of variables.
    pub(crate) fn ends(&self) -> [usize; CLASSES] {
        self.ends
    }

    /// Number of variables.
    pub(crate) fn variables(&self) -> usize {
        self.ends[5]
    }

    /// Number of instance variables.
    pub(crate) fn instance(&self) -> usize {
        self.ends[0] + (self.ends[4] - self.ends[3])
    }

    /// Positions of the A query, ascending.
    pub(crate) fn a(&self) -> [Range<usize>; 2] {
        [0..self.ends[1], self.ends[2]..self.ends[4]]
    }

    /// Positions of the B query, in G1 and in G2; the second range is empty.
    pub(crate) fn b(&self) -> [Range<usize>; 2] {
        [0..self.ends[2], self.ends[2]..self.ends[2]]
    }

    /// Positions of the L query, ascending: the witness.
    pub(crate) fn l(&self) -> [Range<usize>; 2] {
        [self.ends[0]..self.ends[3], self.ends[4]..self.ends[5]]
    }
}

/// Which variables the rows of A and of B name.
pub(super) struct Named {
    instance: usize,
    a: Vec<AtomicBool>,
    b: Vec<AtomicBool>,
}

impl Named {
    /// Looks at every term of A and B, on the current pool.
    pub(super) fn by(r1cs: &R1cs) -> Self {
        let named = |name| {
            let named: Vec<AtomicBool> = (0..r1cs.num_variables())
                .map(|_| AtomicBool::new(false))
                .collect();
            r1cs.terms(name).par_chunks(PER_TASK).for_each(|terms| {
                for &[column, _] in terms {
                    let named = &named[column as usize];
                    // The constant is named by half of the rows: written once, its cache line stays shared.
                    if !named.load(Ordering::Relaxed) {
                        named.store(true, Ordering::Relaxed);
                    }
                }
            });
            named
        };
        Self {
            instance: r1cs.num_instance(),
            a: named(MatrixName::A),
            b: named(MatrixName::B),
        }
    }

    /// The class of a variable, from 0.
    fn class(&self, variable: usize) -> usize {
        let is_named = |named: &[AtomicBool]| named[variable].load(Ordering::Relaxed);
        match (variable < self.instance, is_named(&self.a), is_named(&self.b)) {
            (true, _, true) => 0,
            (false, true, true) => 1,
            (false, false, true) => 2,
            (false, true, false) => 3,
            (true, _, false) => 4,
            (false, false, false) => 5,
        }
    }

    /// The classes, and the variable at each position: ascending within a class.
    pub(super) fn order(&self) -> (Classes, Vec<u32>) {
        let mut classes: [Vec<u32>; CLASSES] = std::array::from_fn(|_| Vec::new());
        for (variable, number) in (0..self.a.len()).zip(0..) {
            classes[self.class(variable)].push(number);
        }
        let mut end = 0;
        let ends = std::array::from_fn(|class| {
            end += classes[class].len();
            end
        });
        (Classes { ends }, classes.concat())
    }

    /// The first position whose variable is not the one that [`order`](Self::order) has there, or another one that is wrong
    /// because of it; `None` if `order` and `classes` are the matrices'.
    pub(super) fn first_misplaced(&self, classes: &Classes, order: &[u32]) -> Option<usize> {
        let variables = self.a.len();
        if classes.variables() != variables || order.len() != variables {
            return Some(order.len().min(variables));
        }
        // As many positions as variables, each variable in its class, ascending within it: one order only is like that.
        (0..CLASSES).find_map(|class| {
            let start = class.checked_sub(1).map_or(0, |before| classes.ends[before]);
            let part = &order[start..classes.ends[class]];
            let tasks = part.par_chunks(PER_TASK).enumerate();
            tasks.find_map_first(|(task, chunk)| {
                let first = task * PER_TASK;
                let mut before = first.checked_sub(1).map(|at| part[at]);
                let wrong = chunk.iter().position(|&variable| {
                    let ascending = before.is_none_or(|before| before < variable);
                    before = Some(variable);
                    let variable = variable as usize;
                    !ascending || variable >= variables || self.class(variable) != class
                });
                wrong.map(|offset| start + first + offset)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::random_circuit;

    #[test]
    fn lists_are_what_columns_name() {
        for seed in 0..20 {
            let (r1cs, _) = random_circuit(seed);
            let (classes, order) = Named::by(&r1cs).order();
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert!(
                sorted
                    .iter()
                    .copied()
                    .eq(0..u32::try_from(r1cs.num_variables()).unwrap())
            );
            assert_eq!(classes.instance(), 4);
            let names = |name, variable: u32| {
                let mut rows = 0..r1cs.num_constraints();
                rows.any(|row| r1cs.row(name, row).any(|(_, column)| column == variable as usize))
            };
            for (position, &variable) in order.iter().enumerate() {
                let is_in = |ranges: [Range<usize>; 2]| ranges.iter().any(|range| range.contains(&position));
                let instance = variable < 4;
                assert_eq!(is_in(classes.a()), instance || names(MatrixName::A, variable));
                assert_eq!(is_in(classes.b()), names(MatrixName::B, variable));
                assert_eq!(is_in(classes.l()), !instance);
            }
        }
    }

    #[test]
    fn any_other_order_is_found() {
        let (r1cs, _) = random_circuit(3);
        let named = Named::by(&r1cs);
        let (classes, order) = named.order();
        assert_eq!(named.first_misplaced(&classes, &order), None);
        for left in 0..order.len() {
            for right in left + 1..order.len() {
                let mut swapped = order.clone();
                swapped.swap(left, right);
                assert!(
                    named.first_misplaced(&classes, &swapped).is_some(),
                    "{left} {right}"
                );
            }
            for wrong in [order[(left + 1) % order.len()], u32::MAX] {
                let mut repeated = order.clone();
                repeated[left] = wrong;
                assert!(named.first_misplaced(&classes, &repeated).is_some(), "{left}");
            }
        }
        for class in 0..CLASSES {
            let mut ends = classes.ends();
            ends[class] += 1;
            let moved = Classes { ends };
            assert!(named.first_misplaced(&moved, &order).is_some(), "{class}");
        }
        assert!(named.first_misplaced(&classes, &order[1..]).is_some());
        assert_eq!(Classes::new([1, 2, 1, 2, 3, 4]), None);
    }
}
