//! A dishonest prover: executes whatever it is told, in field arithmetic, without asking any rule, and keeps all paths, roots
//! and public inputs consistent with what it did. A circuit that lacked the attacked rule would accept its witness.

mod fee;
mod statement;
mod transfer;

use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use quittance_circuits::batch::witness::BatchWitness;
use quittance_circuits::hash::{FieldHasher, RulesHasher};
use quittance_circuits::leaf::constraints::LeafWitness;

pub(crate) const PLACES: usize = 16;

/// Execution without rules. Operations are executed in the order of the calls, which has to be that of the sections.
#[derive(Clone)]
pub(crate) struct Forger {
    /// Leaves by place; an empty place is [`LeafWitness::EMPTY`] and hashes to 0.
    pub(crate) leaves: [LeafWitness; PLACES],
    pub(crate) witness: BatchWitness,
    transfers: usize,
    fees: usize,
    /// Amounts credited to the fee slots so far.
    pub(crate) credited: [Fr; 2],
}

impl Forger {
    /// Starts from the accounts of [`World::new`].
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// Starts from those accounts after a change.
    pub(crate) fn with(change: impl FnOnce(&mut [LeafWitness; PLACES])) -> Self {
        let mut leaves = [LeafWitness::EMPTY; PLACES];
        for (index, leaf) in World::new().state.leaves() {
            leaves[place(Fr::from(index.get()))] = leaf.into();
        }
        change(&mut leaves);
        Self::of(leaves)
    }

    pub(crate) fn of(leaves: [LeafWitness; PLACES]) -> Self {
        let mut witness = BatchWitness::padding(&SMALL);
        witness.rollup_id = rollup_id();
        let mut forger = Self {
            leaves,
            witness,
            transfers: 0,
            fees: 0,
            credited: [Fr::ZERO; 2],
        };
        forger.witness.old_root = forger.root();
        forger.witness.new_root = forger.root();
        forger.in_batch(Fr::from(BATCH))
    }

    /// Before any operation: the batch has another number.
    pub(crate) fn in_batch(mut self, number: Fr) -> Self {
        self.witness.batch_number = number;
        for transfer in &mut self.witness.transfers {
            transfer.valid_until = number;
        }
        self
    }

    pub(crate) fn root(&self) -> Fr {
        RulesHasher::node(&self.upper())
    }

    fn hashes(&self) -> [Fr; PLACES] {
        self.leaves.map(|leaf| {
            if leaf == LeafWitness::EMPTY {
                Fr::ZERO
            } else {
                hash(&leaf)
            }
        })
    }

    fn upper(&self) -> [Fr; 4] {
        let hashes = self.hashes();
        core::array::from_fn(|i| RulesHasher::node(&core::array::from_fn(|j| hashes[4 * i + j])))
    }

    pub(crate) fn path(&self, place: usize) -> Vec<[Fr; 3]> {
        let hashes = self.hashes();
        let others = |row: [Fr; 4], position: usize| {
            let mut rest = (0..4).filter(|i| *i != position).map(|i| row[i]);
            core::array::from_fn(|_| rest.next().unwrap())
        };
        let bottom = core::array::from_fn(|j| hashes[place / 4 * 4 + j]);
        vec![others(bottom, place % 4), others(self.upper(), place / 4)]
    }

    /// What is read at the place of an index.
    fn seen(&self, index: Fr) -> LeafWitness {
        self.leaves[place(index)]
    }

    /// Writes a leaf, and lets the batch's last root follow if the slot is enabled (by as much as it is).
    fn write(&mut self, enabled: Fr, index: Fr, leaf: LeafWitness) {
        if enabled != Fr::ZERO {
            let before = self.root();
            self.leaves[place(index)] = leaf;
            self.witness.new_root += enabled * (self.root() - before);
        }
    }

    /// One selector for each fee slot: the first declared one of this token.
    fn selectors(&self, token: Fr) -> Vec<Fr> {
        let chosen = self.witness.fees[..self.fees]
            .iter()
            .position(|fee| fee.token == token);
        (0..2).map(|slot| Fr::from(Some(slot) == chosen)).collect()
    }

    fn credit(&mut self, selectors: &[Fr], fee: Fr) {
        for (credited, selector) in self.credited.iter_mut().zip(selectors) {
            *credited += *selector * fee;
        }
    }
}

/// Place of an index in a tree of 16: its low four bits.
pub(crate) fn place(index: Fr) -> usize {
    usize::try_from(low(index) % 16).unwrap()
}

/// 2^bits.
pub(crate) fn two_to(bits: u64) -> Fr {
    Fr::from(2u64).pow([bits])
}

fn hash(leaf: &LeafWitness) -> Fr {
    let packed = leaf.balance * two_to(64) + leaf.nonce * two_to(32) + leaf.token;
    RulesHasher::leaf(&[leaf.key[0], leaf.key[1], packed, leaf.owner])
}
