//! A dishonest prover: executes whatever it is told, in field arithmetic, without asking any rule, and keeps all paths, roots
//! and public inputs consistent with what it did. A circuit that lacked the attacked rule would accept its witness.

mod fee;
mod opening;
mod priority;
mod rotation;
mod signer;
mod statement;
mod transfer;
mod withdrawal;

pub(crate) use statement::public_inputs_of;

use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, PrimeField};
use quittance_circuits::batch::witness::BatchWitness;
use quittance_circuits::hash::{FieldHasher, RulesHasher};
use quittance_circuits::leaf::constraints::LeafWitness;
use quittance_circuits::tx::sender::constraints::SignerWitness;

pub(crate) const PLACES: usize = 16;

/// Execution without rules. Operations are executed in the order of the calls, which has to be that of the sections.
#[derive(Clone)]
pub(crate) struct Forger {
    /// Leaves by place; an empty place is [`LeafWitness::EMPTY`] and hashes to 0.
    pub(crate) leaves: [LeafWitness; PLACES],
    pub(crate) witness: BatchWitness,
    /// Slots used so far.
    priority: usize,
    openings: usize,
    transfers: usize,
    withdrawals: usize,
    rotations: usize,
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
        witness.queue = Fr::from_be_bytes_mod_order(&QUEUE);
        let mut forger = Self {
            leaves,
            witness,
            priority: 0,
            openings: 0,
            transfers: 0,
            withdrawals: 0,
            rotations: 0,
            fees: 0,
            credited: [Fr::ZERO; 2],
        };
        forger.witness.old_root = forger.root();
        forger.witness.new_root = forger.root();
        forger.in_batch(Fr::from(BATCH))
    }

    /// Before any operation: the batch has another number.
    pub(crate) fn in_batch(mut self, number: Fr) -> Self {
        let w = &mut self.witness;
        w.batch_number = number;
        let openings = w.openings.iter_mut().map(|w| &mut w.signer);
        let transfers = w.transfers.iter_mut().map(|w| &mut w.signer);
        let withdrawals = w.withdrawals.iter_mut().map(|w| &mut w.signer);
        let rotations = w.rotations.iter_mut().map(|w| &mut w.signer);
        for signer in openings.chain(transfers).chain(withdrawals).chain(rotations) {
            signer.valid_until = number;
        }
        self
    }

    /// Leaves a slot as padding.
    pub(crate) fn padding(mut self, kind: Kind) -> Self {
        match kind {
            Kind::Opening => self.openings += 1,
            Kind::Transfer => self.transfers += 1,
            Kind::Withdrawal => self.withdrawals += 1,
            Kind::Rotation => self.rotations += 1,
        }
        self
    }

    /// What a slot of signed operations is told about its signer.
    pub(crate) fn signer_mut(&mut self, kind: Kind, slot: usize) -> &mut SignerWitness {
        let w = &mut self.witness;
        match kind {
            Kind::Opening => &mut w.openings[slot].signer,
            Kind::Transfer => &mut w.transfers[slot].signer,
            Kind::Withdrawal => &mut w.withdrawals[slot].signer,
            Kind::Rotation => &mut w.rotations[slot].signer,
        }
    }

    /// What all accounts hold together.
    pub(crate) fn total(&self) -> Fr {
        self.leaves.iter().map(|leaf| leaf.balance).sum()
    }

    pub(crate) fn root(&self) -> Fr {
        RulesHasher::node(&self.upper())
    }

    fn hashes(&self) -> [Fr; PLACES] {
        self.leaves.map(|leaf| hash(&leaf))
    }

    /// The node at a place of the leaves' level.
    fn hash_at(&self, index: Fr) -> Fr {
        hash(&self.seen(index))
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

/// A leaf's node; 0 for an empty place.
pub(crate) fn hash(leaf: &LeafWitness) -> Fr {
    if *leaf == LeafWitness::EMPTY {
        return Fr::ZERO;
    }
    let packed = leaf.balance * two_to(64) + leaf.nonce * two_to(32) + leaf.token;
    RulesHasher::leaf(&[leaf.key[0], leaf.key[1], packed, leaf.owner])
}
