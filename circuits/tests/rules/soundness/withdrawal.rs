//! Attacks on withdrawals: who is paid, and how much. What they share with other signed operations is attacked in `signer`.

use crate::attacks::{attacks, rows_of};
use crate::forger::*;
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use quittance_circuits::hash::{FieldHasher, RulesHasher};
use quittance_circuits::leaf::constraints::LeafWitness;
use quittance_circuits::tx::withdrawal::constraints::WithdrawalWitness;
use quittance_circuits::tx::{SignedOperation, SignedWithdrawal, withdrawal};
use quittance_circuits::types::RootAddress;
use std::collections::BTreeMap;

fn forger() -> Forger {
    Forger::new().fee_slots(&[fee_slot(5, 1), fee_slot(11, 2)])
}

fn signed(change: impl FnOnce(&mut Draft)) -> SignedWithdrawal {
    let mut draft = Draft::new(Kind::Withdrawal);
    change(&mut draft);
    match draft.sign() {
        SignedOperation::Withdrawal(signed) => signed,
        other => panic!("{other:?}"),
    }
}

/// The plain withdrawal, its slot told something else.
fn told(change: impl FnOnce(&mut WithdrawalWitness)) -> Forger {
    forger().withdrawal_with(&signed(|_| {}), change).finish()
}

/// An amount and an address that no withdrawal can hold, which the account itself has signed as field elements.
fn signed_as_elements(amount: Fr, address: Fr) -> Forger {
    signed_in(|_| {}, amount, address)
}

fn signed_in(change: impl FnOnce(&mut [LeafWitness; PLACES]), amount: Fr, address: Fr) -> Forger {
    let mut signed = signed(|_| {});
    let plain = signed.withdrawal;
    let first = Fr::from(withdrawal::KIND)
        + Fr::from(plain.from.get()) * two_to(8)
        + amount * two_to(40)
        + Fr::from(plain.fee.get()) * two_to(168)
        + Fr::from(plain.nonce.get()) * two_to(184)
        + Fr::from(plain.valid_until.get()) * two_to(216);
    signed.signature = key(0).sign(&RulesHasher::message(&[rollup_id(), first, address]));
    let w = Forger::with(change).fee_slots(&[fee_slot(5, 1), fee_slot(11, 2)]);
    let w = w.withdrawal_with(&signed, |w| {
        w.amount = amount;
        w.address = address;
    });
    w.finish()
}

/// The plain withdrawal, then a padding slot with a rich account of nobody, which publishes something.
fn published(change: impl FnOnce(&mut WithdrawalWitness)) -> Forger {
    let mut w = forger().withdrawal(&signed(|_| {})).finish();
    w.witness.withdrawals[1].signer.leaf.balance = Fr::from(10u64);
    change(&mut w.witness.withdrawals[1]);
    w
}

/// The same, and the inverse hint of the address, which is 1, is made to fit the padding.
fn published_address() -> Vec<Fr> {
    let w = published(|slot| slot.address = Fr::ONE);
    let row = *rows_of("withdrawal[1].address_in_range").last().unwrap();
    let inverse = SMALL_CIRCUIT.b[row][0].1;
    w.tampered(&BTreeMap::from([(inverse, -Fr::ONE)]))
}

attacks! {
    fn s26_s42_padding_pays_nothing() breaks "withdrawal[1].slot_flags" {
        published(|slot| slot.amount = Fr::ONE)
    }

    fn s26_padding_publishes_no_address() breaks "withdrawal[1].slot_flags" {
        published_address()
    }

    fn s26_padding_publishes_no_token() breaks "withdrawal[1].slot_flags" {
        published(|slot| slot.signer.leaf.token = Fr::ONE)
    }

    /// Nobody would be paid.
    fn s42_address_in_range_refuses_the_zero_address() breaks "withdrawal[0].address_in_range" {
        forger().withdrawal(&signed(|draft| draft.address = RootAddress([0; 20]))).finish()
    }

    /// The word of fee and address would say a higher fee than was paid.
    fn s04_s42_address_in_range_refuses_161_bits() breaks "withdrawal[0].address_in_range" {
        signed_as_elements(Fr::from(500u64), Fr::from(0x99u64) + two_to(160))
    }

    /// Taking −5 out would put 5 in, and the word would say another token.
    fn s04_s24_balance_covers_refuses_a_negative_amount() breaks "withdrawal[0].balance_covers" {
        signed_as_elements(-Fr::from(5u64), Fr::from(0x99u64))
    }

    /// In a leaf that no rule can have written: the amount's 129th bit would be the token's first.
    fn s04_balance_covers_refuses_an_amount_of_129_bits() breaks "withdrawal[0].balance_covers" {
        signed_in(|leaves| leaves[0].balance += two_to(128), two_to(128) + Fr::from(500u64), Fr::from(0x99u64))
    }
}

#[test]
fn s42_a_withdrawal_pays_the_signed_amount_to_the_signed_address_once() {
    // Another address, another amount.
    told(|w| w.address += Fr::ONE).assert_only("withdrawal[0].signature_valid");
    told(|w| w.amount += Fr::ONE).assert_only("withdrawal[0].signature_valid");
    // Twice.
    let w = forger().withdrawal(&signed(|_| {})).withdrawal(&signed(|_| {}));
    w.finish().assert_only("withdrawal[1].nonce_matches");
    // An address of the account's choice is fine, also its owner's.
    let own = forger().withdrawal(&signed(|draft| draft.address = owner_of(0)));
    own.finish().assert_accepted();
}

#[test]
fn s08_the_largest_amount_and_a_fee() {
    let all = signed(|draft| draft.amount = u128::MAX);
    let w = forger().withdrawal(&all).finish();
    w.assert_only("withdrawal[0].balance_covers");
    let native = World::new().apply_signed(&[all.into()], &[fee_slot(5, 1)]);
    assert_eq!(native.unwrap_err().rule(), Some("balance_covers"));
}

#[test]
fn s42_what_is_paid_out_leaves_the_account() {
    let before = forger().total();
    let w = told(|_| {});
    w.assert_accepted();
    assert_eq!(w.total() + Fr::from(500u64), before);
    let everything = forger()
        .withdrawal(&signed(|draft| draft.amount = START - 20))
        .finish();
    everything.assert_accepted();
    assert_eq!(everything.leaves[0].balance, Fr::ZERO);
    assert_eq!(everything.leaves[0].nonce, Fr::ONE);
}

#[test]
fn s44_an_emptied_account_is_funded_again() {
    // Everything out, something in, and the withdrawal again.
    let out = signed(|draft| draft.amount = START - 20);
    let mut w = forger().withdrawal(&out);
    w.leaves[0].balance = Fr::from(START);
    let again = Forger::of(w.leaves).fee_slots(&[fee_slot(5, 1)]);
    let again = again.withdrawal(&out).finish();
    again.assert_only("withdrawal[0].nonce_matches");
}
