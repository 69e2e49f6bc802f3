//! Emergency exits: one leaf under one state root, for a root chain that pays owners after the operator is gone.
//!
//! An exit needs no operator and no key of an account: whoever knows the state, which the published facts of all batches give
//! ([`crate::replay`]), proves any leaf of it. The statement names rollup, root, leaf, token, balance and owner
//! ([`quittance_verifier::ExitFacts`]); the contract pays the owner, once for each leaf, under the last root it holds.

pub mod constraints;

use ark_bn254::Fr;
use quittance_verifier::{ExitFacts, KeyId, StatementError, exit_elements, exit_public_inputs};
use thiserror::Error;

use crate::circuit::NUM_INSTANCE;
use crate::hash::constraints::PoseidonGadget;
use crate::hash::{FieldHasher, RulesHasher};
use crate::leaf::Leaf;
use crate::r1cs::{Assignment, LabelledMatrices, Structure};
use crate::state::{Overlay, StateError, StateReader};
use crate::tree::{Levels, Path};
use crate::types::AccountIndex;
use constraints::{ExitWitness, enforce_exit};

/// A leaf with its path, read from a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The rollup, big-endian, below 2^248.
    pub rollup_id: [u8; 32],
    /// The state's root.
    pub root: Fr,
    /// The leaf's index.
    pub index: AccountIndex,
    /// The leaf.
    pub leaf: Leaf,
    /// Its path.
    pub path: Path,
}

/// Why there is no exit for a leaf.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExitError {
    /// `account_in_range`: the tree has no such place.
    #[error("account_in_range: account {index} is outside a tree of {capacity} places")]
    AccountInRange {
        /// The index.
        index: AccountIndex,
        /// Places in the tree.
        capacity: u64,
    },
    /// `account_exists`: nobody owns this place.
    #[error("account_exists: account {index} does not exist")]
    AccountExists {
        /// The index.
        index: AccountIndex,
    },
    /// The state could not be read.
    #[error("state could not be read")]
    State(#[from] StateError),
}

impl Exit {
    /// Reads the leaf at `index` and its path.
    pub fn read<R: StateReader + ?Sized>(
        state: &R,
        rollup_id: [u8; 32],
        index: AccountIndex,
    ) -> Result<Self, ExitError> {
        let capacity = Levels::new(state.levels())?.width(0);
        if u64::from(index.get()) >= capacity {
            return Err(ExitError::AccountInRange { index, capacity });
        }
        let state = Overlay::new(state)?;
        Ok(Self {
            rollup_id,
            root: state.root(),
            index,
            leaf: state.leaf(index)?.ok_or(ExitError::AccountExists { index })?,
            path: state.path(index)?,
        })
    }

    /// What the exit states.
    #[must_use]
    pub fn facts(&self) -> ExitFacts {
        ExitFacts {
            rollup_id: self.rollup_id,
            root: self.root,
            leaf: self.index.get(),
            token: self.leaf.token,
            balance: self.leaf.balance,
            owner: self.leaf.owner().get(),
        }
    }
}

/// The statement's hash h of an exit.
pub fn statement_hash(facts: &ExitFacts) -> Result<Fr, StatementError> {
    Ok(RulesHasher::statement(&exit_elements(facts)?))
}

/// The matrices of the exit circuit for a tree of 1 to 16 levels.
#[must_use]
pub fn circuit(levels: u8) -> LabelledMatrices {
    let mut structure = Structure::new(NUM_INSTANCE);
    enforce_exit::<_, PoseidonGadget>(&mut structure, &ExitWitness::padding(usize::from(levels)));
    structure.into_matrices()
}

/// The full assignment of an exit under one verifying key: 1, h, z, y, witness.
pub fn assign(key_id: &KeyId, exit: &Exit) -> Result<Vec<Fr>, StatementError> {
    let facts = exit.facts();
    let inputs = exit_public_inputs(key_id, &facts, &statement_hash(&facts)?)?;
    Ok(assign_witness(&inputs, &ExitWitness::new(exit)))
}

/// The full assignment for given hints, valid or not. Attacks start here.
#[must_use]
pub fn assign_witness(public_inputs: &[Fr; 3], witness: &ExitWitness) -> Vec<Fr> {
    let mut assignment = Assignment::new(public_inputs);
    enforce_exit::<_, PoseidonGadget>(&mut assignment, witness);
    assignment.into_values()
}

/// Constraints of the exit circuit for a tree of these levels, by formula.
#[must_use]
pub fn predicted_constraints(levels: u8) -> u64 {
    let levels = u64::from(levels);
    let ranges = 2 * levels + 32 + 32 + 128;
    let exists = 1;
    let path = LEAF + levels * NODE + 1;
    let hash = 3 * ELEMENTS + 3 * (7 * 17 + 68) + 1;
    let evaluation = ELEMENTS - 1;
    ranges + exists + path + hash + evaluation
}

/// Elements of the statement.
const ELEMENTS: u64 = 4;
/// S-boxes of owner and packed word, one permutation; the key's are hinted.
const LEAF: u64 = 2 * 3 + 3 * (7 * 5 + 60);
/// One S-box, four rows of selection, one permutation.
const NODE: u64 = 3 + 4 + 3 * (7 * 5 + 60);

#[cfg(test)]
mod tests;
