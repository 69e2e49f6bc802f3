//! S26, S49: padding that says something and publishes zeros. Openings and withdrawals publish their token in one word with what is below
//! it, so that a token without range could take away whatever the rest says: here the signer's index.
//!
//! Padding has no effect whatever it says; but it is the range alone that keeps the word's parts apart.

use crate::attacks::{attacks, broken_rows, rows_of};
use crate::forger::*;
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Bits of a token, the last of which is what the others leave.
const BITS: usize = 32;

/// Padding of signer 1 whose word is 0.
fn hidden(kind: Kind) -> Forger {
    let mut w = Forger::new();
    // from·2^88 + token·2^120 in an opening's word, from·2^160 + token·2^128 in a withdrawal's.
    let token = if kind == Kind::Opening {
        -two_to(32).inverse().unwrap()
    } else {
        -two_to(32)
    };
    let signer = w.signer_mut(kind, 0);
    signer.from = Fr::ONE;
    signer.leaf.token = token;
    w
}

/// The same, the whole token in one of its bits.
fn in_bit(kind: Kind, index: usize) -> Vec<Fr> {
    let w = hidden(kind);
    let token = w.witness_token(kind);
    let bits = &rows_of(&format!("{}[0].sender_in_range", kind.section()));
    let faults = bits[bits.len() - BITS..bits.len() - 1]
        .iter()
        .enumerate()
        .map(|(bit, row)| {
            let honest = Fr::from(token.into_bigint().get_bit(bit));
            let all = if bit == index {
                token * two_to(index.try_into().unwrap()).inverse().unwrap()
            } else {
                Fr::ZERO
            };
            (SMALL_CIRCUIT.b[*row][0].1, all - honest)
        });
    w.tampered(&faults.collect::<BTreeMap<_, _>>())
}

impl Forger {
    fn witness_token(&self, kind: Kind) -> Fr {
        self.clone().signer_mut(kind, 0).leaf.token
    }
}

attacks! {
    fn s26_s49_an_opening_hides_its_sender_behind_its_token() breaks "opening[0].sender_in_range" {
        hidden(Kind::Opening)
    }

    fn s26_s49_a_withdrawal_hides_its_sender_behind_its_token() breaks "withdrawal[0].sender_in_range" {
        hidden(Kind::Withdrawal)
    }
}

/// The same attacks on each single row of the token's range, the last one aside: all of the token in one bit.
pub(crate) fn in_each_bit() -> Vec<Vec<Fr>> {
    let kinds = [Kind::Opening, Kind::Withdrawal].into_iter();
    let bits = kinds.flat_map(|kind| (0..BITS - 1).map(move |index| (kind, index)));
    bits.collect::<Vec<_>>()
        .into_par_iter()
        .map(|(kind, index)| in_bit(kind, index))
        .collect()
}

#[test]
fn s12_s49_each_bit_of_a_hidden_token_is_boolean() {
    let kinds = [Kind::Opening, Kind::Withdrawal].into_iter();
    let rows = kinds.flat_map(|kind| {
        let rows = rows_of(&format!("{}[0].sender_in_range", kind.section()));
        rows[rows.len() - BITS..rows.len() - 1].to_vec()
    });
    for (row, values) in rows.zip(in_each_bit()) {
        assert_eq!(broken_rows(&values), [row]);
    }
}
