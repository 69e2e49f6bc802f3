//! Transfers without rules.

use super::{Forger, place};
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use quittance_circuits::leaf::constraints::LeafWitness;
use quittance_circuits::tx::transfer::SignedTransfer;
use quittance_circuits::tx::transfer::constraints::TransferWitness;

impl Forger {
    /// Executes a transfer as it is.
    pub(crate) fn transfer(self, signed: &SignedTransfer) -> Self {
        self.transfer_told(signed, |_| {})
    }

    /// Executes a transfer after a change to what its slot is told.
    pub(crate) fn transfer_told(
        self,
        signed: &SignedTransfer,
        change: impl FnOnce(&mut TransferWitness),
    ) -> Self {
        self.transfer_with(signed, change, |_| {})
    }

    /// Executes a transfer after a change to what its slot is told about the recipient, once it is read.
    pub(crate) fn transfer_to(
        self,
        signed: &SignedTransfer,
        change: impl FnOnce(&mut TransferWitness),
    ) -> Self {
        self.transfer_with(signed, |_| {}, change)
    }

    /// Executes a transfer as it is; at an index beyond the tree it reads padding, where no leaf can be missing.
    pub(crate) fn transfer_as_read(self, signed: &SignedTransfer) -> Self {
        let beyond = |index: Fr| low(index) >= 16;
        self.transfer_with(
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

    pub(crate) fn transfer_with(
        mut self,
        signed: &SignedTransfer,
        change: impl FnOnce(&mut TransferWitness),
        change_recipient: impl FnOnce(&mut TransferWitness),
    ) -> Self {
        let SignedTransfer { transfer, signature } = signed;
        let [from, to] = [transfer.from, transfer.to].map(|index| Fr::from(index.get()));
        let mut w = TransferWitness {
            enabled: Fr::ONE,
            from,
            to,
            amount: Fr::from(transfer.amount.get()),
            fee: Fr::from(transfer.fee.get()),
            nonce: Fr::from(transfer.nonce.get()),
            valid_until: Fr::from(transfer.valid_until.get()),
            sender: self.seen(from),
            sender_path: Vec::new(),
            recipient: LeafWitness::EMPTY,
            recipient_path: Vec::new(),
            r8: [signature.r8.x, signature.r8.y],
            s: signature.s,
            selectors: self.selectors(self.seen(from).token),
        };
        change(&mut w);
        let (amount, fee) = (transfer.amount.value(), transfer.fee.value());
        if w.enabled == Fr::ZERO {
            w.sender_path = vec![[Fr::ZERO; 3]; 2];
            w.recipient_path = vec![[Fr::ZERO; 3]; 2];
            w.recipient = LeafWitness::PADDING;
            change_recipient(&mut w);
        } else {
            w.sender_path = self.path(place(w.from));
            let sender = LeafWitness {
                balance: w.sender.balance - amount - fee,
                nonce: w.sender.nonce + Fr::ONE,
                ..w.sender
            };
            self.write(w.enabled, w.from, sender);
            w.recipient = self.seen(w.to);
            w.recipient_path = self.path(place(w.to));
            change_recipient(&mut w);
            let recipient = LeafWitness {
                balance: w.recipient.balance + amount,
                ..w.recipient
            };
            self.write(w.enabled, w.to, recipient);
        }
        self.credit(&w.selectors, fee);
        self.witness.transfers[self.transfers] = w;
        self.transfers += 1;
        self
    }
}
