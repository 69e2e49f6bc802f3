//! A dishonest prover: executes whatever it is told, in field arithmetic, without asking any rule, and keeps all paths, roots
//! and public inputs consistent with what it did. A circuit that lacked the attacked rule would accept its witness.

use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use quittance_circuits::batch::witness::BatchWitness;
use quittance_circuits::circuit::assign_witness;
use quittance_circuits::hash::{FieldHasher, RulesHasher};
use quittance_circuits::leaf::constraints::LeafWitness;
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::fee::constraints::FeeWitness;
use quittance_circuits::tx::transfer::SignedTransfer;
use quittance_circuits::tx::transfer::constraints::TransferWitness;
use quittance_verifier::{challenge, evaluate};
use std::collections::BTreeSet;

pub(crate) const PLACES: usize = 16;

/// Execution without rules.
#[derive(Clone)]
pub(crate) struct Forger {
    /// Leaves by place; an empty place is [`LeafWitness::EMPTY`] and hashes to 0.
    pub(crate) leaves: [LeafWitness; PLACES],
    pub(crate) witness: BatchWitness,
    transfers: usize,
    fees: usize,
    /// Amounts credited to the fee slots so far.
    credited: [Fr; 2],
}

impl Forger {
    /// Starts from the accounts of [`World::new`].
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// Starts from those accounts after a change.
    pub(crate) fn with(change: impl FnOnce(&mut [LeafWitness; PLACES])) -> Self {
        let mut leaves = [LeafWitness::EMPTY; PLACES];
        for (index, place) in (0u32..12).zip(leaves.iter_mut()) {
            *place = (&leaf(index, START, 0, if index < 8 { 1 } else { 2 })).into();
        }
        change(&mut leaves);
        Self::of(leaves)
    }

    pub(crate) fn of(leaves: [LeafWitness; PLACES]) -> Self {
        let mut witness = BatchWitness::padding(&SMALL);
        witness.rollup_id = rollup_id();
        witness.batch_number = Fr::from(BATCH);
        for transfer in &mut witness.transfers {
            transfer.valid_until = witness.batch_number;
        }
        let mut forger = Self {
            leaves,
            witness,
            transfers: 0,
            fees: 0,
            credited: [Fr::ZERO; 2],
        };
        forger.witness.old_root = forger.root();
        forger.witness.new_root = forger.root();
        forger
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

    /// Declares the fee slots; their credits happen in [`finish`](Self::finish).
    pub(crate) fn fee_slots(&mut self, slots: &[FeeSlot]) -> &mut Self {
        for (slot, fee) in slots.iter().zip(&mut self.witness.fees) {
            fee.enabled = Fr::ONE;
            fee.leaf = Fr::from(slot.leaf.get());
            fee.token = Fr::from(slot.token.get());
        }
        self.fees = slots.len();
        self
    }

    /// Executes a transfer as it is.
    pub(crate) fn transfer(&mut self, signed: &SignedTransfer) -> &mut Self {
        self.forge(signed, |_| {})
    }

    /// Executes a transfer as it is; at an index beyond the tree it reads padding, where no leaf can be missing.
    pub(crate) fn transfer_as_read(&mut self, signed: &SignedTransfer) -> &mut Self {
        let beyond = |index: Fr| low(index) >= 16;
        self.forge_with(
            signed,
            |w| {
                if beyond(w.from) {
                    w.sender = LeafWitness {
                        nonce: w.nonce,
                        ..LeafWitness::PADDING
                    };
                }
            },
            |w| {
                if beyond(w.to) {
                    w.recipient = LeafWitness {
                        token: w.sender.token,
                        ..LeafWitness::PADDING
                    };
                }
            },
        )
    }

    /// Credits the fee slots; beyond the tree as [`transfer_as_read`](Self::transfer_as_read).
    pub(crate) fn finish_as_read(&mut self) -> &mut Self {
        self.finish_with(|fee| {
            if low(fee.leaf) >= 16 {
                fee.account = LeafWitness {
                    token: fee.token,
                    ..LeafWitness::PADDING
                };
            }
        })
    }

    /// Executes a transfer after a change to what its slot is told.
    pub(crate) fn forge(
        &mut self,
        signed: &SignedTransfer,
        change: impl FnOnce(&mut TransferWitness),
    ) -> &mut Self {
        self.forge_with(signed, change, |_| {})
    }

    /// As [`forge`](Self::forge), with a second change, to what the slot is told about the recipient.
    pub(crate) fn forge_with(
        &mut self,
        signed: &SignedTransfer,
        change: impl FnOnce(&mut TransferWitness),
        change_recipient: impl FnOnce(&mut TransferWitness),
    ) -> &mut Self {
        let SignedTransfer { transfer, signature } = signed;
        let token = self.leaves[place(Fr::from(transfer.from.get()))].token;
        let chosen = self.witness.fees[..self.fees]
            .iter()
            .position(|fee| fee.token == token);
        let mut w = TransferWitness {
            enabled: Fr::ONE,
            from: Fr::from(transfer.from.get()),
            to: Fr::from(transfer.to.get()),
            amount: Fr::from(transfer.amount.get()),
            fee: Fr::from(transfer.fee.get()),
            nonce: Fr::from(transfer.nonce.get()),
            valid_until: Fr::from(transfer.valid_until.get()),
            sender: self.seen(Fr::from(transfer.from.get())),
            sender_path: Vec::new(),
            recipient: LeafWitness::EMPTY,
            recipient_path: Vec::new(),
            r8: [signature.r8.x, signature.r8.y],
            s: signature.s,
            selectors: (0..2).map(|slot| Fr::from(Some(slot) == chosen)).collect(),
        };
        change(&mut w);
        let fee = transfer.fee.value();
        let amount = transfer.amount.value();
        let (from, to) = (place(w.from), place(w.to));
        w.sender_path = self.path(from);
        if w.enabled == Fr::ZERO {
            w.sender_path = vec![[Fr::ZERO; 3]; 2];
            w.recipient_path = vec![[Fr::ZERO; 3]; 2];
            w.recipient = LeafWitness::PADDING;
            change_recipient(&mut w);
        } else {
            let before = self.root();
            self.leaves[from] = LeafWitness {
                balance: w.sender.balance - amount - fee,
                nonce: w.sender.nonce + Fr::ONE,
                ..w.sender
            };
            w.recipient = self.seen(w.to);
            w.recipient_path = self.path(to);
            change_recipient(&mut w);
            self.leaves[to] = LeafWitness {
                balance: w.recipient.balance + amount,
                ..w.recipient
            };
            let after = self.root();
            self.witness.new_root += w.enabled * (after - before);
        }
        for (credited, selector) in self.credited.iter_mut().zip(&w.selectors) {
            *credited += *selector * fee;
        }
        self.witness.transfers[self.transfers] = w;
        self.transfers += 1;
        self
    }

    /// Credits the fee slots.
    pub(crate) fn finish(&mut self) -> &mut Self {
        self.finish_with(|_| {})
    }

    /// Credits the fee slots after a change to what they are told.
    pub(crate) fn finish_with(&mut self, change: impl Fn(&mut FeeWitness)) -> &mut Self {
        for slot in 0..self.fees {
            let mut w = self.witness.fees[slot].clone();
            w.account = self.seen(w.leaf);
            w.path = self.path(place(w.leaf));
            change(&mut w);
            if w.enabled == Fr::ONE {
                let before = self.root();
                self.leaves[place(w.leaf)] = LeafWitness {
                    balance: w.account.balance + self.credited[slot],
                    ..w.account
                };
                self.witness.new_root += self.root() - before;
            }
            self.witness.fees[slot] = w;
        }
        self
    }

    /// What is read at the place of an index.
    fn seen(&self, index: Fr) -> LeafWitness {
        self.leaves[place(index)]
    }

    /// The statement's elements, as the circuit makes them of its variables.
    pub(crate) fn elements(&self) -> Vec<Fr> {
        let shift = |bits: u64| Fr::from(2u64).pow([bits]);
        let w = &self.witness;
        let counts = w.transfers.iter().map(|t| t.enabled).sum::<Fr>() * shift(64)
            + w.fees.iter().map(|f| f.enabled).sum::<Fr>() * shift(160);
        let mut elements = vec![w.rollup_id, w.batch_number, w.old_root, w.new_root, counts];
        for (fee, amount) in w.fees.iter().zip(self.credited) {
            elements.push(fee.leaf * shift(160) + fee.token * shift(128) + amount);
        }
        let word = |t: &TransferWitness| t.from * shift(88) + t.to * shift(56) + t.amount * shift(16) + t.fee;
        for pair in w.transfers.chunks(2) {
            elements.push(word(&pair[0]) * shift(120) + pair.get(1).map_or(Fr::ZERO, word));
        }
        elements
    }

    /// The full assignment, with the public inputs of the statement that the witness makes.
    pub(crate) fn assignment(&self) -> Vec<Fr> {
        let elements = self.elements();
        let h = RulesHasher::statement(&elements);
        let z = challenge(&KEY_ID, &h, &elements);
        assign_witness(&SMALL, &[h, z, evaluate(&elements, &z)], &self.witness)
    }

    /// Names of all rules that reject the witness, as `section[slot].rule`.
    pub(crate) fn broken_rules(&self) -> BTreeSet<String> {
        broken_rules(&self.assignment())
    }

    /// Asserts that exactly this rule rejects the witness: without its rows, the attack would succeed.
    #[track_caller]
    pub(crate) fn assert_only(&self, rule: &str) {
        assert_eq!(self.broken_rules(), BTreeSet::from([rule.to_owned()]));
    }

    /// Asserts that the first row which rejects the witness belongs to this rule.
    #[track_caller]
    pub(crate) fn assert_first(&self, rule: &str) {
        let label = SMALL_CIRCUIT.first_broken_rule(&self.assignment());
        assert_eq!(label.map(|label| label.to_string()).as_deref(), Some(rule));
    }

    #[track_caller]
    pub(crate) fn assert_accepted(&self) {
        assert_eq!(self.broken_rules(), BTreeSet::new());
    }
}

/// Names of all rules that reject an assignment.
pub(crate) fn broken_rules(assignment: &[Fr]) -> BTreeSet<String> {
    (0..SMALL_CIRCUIT.num_constraints())
        .filter(|row| !SMALL_CIRCUIT.is_row_satisfied(*row, assignment))
        .map(|row| {
            SMALL_CIRCUIT
                .label(row)
                .map_or_else(String::new, |label| label.to_string())
        })
        .collect()
}

/// Place of an index in a tree of 16: its low four bits.
pub(crate) fn place(index: Fr) -> usize {
    usize::try_from(low(index) % 16).unwrap()
}

fn hash(leaf: &LeafWitness) -> Fr {
    let shift = |bits: u64| Fr::from(2u64).pow([bits]);
    let packed = leaf.balance * shift(64) + leaf.nonce * shift(32) + leaf.token;
    RulesHasher::leaf(&[leaf.key[0], leaf.key[1], packed, leaf.owner])
}
