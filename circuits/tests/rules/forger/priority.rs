//! Priority operations without rules.

use super::{Forger, place, two_to};
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};
use quittance_circuits::babyjubjub::{Point, PublicKey};
use quittance_circuits::leaf::constraints::LeafWitness;
use quittance_circuits::tx::Priority;
use quittance_circuits::tx::priority::constraints::PriorityWitness;

impl Forger {
    /// Executes an operation as it is, with the outcome that it should have.
    pub(crate) fn priority(self, operation: &Priority) -> Self {
        self.priority_told(operation, |_| {})
    }

    /// Executes an operation after a change to what its slot is told, its outcome included.
    pub(crate) fn priority_told(
        mut self,
        operation: &Priority,
        change: impl FnOnce(&mut PriorityWitness),
    ) -> Self {
        let leaf = Fr::from(operation.leaf().get());
        let account = self.seen(leaf);
        let exists = account != LeafWitness::EMPTY;
        let mut w = PriorityWitness {
            enabled: Fr::ONE,
            exit: Fr::ZERO,
            done: Fr::ZERO,
            leaf,
            token: Fr::ZERO,
            amount: Fr::ZERO,
            owner: Fr::ZERO,
            key: [Fr::ZERO; 2],
            exists: Fr::from(exists),
            account: if exists { account } else { LeafWitness::PADDING },
            path: self.path(place(leaf)),
        };
        match operation {
            Priority::Deposit(deposit) => {
                w.token = Fr::from(deposit.token.get());
                w.amount = Fr::from(deposit.amount);
                w.owner = Fr::from(deposit.owner);
                w.key = [deposit.key.x, deposit.key.y];
                let fits = (account.balance + w.amount).into_bigint().num_bits() <= 128;
                w.done = Fr::from(if exists {
                    account.token == w.token && fits
                } else {
                    place(leaf) >= 8 && !deposit.owner.is_zero() && is_key(w.key)
                });
            }
            Priority::ForcedExit(exit) => {
                w.exit = Fr::ONE;
                w.owner = Fr::from(exit.caller);
                w.done = Fr::from(exists && account.owner == w.owner);
                w.token = w.done * account.token;
                w.amount = w.done * account.balance;
            }
        }
        change(&mut w);
        let after = if w.exit == Fr::ONE {
            LeafWitness {
                balance: Fr::ZERO,
                ..w.account
            }
        } else {
            // What is there and what is deposited, as the circuit selects: of a flag that is no bit, some of each.
            let select = |there, deposited| w.exists * there + (Fr::ONE - w.exists) * deposited;
            LeafWitness {
                key: [0, 1].map(|i| select(w.account.key[i], w.key[i])),
                balance: select(w.account.balance, Fr::ZERO) + w.amount,
                nonce: select(w.account.nonce, Fr::ZERO),
                token: select(w.account.token, w.token),
                owner: select(w.account.owner, w.owner),
            }
        };
        self.write(w.done, w.leaf, after);
        self.witness.priority[self.priority] = w;
        self.priority += 1;
        self
    }
}

fn is_key([x, y]: [Fr; 2]) -> bool {
    PublicKey::new(Point::new(x, y)).is_ok()
}

/// Four words of the statement.
pub(super) fn priority_words(w: &PriorityWitness) -> [Fr; 4] {
    let kind = Fr::from(5u64) * w.enabled + w.exit;
    let word =
        kind * two_to(200) + w.done * two_to(192) + w.leaf * two_to(160) + w.token * two_to(128) + w.amount;
    [word, w.owner, w.key[0], w.key[1]]
}
