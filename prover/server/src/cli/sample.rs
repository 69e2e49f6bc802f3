//! Accounts and transfers for `bench` and `demo`.

use ark_bn254::Fr;
use quittance_circuits::eddsa::SecretKey;
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::leaf::{Leaf, LeafError};
use quittance_circuits::tx::transfer::{SignedTransfer, Transfer};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce, RootAddress};

/// Balance of every account.
pub(super) const BALANCE: u128 = 1_000_000;

/// The account at `index` with its key.
pub(super) fn account(index: u32, key: &SecretKey, token: u32) -> Result<(AccountIndex, Leaf), LeafError> {
    let mut owner = [0x11; 20];
    owner[16..].copy_from_slice(&index.to_be_bytes());
    let leaf = Leaf::new(key.public_key(), BALANCE, 0, token, RootAddress(owner))?;
    Ok((AccountIndex(index), leaf))
}

/// A signed transfer of a small amount with a fee.
pub(super) fn transfer(
    key: &SecretKey,
    rollup_id: &Fr,
    from: u32,
    to: u32,
    nonce: u32,
    amount: u128,
) -> SignedTransfer {
    let transfer = Transfer {
        from: AccountIndex(from),
        to: AccountIndex(to),
        amount: FloatAmount::encode_floor(amount),
        fee: FloatFee::encode_floor(10),
        nonce: Nonce(nonce),
        valid_until: BatchNumber::MAX,
    };
    SignedTransfer {
        signature: key.sign(&transfer.message(rollup_id)),
        transfer,
    }
}
