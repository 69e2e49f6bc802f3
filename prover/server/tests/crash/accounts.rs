//! The sixteen accounts of the tests, transfers between them, and what transfers do to them.

use std::collections::BTreeMap;

use ark_bn254::Fr;
use quittance::encoding::fr_from_bytes_be;
use quittance::grpc::transfer_to_proto;
use quittance_circuits::eddsa::SecretKey;
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::leaf::Leaf;
use quittance_circuits::tx::transfer::{SignedTransfer, Transfer};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce, RootAddress};
use quittance_proto::v1;

/// Leaf that takes the fees.
pub(crate) const OPERATOR: u32 = 0;
/// Number of accounts.
pub(crate) const COUNT: u32 = 16;
/// What each has at first.
const BALANCE: u128 = 1_000_000_000;
/// The token of all.
const TOKEN: u32 = 1;

pub(crate) fn rollup_id_bytes() -> [u8; 32] {
    quittance_verifier::rollup_id(0, [0; 20])
}

fn rollup_id() -> Fr {
    fr_from_bytes_be(&rollup_id_bytes()).unwrap()
}

fn key(index: u32) -> SecretKey {
    SecretKey::from_bytes(&[u8::try_from(index).unwrap() + 1; 32])
}

/// The accounts with which the store begins.
pub(crate) fn genesis() -> Vec<(AccountIndex, Leaf)> {
    (0..COUNT)
        .map(|index| {
            let leaf = Leaf::new(key(index).public_key(), BALANCE, 0, TOKEN, RootAddress([9; 20]));
            (AccountIndex(index), leaf.unwrap())
        })
        .collect()
}

/// The same as a file for `quittance genesis`.
pub(crate) fn csv() -> String {
    let mut text = "key,balance,token,owner\n".to_owned();
    for (_, leaf) in genesis() {
        let hex = |element| quittance::encoding::fr_to_hex(&element)[2..].to_owned();
        let key = format!("0x{}{}", hex(leaf.key.x()), hex(leaf.key.y()));
        text += &format!("{key},{BALANCE},{TOKEN},0x{}\n", "09".repeat(20));
    }
    text
}

/// A transfer, signed by its sender.
pub(crate) fn transfer(
    from: u32,
    to: u32,
    nonce: u32,
    amount: u128,
    fee: u128,
    valid_until: u32,
) -> v1::SignedTransfer {
    let transfer = Transfer {
        from: AccountIndex(from),
        to: AccountIndex(to),
        amount: FloatAmount::encode_exact(amount).unwrap(),
        fee: FloatFee::encode_exact(fee).unwrap(),
        nonce: Nonce(nonce),
        valid_until: BatchNumber(valid_until),
    };
    transfer_to_proto(&SignedTransfer {
        signature: key(from).sign(&transfer.message(&rollup_id())),
        transfer,
    })
}

/// What accounts hold after transfers: balance and nonce by index.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Model(BTreeMap<u32, (u128, u32)>);

impl Model {
    pub(crate) fn genesis() -> Self {
        Self((0..COUNT).map(|index| (index, (BALANCE, 0))).collect())
    }

    /// One executed transfer; its fee goes to the operator.
    pub(crate) fn apply(&mut self, transfer: &v1::SignedTransfer) {
        let amount = FloatAmount::new(transfer.amount_float40).unwrap().checked_value();
        let fee = FloatFee::new(u16::try_from(transfer.fee_float16).unwrap()).checked_value();
        let (amount, fee) = (amount.unwrap(), fee.unwrap());
        let (balance, nonce) = self.0.get_mut(&transfer.from).unwrap();
        assert_eq!(
            *nonce, transfer.nonce,
            "executed out of order or twice: {transfer:?}"
        );
        *nonce += 1;
        *balance = balance.checked_sub(amount + fee).unwrap();
        self.0.get_mut(&transfer.to).unwrap().0 += amount;
        self.0.get_mut(&OPERATOR).unwrap().0 += fee;
    }

    /// What the service says about one account.
    pub(crate) fn check(&self, account: &v1::Account) {
        let balance = u128::from_be_bytes(account.balance[..].try_into().unwrap());
        assert_eq!(
            self.0[&account.index],
            (balance, account.nonce),
            "account {}",
            account.index
        );
    }
}

/// A transfer without expiry.
pub(crate) const FOREVER: u32 = u32::MAX;

/// Numbers that are the same in every run (xorshift).
#[derive(Clone, Debug)]
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        let mut numbers = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        numbers.below(2);
        numbers
    }

    pub(crate) fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from((self.0 >> 16) % u64::from(limit)).unwrap()
    }
}
