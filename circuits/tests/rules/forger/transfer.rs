//! Transfers without rules.

use super::{Forger, place};
use ark_bn254::Fr;
use ark_ff::AdditiveGroup;
use quittance_circuits::leaf::constraints::LeafWitness;
use quittance_circuits::tx::SignedTransfer;
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

    pub(crate) fn transfer_with(
        mut self,
        signed: &SignedTransfer,
        change: impl FnOnce(&mut TransferWitness),
        change_recipient: impl FnOnce(&mut TransferWitness),
    ) -> Self {
        let transfer = &signed.transfer;
        let mut w = TransferWitness {
            signer: self.signer(&(*signed).into()),
            to: Fr::from(transfer.to.get()),
            amount: Fr::from(transfer.amount.get()),
            recipient: LeafWitness::PADDING,
            recipient_path: vec![[Fr::ZERO; 3]; 2],
        };
        change(&mut w);
        let amount = Fr::from(transfer.amount.value());
        self.spend(&mut w.signer, amount, Fr::from(transfer.fee.value()), None);
        if w.signer.enabled == Fr::ZERO {
            change_recipient(&mut w);
        } else {
            w.recipient = self.seen(w.to);
            w.recipient_path = self.path(place(w.to));
            change_recipient(&mut w);
            let recipient = LeafWitness {
                balance: w.recipient.balance + amount,
                ..w.recipient
            };
            self.write(w.signer.enabled, w.to, recipient);
        }
        self.witness.transfers[self.transfers] = w;
        self.transfers += 1;
        self
    }
}
