//! Fee slots without rules.

use super::{Forger, place};
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use quittance_circuits::leaf::constraints::LeafWitness;
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::fee::constraints::FeeWitness;

impl Forger {
    /// Declares the fee slots, by leaf and token; their credits happen in [`finish`](Self::finish).
    pub(crate) fn fee_slots(mut self, slots: &[FeeSlot]) -> Self {
        for (slot, fee) in slots.iter().zip(&mut self.witness.fees) {
            fee.enabled = Fr::ONE;
            fee.leaf = Fr::from(slot.leaf.get());
            fee.token = Fr::from(slot.token.get());
        }
        self.fees = slots.len();
        self
    }

    /// Credits the fee slots.
    pub(crate) fn finish(self) -> Self {
        self.finish_with(|_| {})
    }

    /// Credits the fee slots; beyond the tree as [`signed_as_read`](Self::signed_as_read).
    pub(crate) fn finish_as_read(self) -> Self {
        self.finish_with(|fee| {
            if low(fee.leaf) >= 16 {
                fee.account = LeafWitness {
                    token: fee.token,
                    ..LeafWitness::PADDING
                };
            }
        })
    }

    /// Credits the fee slots after a change to what they are told.
    pub(crate) fn finish_with(self, change: impl Fn(&mut FeeWitness)) -> Self {
        (0..self.fees).fold(self, |forger, slot| forger.finish_slot(slot, &change))
    }

    /// Credits one fee slot after a change to what it is told.
    pub(crate) fn finish_slot(mut self, slot: usize, change: impl Fn(&mut FeeWitness)) -> Self {
        let mut w = self.witness.fees[slot].clone();
        w.account = self.seen(w.leaf);
        w.path = self.path(place(w.leaf));
        change(&mut w);
        if w.enabled != Fr::ZERO {
            let credited = LeafWitness {
                balance: w.account.balance + self.credited[slot],
                ..w.account
            };
            self.write(Fr::ONE, w.leaf, credited);
        }
        self.witness.fees[slot] = w;
        self
    }
}
