//! A state with accounts, and full batches of signed operations for a shape.

use ark_bn254::Fr;
use ark_ff::PrimeField;
use quittance_circuits::babyjubjub::Point;
use quittance_circuits::batch::{AppliedBatch, BatchContext, Operations, apply_batch};
use quittance_circuits::eddsa::SecretKey;
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::leaf::Leaf;
use quittance_circuits::state::{MemoryState, Overlay};
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::{
    Deposit, Opening, Priority, Rotation, SignedOpening, SignedRotation, SignedTransfer, SignedWithdrawal,
    Transfer, Withdrawal,
};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce, RootAddress, TokenId};
use quittance_verifier::{DEMO_ROLLUP_ID, Section, Shape};

/// Accounts in the state; transfers go around among them.
const ACCOUNTS: u32 = 64;
/// The one token.
const TOKEN: u32 = 1;

/// A state and a batch that fills every slot of a shape but all fee slots save one.
#[derive(Clone, Debug)]
pub struct Scene {
    state: MemoryState,
    operations: Operations,
}

impl Scene {
    /// Makes the state and signs the operations. `None` for a shape whose tree has no room for them.
    #[must_use]
    pub fn new(shape: &Shape) -> Option<Self> {
        let mut signers: Vec<_> = (0..ACCOUNTS).map(secret).zip(core::iter::repeat(0)).collect();
        let leaves = (0..ACCOUNTS)
            .zip(&signers)
            .map(|(index, (secret, _))| {
                let key = secret.public_key();
                let leaf = Leaf::new(key, 1 << 60, 0, TOKEN, RootAddress([1; 20])).ok()?;
                Some((AccountIndex(index), leaf))
            })
            .collect::<Option<_>>()?;
        let state = MemoryState::genesis(shape.levels, leaves).ok()?;
        // Accounts sign in turn, each with its nonces in order.
        let mut turns = 0;
        let mut next = || {
            let from = turns % ACCOUNTS;
            turns += 1;
            let (secret, sent) = signers.get_mut(usize::try_from(from).ok()?)?;
            let nonce = Nonce(*sent);
            *sent += 1;
            Some((secret.clone(), AccountIndex(from), nonce))
        };
        let mut operations = Operations {
            fees: vec![FeeSlot {
                leaf: AccountIndex(0),
                token: TokenId(TOKEN),
            }],
            ..Operations::default()
        };
        let rollup_id = context().rollup_id;
        let amount = FloatAmount::encode_exact(1_000_000)?;
        let fee = FloatFee::encode_exact(100)?;
        let valid_until = BatchNumber(u32::MAX);
        let owner = RootAddress([2; 20]);
        let key = |number| {
            let key = secret(number).public_key();
            Point::new(key.x(), key.y())
        };
        for number in 0..shape.priority {
            operations.priority.push(Priority::Deposit(Deposit {
                leaf: AccountIndex((1 << 31) + number),
                token: TokenId(TOKEN),
                amount: 1_000_000,
                owner,
                key: key(number),
            }));
        }
        for number in 0..shape.openings {
            let (secret, from, nonce) = next()?;
            let opening = Opening {
                from,
                to: AccountIndex(ACCOUNTS + number),
                amount,
                fee,
                nonce,
                valid_until,
                key: key(number),
                owner,
            };
            let signature = secret.sign(&opening.message(&rollup_id));
            operations.openings.push(SignedOpening { opening, signature });
        }
        for _ in 0..shape.transfers {
            let (secret, from, nonce) = next()?;
            let transfer = Transfer {
                from,
                to: AccountIndex((from.get() + 7) % ACCOUNTS),
                amount,
                fee,
                nonce,
                valid_until,
            };
            let signature = secret.sign(&transfer.message(&rollup_id));
            operations.transfers.push(SignedTransfer { transfer, signature });
        }
        for _ in 0..shape.withdrawals {
            let (secret, from, nonce) = next()?;
            let withdrawal = Withdrawal {
                from,
                amount: 1_000_000,
                fee,
                nonce,
                valid_until,
                address: owner,
            };
            let signature = secret.sign(&withdrawal.message(&rollup_id));
            operations.withdrawals.push(SignedWithdrawal {
                withdrawal,
                signature,
            });
        }
        for _ in 0..shape.rotations {
            let (secret, from, nonce) = next()?;
            let rotation = Rotation {
                from,
                fee,
                nonce,
                valid_until,
                // The same key again, so that the account's further operations are signed by it.
                key: key(from.get()),
                owner,
            };
            let signature = secret.sign(&rotation.message(&rollup_id));
            operations.rotations.push(SignedRotation { rotation, signature });
        }
        Some(Self { state, operations })
    }

    /// Executes the batch on a fresh overlay; `None` if a rule refused it, which none does.
    #[must_use]
    pub fn apply(&self) -> Option<AppliedBatch> {
        let mut overlay = Overlay::new(&self.state).ok()?;
        apply_batch(&mut overlay, &context(), &self.operations).ok()
    }

    /// Number of operations, fee slots aside.
    #[must_use]
    pub fn operations(&self) -> usize {
        let sections = Section::ALL
            .into_iter()
            .filter(|section| *section != Section::Fees);
        sections.map(|section| self.operations.count(section)).sum()
    }
}

fn context() -> BatchContext {
    BatchContext {
        // Below 2^248: nothing is reduced.
        rollup_id: Fr::from_be_bytes_mod_order(&DEMO_ROLLUP_ID),
        batch_number: BatchNumber(1),
        queue: [0; 32],
    }
}

fn secret(index: u32) -> SecretKey {
    let mut seed = [0x42; 32];
    seed[..4].copy_from_slice(&index.to_le_bytes());
    SecretKey::from_bytes(&seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scene_is_executed_in_full() {
        let shape = Shape::transfers_only(3, 70, 1);
        let applied = Scene::new(&shape).unwrap().apply().unwrap();
        assert_eq!(applied.facts().transfers.len(), 70);
        assert_eq!(applied.facts().fees[0].amount, 7_000);
    }

    #[test]
    fn every_section_is_filled_and_everything_done() {
        let shape = Shape::parse_name("p3o2t70w3r2f2").unwrap();
        let applied = Scene::new(&shape).unwrap().apply().unwrap();
        assert!(applied.priority.iter().all(|applied| applied.done));
        for section in Section::ALL
            .into_iter()
            .filter(|section| *section != Section::Fees)
        {
            assert_eq!(
                applied.count(section),
                usize::try_from(shape.slots(section)).unwrap()
            );
        }
        assert_eq!(applied.facts().fees[0].amount, 7_700);
    }
}
