//! What all signed operations share, without rules.

use super::{Forger, place};
use crate::support::low;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use quittance_circuits::batch::Operations;
use quittance_circuits::leaf::constraints::LeafWitness;
use quittance_circuits::tx::SignedOperation;
use quittance_circuits::tx::sender::constraints::SignerWitness;

impl Forger {
    /// Executes an operation as it is.
    pub(crate) fn signed(self, operation: &SignedOperation) -> Self {
        self.signed_told(operation, |_| {})
    }

    /// Executes a whole batch as it is, fee slots included.
    pub(crate) fn execute(self, operations: &Operations) -> Self {
        let Operations {
            priority,
            openings,
            transfers,
            withdrawals,
            rotations,
            fees,
        } = operations;
        let forger = self.fee_slots(fees);
        let forger = priority.iter().fold(forger, Self::priority);
        let forger = openings.iter().fold(forger, Self::opening);
        let forger = transfers.iter().fold(forger, Self::transfer);
        let forger = withdrawals.iter().fold(forger, Self::withdrawal);
        rotations.iter().fold(forger, Self::rotation).finish()
    }

    /// Executes an operation after a change to what its slot is told about the signer.
    pub(crate) fn signed_told(
        self,
        operation: &SignedOperation,
        change: impl FnOnce(&mut SignerWitness),
    ) -> Self {
        match operation {
            SignedOperation::Opening(signed) => self.opening_with(signed, |w| change(&mut w.signer), |_| {}),
            SignedOperation::Transfer(signed) => {
                self.transfer_with(signed, |w| change(&mut w.signer), |_| {})
            }
            SignedOperation::Withdrawal(signed) => self.withdrawal_with(signed, |w| change(&mut w.signer)),
            SignedOperation::Rotation(signed) => self.rotation_with(signed, |w| change(&mut w.signer)),
        }
    }

    /// Executes an operation as it is; at an index beyond the tree it reads padding, where no leaf can be missing.
    pub(crate) fn signed_as_read(self, operation: &SignedOperation) -> Self {
        let beyond = |index: Fr| low(index) >= 16;
        let read = |w: &mut SignerWitness| {
            if beyond(w.from) {
                w.leaf = LeafWitness {
                    nonce: w.nonce,
                    ..LeafWitness::PADDING
                };
            }
        };
        match operation {
            SignedOperation::Opening(signed) => self.opening_with(
                signed,
                |w| read(&mut w.signer),
                |w| {
                    if beyond(w.to) {
                        w.occupied = Fr::ZERO;
                    }
                },
            ),
            SignedOperation::Transfer(signed) => self.transfer_with(
                signed,
                |w| read(&mut w.signer),
                |w| {
                    if beyond(w.to) {
                        w.recipient = LeafWitness {
                            token: w.signer.leaf.token,
                            ..LeafWitness::PADDING
                        };
                    }
                },
            ),
            SignedOperation::Withdrawal(_) | SignedOperation::Rotation(_) => {
                self.signed_told(operation, read)
            }
        }
    }

    /// What the slot of an operation is told about its signer.
    pub(super) fn signer(&self, operation: &SignedOperation) -> SignerWitness {
        let from = Fr::from(operation.from().get());
        let leaf = self.seen(from);
        let signature = operation.signature();
        SignerWitness {
            enabled: Fr::ONE,
            from,
            fee: Fr::from(operation.fee().get()),
            nonce: Fr::from(operation.nonce().get()),
            valid_until: Fr::from(operation.valid_until().get()),
            leaf,
            path: Vec::new(),
            r8: [signature.r8.x, signature.r8.y],
            s: signature.s,
            selectors: self.selectors(leaf.token),
        }
    }

    /// Takes amount and fee from the signer's leaf, with a new holder if there is one, and routes the fee. Padding has no path.
    pub(super) fn spend(
        &mut self,
        w: &mut SignerWitness,
        amount: Fr,
        fee: Fr,
        holder: Option<([Fr; 2], Fr)>,
    ) {
        if w.enabled == Fr::ZERO {
            w.path = vec![[Fr::ZERO; 3]; 2];
        } else {
            w.path = self.path(place(w.from));
            let (key, owner) = holder.unwrap_or((w.leaf.key, w.leaf.owner));
            let after = LeafWitness {
                key,
                owner,
                balance: w.leaf.balance - amount - fee,
                nonce: w.leaf.nonce + Fr::ONE,
                ..w.leaf
            };
            self.write(w.enabled, w.from, after);
        }
        self.credit(&w.selectors, fee);
    }
}
