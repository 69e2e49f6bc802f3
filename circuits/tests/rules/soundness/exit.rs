//! The exit circuit for all directions at once. Its attacks, rule by rule, stand beside it in `src/exit/tests.rs`.

use crate::elimination::derivatives;
use crate::support::*;
use quittance_circuits::exit::{self, Exit};
use quittance_circuits::types::AccountIndex;

/// As many directions are free as a path and a leaf leave open, and no more than variables exceed rows: the rows are independent, so
/// that without any one of them, something else could move.
#[test]
fn s17_an_exit_leaves_only_what_nobody_reads_and_needs_every_row() {
    let world = World::new();
    let levels = SMALL.levels;
    let exit = Exit::read(&world.state, [0; 32], AccountIndex(1)).unwrap();
    let circuit = exit::circuit(levels);
    let values = exit::assign(&KEY_ID, &exit).unwrap();
    assert_eq!(circuit.first_unsatisfied(&values), None);
    let free = derivatives(&circuit, &values, &[1, 2, 3]).free().len();
    // Siblings, the key's coordinates, owner, rollup and root; less h, y and the end of the path. What has a range is rigid.
    let siblings = 3 * usize::from(levels);
    assert_eq!(free, siblings + 2 + 1 + 2 - (2 + 1));
    assert_eq!(free, circuit.num_witness - circuit.num_constraints());
}
