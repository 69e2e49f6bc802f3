//! One small world for all tests: accounts with known keys in a tree of few levels, and batches among them.

use ark_bn254::Fr;
use ark_ff::{BigInteger, PrimeField};
use quittance_circuits::batch::{AppliedBatch, ApplyError, BatchContext, apply_batch};
use quittance_circuits::circuit::{assign, circuit};
use quittance_circuits::eddsa::SecretKey;
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::leaf::Leaf;
use quittance_circuits::r1cs::LabelledMatrices;
use quittance_circuits::state::{MemoryState, Overlay};
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::transfer::{SignedTransfer, Transfer};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce, RootAddress, TokenId};
use quittance_verifier::{DEMO_ROLLUP_ID, KeyId, Shape};
use std::sync::LazyLock;

/// Three transfers and two fee slots over 16 accounts.
pub(crate) const SMALL: Shape = Shape {
    levels: 2,
    transfers: 3,
    fee_slots: 2,
};

/// The circuit of [`SMALL`].
pub(crate) static SMALL_CIRCUIT: LazyLock<LabelledMatrices> = LazyLock::new(|| circuit(&SMALL));

pub(crate) const KEY_ID: KeyId = KeyId([7; 32]);

/// Balance of every account at the start.
pub(crate) const START: u128 = 1_000_000;

pub(crate) const BATCH: u32 = 41;

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) state: MemoryState,
}

pub(crate) fn key(index: u32) -> SecretKey {
    let mut seed = [0x51; 32];
    seed[..4].copy_from_slice(&index.to_le_bytes());
    SecretKey::from_bytes(&seed)
}

pub(crate) fn leaf(index: u32, balance: u128, nonce: u32, token: u32) -> Leaf {
    let owner = RootAddress([u8::try_from(index + 1).unwrap(); 20]);
    Leaf::new(key(index).public_key(), balance, nonce, token, owner).unwrap()
}

pub(crate) fn rollup_id() -> Fr {
    Fr::from_be_bytes_mod_order(&DEMO_ROLLUP_ID)
}

pub(crate) fn context() -> BatchContext {
    BatchContext {
        rollup_id: rollup_id(),
        batch_number: BatchNumber(BATCH),
    }
}

impl World {
    /// Accounts 0..=7 hold token 1, accounts 8..=11 token 2; places 12..=15 are empty.
    pub(crate) fn new() -> Self {
        Self::with((0..12).map(|i| (i, leaf(i, START, 0, if i < 8 { 1 } else { 2 }))))
    }

    pub(crate) fn with(leaves: impl IntoIterator<Item = (u32, Leaf)>) -> Self {
        let leaves = leaves
            .into_iter()
            .map(|(index, leaf)| (AccountIndex(index), leaf))
            .collect();
        Self {
            state: MemoryState::genesis(SMALL.levels, leaves).unwrap(),
        }
    }

    pub(crate) fn apply(
        &self,
        transfers: &[SignedTransfer],
        fees: &[FeeSlot],
    ) -> Result<AppliedBatch, ApplyError> {
        let mut overlay = Overlay::new(&self.state).unwrap();
        apply_batch(&mut overlay, &context(), transfers, fees)
    }
}

pub(crate) fn transfer(from: u32, to: u32, amount: u128, fee: u128, nonce: u32) -> Transfer {
    Transfer {
        from: AccountIndex(from),
        to: AccountIndex(to),
        amount: FloatAmount::encode_exact(amount).unwrap(),
        fee: FloatFee::encode_exact(fee).unwrap(),
        nonce: Nonce(nonce),
        valid_until: BatchNumber(BATCH + 10),
    }
}

pub(crate) fn sign(transfer: Transfer) -> SignedTransfer {
    let signature = key(transfer.from.get()).sign(&transfer.message(&rollup_id()));
    SignedTransfer { transfer, signature }
}

pub(crate) fn signed(from: u32, to: u32, amount: u128, fee: u128, nonce: u32) -> SignedTransfer {
    sign(transfer(from, to, amount, fee, nonce))
}

pub(crate) fn fee_slot(leaf: u32, token: u32) -> FeeSlot {
    FeeSlot {
        leaf: AccountIndex(leaf),
        token: TokenId(token),
    }
}

/// A valid batch that uses both tokens and both fee slots and leaves one transfer slot as padding.
pub(crate) fn example() -> (World, AppliedBatch) {
    let world = World::new();
    let transfers = [signed(0, 1, 500, 20, 0), signed(8, 9, 70, 3, 0)];
    let batch = world
        .apply(&transfers, &[fee_slot(5, 1), fee_slot(11, 2)])
        .unwrap();
    (world, batch)
}

pub(crate) fn assert_satisfied(batch: &AppliedBatch) {
    let values = assign(&SMALL, &KEY_ID, batch).unwrap();
    let broken = SMALL_CIRCUIT.first_unsatisfied(&values);
    assert_eq!(broken.map(|row| SMALL_CIRCUIT.label(row)), None, "row {broken:?}");
}

/// Lower 64 bits of a field element, for counting.
pub(crate) fn low(element: Fr) -> u64 {
    let bytes = element.into_bigint().to_bytes_le();
    u64::from_le_bytes(bytes[..8].try_into().unwrap())
}
