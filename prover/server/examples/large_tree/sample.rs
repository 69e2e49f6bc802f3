//! Many accounts that differ, and transfers between them.

use ark_bn254::Fr;
use quittance::encoding::fr_from_bytes_be;
use quittance::node::Node;
use quittance::sequencer::{CheckedOperation, WholeSubmission};
use quittance_circuits::eddsa::SecretKey;
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::leaf::Leaf;
use quittance_circuits::tx::{SignedOperation, SignedTransfer, Transfer};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce, RootAddress};
use quittance_verifier::Shape;

/// A shape for trees of the full height.
pub(crate) const SHAPE: Shape = Shape::transfers_only(16, 10, 1);

/// Accounts share this many keys, so that making them takes no time.
const KEYS: u32 = 4096;

/// Keys of the accounts.
pub(crate) struct Sample {
    keys: Vec<SecretKey>,
    rollup_id: Fr,
}

impl Sample {
    pub(crate) fn new() -> Self {
        let seed = |i: u32| {
            let mut seed = [7; 32];
            seed[..4].copy_from_slice(&i.to_le_bytes());
            seed
        };
        Self {
            keys: (0..KEYS).map(|i| SecretKey::from_bytes(&seed(i))).collect(),
            rollup_id: fr_from_bytes_be(&quittance_verifier::rollup_id(0, [0; 20])).unwrap(),
        }
    }

    /// The key of an account.
    pub(crate) fn key(&self, index: u32) -> &SecretKey {
        &self.keys[usize::try_from(index % KEYS).unwrap()]
    }

    /// Accounts 0 to `count` - 1: all of one token, with balances and owners of their own.
    pub(crate) fn leaves(&self, count: u32) -> Vec<(AccountIndex, Leaf)> {
        (0..count)
            .map(|index| {
                let mut owner = [0x11; 20];
                owner[16..].copy_from_slice(&index.to_be_bytes());
                let balance = 1_000_000 + u128::from(index);
                let key = self.key(index).public_key();
                let leaf = Leaf::new(key, balance, 0, 1, RootAddress(owner)).unwrap();
                (AccountIndex(index), leaf)
            })
            .collect()
    }

    /// As many transfers as the shape holds, between random accounts, with the senders' nonces of now.
    pub(crate) fn transfers(
        &self,
        node: &Node,
        numbers: &mut Numbers,
        accounts: u32,
    ) -> Vec<SignedOperation> {
        let state = node.snapshot().unwrap();
        let mut senders = Vec::new();
        while senders.len() < usize::try_from(SHAPE.transfers).unwrap() {
            let sender = numbers.below(accounts);
            if !senders.contains(&sender) {
                senders.push(sender);
            }
        }
        senders
            .into_iter()
            .map(|from| {
                let transfer = Transfer {
                    from: AccountIndex(from),
                    to: AccountIndex(numbers.below(accounts)),
                    amount: FloatAmount::encode_exact(10).unwrap(),
                    fee: FloatFee::encode_exact(1).unwrap(),
                    nonce: Nonce(state.account(from).unwrap().unwrap().nonce),
                    valid_until: BatchNumber::MAX,
                };
                SignedOperation::Transfer(SignedTransfer {
                    signature: self.key(from).sign(&transfer.message(&self.rollup_id)),
                    transfer,
                })
            })
            .collect()
    }
}

/// Executes one batch.
pub(crate) fn submit(node: &Node, transfers: Vec<SignedOperation>) {
    let transfers = transfers.into_iter().map(CheckedOperation::unchecked).collect();
    let submission = WholeSubmission::new(transfers, Vec::new(), None);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime
        .block_on(node.sequencer().submit_whole(submission))
        .unwrap();
}

/// Numbers that are the same in every run (xorshift).
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Evenly below the limit, nearly.
    pub(crate) fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 % u64::from(limit)).unwrap()
    }
}
