//! A state with accounts, and full batches of signed transfers for a shape.

use ark_bn254::Fr;
use ark_ff::PrimeField;
use quittance_circuits::batch::{AppliedBatch, BatchContext, apply_batch};
use quittance_circuits::eddsa::SecretKey;
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::leaf::Leaf;
use quittance_circuits::state::{MemoryState, Overlay};
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::transfer::{SignedTransfer, Transfer};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce, RootAddress, TokenId};
use quittance_verifier::{DEMO_ROLLUP_ID, Shape};

/// Accounts in the state; transfers go around among them.
const ACCOUNTS: u32 = 64;
/// The one token.
const TOKEN: u32 = 1;

/// A state and a batch that fills every transfer slot and one fee slot of a shape.
#[derive(Clone, Debug)]
pub struct Scene {
    state: MemoryState,
    transfers: Vec<SignedTransfer>,
    fees: Vec<FeeSlot>,
}

impl Scene {
    /// Makes the state and signs the transfers. `None` for a shape with fewer than 64 leaves.
    #[must_use]
    pub fn new(shape: &Shape) -> Option<Self> {
        let secrets: Vec<_> = (0..ACCOUNTS).map(secret).collect();
        let leaves = (0..ACCOUNTS)
            .zip(&secrets)
            .map(|(index, secret)| {
                let key = secret.public_key();
                let leaf = Leaf::new(key, 1 << 60, 0, TOKEN, RootAddress([1; 20])).ok()?;
                Some((AccountIndex(index), leaf))
            })
            .collect::<Option<_>>()?;
        let state = MemoryState::genesis(shape.levels, leaves).ok()?;
        let rollup_id = context().rollup_id;
        let transfers = (0..shape.transfers)
            .map(|number| {
                let from = number % ACCOUNTS;
                let transfer = Transfer {
                    from: AccountIndex(from),
                    to: AccountIndex((from + 7) % ACCOUNTS),
                    amount: FloatAmount::encode_exact(1_000_000)?,
                    fee: FloatFee::encode_exact(100)?,
                    nonce: Nonce(number / ACCOUNTS),
                    valid_until: BatchNumber(u32::MAX),
                };
                let secret = secrets.get(usize::try_from(from).ok()?)?;
                let signature = secret.sign(&transfer.message(&rollup_id));
                Some(SignedTransfer { transfer, signature })
            })
            .collect::<Option<_>>()?;
        let fees = vec![FeeSlot {
            leaf: AccountIndex(0),
            token: TokenId(TOKEN),
        }];
        Some(Self {
            state,
            transfers,
            fees,
        })
    }

    /// Executes the batch on a fresh overlay; `None` if a rule refused it, which none does.
    #[must_use]
    pub fn apply(&self) -> Option<AppliedBatch> {
        let mut overlay = Overlay::new(&self.state).ok()?;
        apply_batch(&mut overlay, &context(), &self.transfers, &self.fees).ok()
    }
}

fn context() -> BatchContext {
    BatchContext {
        // Below 2^248: nothing is reduced.
        rollup_id: Fr::from_be_bytes_mod_order(&DEMO_ROLLUP_ID),
        batch_number: BatchNumber(1),
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
        let shape = Shape {
            levels: 3,
            transfers: 70,
            fee_slots: 1,
        };
        let applied = Scene::new(&shape).unwrap().apply().unwrap();
        assert_eq!(applied.facts().transfers.len(), 70);
        assert_eq!(applied.facts().fees[0].amount, 7_000);
    }
}
