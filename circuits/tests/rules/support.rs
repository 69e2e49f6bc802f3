//! One small world for all tests: accounts with known keys in a tree of few levels, and batches among them.

use ark_bn254::Fr;
use ark_ff::{BigInteger, PrimeField};
use quittance_circuits::batch::{AppliedBatch, ApplyError, BatchContext, Operations, apply_batch};
use quittance_circuits::circuit::{assign, circuit};
use quittance_circuits::eddsa::SecretKey;
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::leaf::Leaf;
use quittance_circuits::r1cs::LabelledMatrices;
use quittance_circuits::state::{MemoryState, Overlay, StateReader};
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::{
    Deposit, ForcedExit, Operation, Priority, SignedOperation, SignedTransfer, Transfer,
};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce, RootAddress, TokenId};
use quittance_verifier::{DEMO_ROLLUP_ID, KeyId, Shape};
use std::sync::LazyLock;

mod draft;

pub(crate) use draft::{Draft, Kind};

/// A few slots of every section over 16 accounts. Openings go below place 8, deposits open accounts from there on.
pub(crate) const SMALL: Shape = Shape {
    levels: 2,
    priority: 2,
    openings: 2,
    transfers: 3,
    withdrawals: 2,
    rotations: 2,
    fee_slots: 2,
};

/// The circuit of [`SMALL`].
pub(crate) static SMALL_CIRCUIT: LazyLock<LabelledMatrices> = LazyLock::new(|| circuit(&SMALL));

pub(crate) const KEY_ID: KeyId = KeyId([7; 32]);

/// Balance of every account at the start.
pub(crate) const START: u128 = 1_000_000;

pub(crate) const BATCH: u32 = 41;

/// Running hash of the priority queue before the batch.
pub(crate) const QUEUE: [u8; 32] = {
    let mut hash = [0x3c; 32];
    hash[0] = 0;
    hash
};

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) state: MemoryState,
}

pub(crate) fn key(index: u32) -> SecretKey {
    let mut seed = [0x51; 32];
    seed[..4].copy_from_slice(&index.to_le_bytes());
    SecretKey::from_bytes(&seed)
}

pub(crate) fn owner_of(index: u32) -> RootAddress {
    RootAddress([u8::try_from(index + 1).unwrap(); 20])
}

pub(crate) fn leaf(index: u32, balance: u128, nonce: u32, token: u32) -> Leaf {
    Leaf::new(key(index).public_key(), balance, nonce, token, owner_of(index)).unwrap()
}

pub(crate) fn rollup_id() -> Fr {
    Fr::from_be_bytes_mod_order(&DEMO_ROLLUP_ID)
}

pub(crate) fn context() -> BatchContext {
    BatchContext {
        rollup_id: rollup_id(),
        batch_number: BatchNumber(BATCH),
        queue: QUEUE,
    }
}

impl World {
    /// Accounts 0, 1, 2, 5 and 6 hold token 1, accounts 8 to 11 token 2; the other places are empty.
    pub(crate) fn new() -> Self {
        let taken = (0..12).filter(|place| ![3, 4, 7].contains(place));
        Self::with(taken.map(|i| (i, leaf(i, START, 0, if i < 8 { 1 } else { 2 }))))
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

    pub(crate) fn apply_all(&self, operations: &Operations) -> Result<AppliedBatch, ApplyError> {
        let mut overlay = Overlay::new(&self.state).unwrap();
        apply_batch(&mut overlay, &context(), operations)
    }

    pub(crate) fn apply_priority(&self, requests: &[Priority]) -> Result<AppliedBatch, ApplyError> {
        self.apply_all(&Operations {
            priority: requests.to_vec(),
            ..Operations::default()
        })
    }

    /// The world after a batch.
    pub(crate) fn after(&self, batch: &AppliedBatch) -> Self {
        let mut overlay = Overlay::new(&self.state).unwrap();
        apply_batch(&mut overlay, &batch.context, &operations_of(batch)).unwrap();
        let changes = overlay.into_changes();
        let mut after = self.clone();
        after.state.apply(changes).unwrap();
        assert_eq!(after.state.root().unwrap(), batch.new_root);
        after
    }

    pub(crate) fn apply_signed(
        &self,
        signed: &[SignedOperation],
        fees: &[FeeSlot],
    ) -> Result<AppliedBatch, ApplyError> {
        let mut operations = Operations {
            fees: fees.to_vec(),
            ..Operations::default()
        };
        for operation in signed {
            operations.push(Operation::Signed(*operation));
        }
        self.apply_all(&operations)
    }

    pub(crate) fn apply(
        &self,
        transfers: &[SignedTransfer],
        fees: &[FeeSlot],
    ) -> Result<AppliedBatch, ApplyError> {
        self.apply_all(&Operations {
            transfers: transfers.to_vec(),
            fees: fees.to_vec(),
            ..Operations::default()
        })
    }
}

/// What a batch was made of.
pub(crate) fn operations_of(batch: &AppliedBatch) -> Operations {
    Operations {
        priority: batch.priority.iter().map(|applied| applied.operation).collect(),
        openings: batch.openings.iter().map(|applied| applied.signed).collect(),
        transfers: batch.transfers.iter().map(|applied| applied.signed).collect(),
        withdrawals: batch.withdrawals.iter().map(|applied| applied.signed).collect(),
        rotations: batch.rotations.iter().map(|applied| applied.signed).collect(),
        fees: batch.fees.iter().map(|applied| applied.slot).collect(),
    }
}

/// A deposit of token 1 that opens account 12.
pub(crate) fn deposit(leaf: u32, amount: u128) -> Deposit {
    Deposit {
        leaf: AccountIndex(leaf),
        token: TokenId(1),
        amount,
        owner: RootAddress([0x55; 20]),
        key: *key(40).public_key().point(),
    }
}

/// A forced exit asked for by the owner that [`leaf`] gives to an account.
pub(crate) fn forced_exit(leaf: u32) -> ForcedExit {
    ForcedExit {
        leaf: AccountIndex(leaf),
        caller: owner_of(leaf),
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

/// A valid batch with operations of every kind, both tokens and both fee slots, and a slot of each section as padding.
pub(crate) fn example() -> (World, AppliedBatch) {
    let world = World::new();
    let batch = world.apply_all(&example_operations()).unwrap();
    (world, batch)
}

pub(crate) fn example_operations() -> Operations {
    let mut operations = Operations {
        fees: vec![fee_slot(5, 1), fee_slot(11, 2)],
        ..Operations::default()
    };
    operations.push(Priority::Deposit(deposit(12, 900)).into());
    operations.push(Operation::Signed(Draft::new(Kind::Opening).sign()));
    operations.push(signed(0, 1, 500, 20, 1).into());
    operations.push(signed(8, 9, 70, 3, 0).into());
    operations.push(Operation::Signed(Draft::new(Kind::Withdrawal).nonce(2).sign()));
    operations.push(Operation::Signed(Draft::new(Kind::Rotation).nonce(3).sign()));
    operations
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
