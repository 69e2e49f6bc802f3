//! Batches whose signatures have challenges of many forms.
//!
//! The challenge's upper bits are compared with the lower end of their window from the top down; a variable says whether all bits so far
//! are those of the bound. For nearly every challenge it is 0 soon, and then nothing but the bits below decides whether it could be
//! anything else: it can if a run of ones in the bound meets ones, and the zero that follows it meets a one.

use crate::support::*;
use ark_bn254::Fr;
use quittance_circuits::babyjubjub::PublicKey;
use quittance_circuits::batch::AppliedBatch;
use quittance_circuits::eddsa::{
    CHALLENGE_WINDOW_BELOW, CHALLENGE_WINDOW_SHIFT, challenge, challenge_window,
};
use quittance_circuits::tx::SignedOperation;
use quittance_circuits::tx::fee::FeeSlot;
use std::collections::BTreeMap;

/// Bits that are compared.
const BITS: u32 = 84;
/// Signatures tried for each slot.
const TRIES: u32 = 96;

/// Who signs what in each batch: every account once.
const SIGNERS: [(Kind, u32, u32); 9] = [
    (Kind::Opening, 0, 3),
    (Kind::Opening, 1, 4),
    (Kind::Transfer, 2, 5),
    (Kind::Transfer, 5, 6),
    (Kind::Transfer, 8, 9),
    (Kind::Withdrawal, 9, 0),
    (Kind::Withdrawal, 10, 0),
    (Kind::Rotation, 6, 0),
    (Kind::Rotation, 11, 0),
];

/// Batches in which each of those variables is free once, in each kind of operation.
pub(super) fn batches(world: &World, fees: &[FeeSlot]) -> Vec<AppliedBatch> {
    let all = places().fold(0, |all, place| all | 1 << place);
    let mut seen: BTreeMap<&str, u128> = BTreeMap::new();
    let mut batches = Vec::new();
    while Kind::ALL
        .iter()
        .any(|kind| seen.get(kind.section()) != Some(&all))
    {
        let signed = SIGNERS.map(|(kind, from, to)| {
            let seen = seen.entry(kind.section()).or_default();
            let drafts = (0..TRIES).map(|later| {
                let mut draft = Draft::new(kind);
                (draft.from, draft.to) = (from, to);
                draft.valid_until += later + TRIES * u32::try_from(batches.len()).unwrap();
                draft.sign()
            });
            let best = drafts
                .max_by_key(|signed| (free(signed) & !*seen).count_ones())
                .unwrap();
            *seen |= free(&best);
            best
        });
        batches.push(world.apply_signed(&signed, fees).unwrap());
    }
    batches
}

/// Zeros of the bound, but for the first, which makes no row, and those below its last one.
fn places() -> impl Iterator<Item = u32> {
    let least = CHALLENGE_WINDOW_BELOW + 1;
    (least.trailing_zeros()..BITS)
        .filter(move |place| least >> place & 1 == 0)
        .rev()
        .skip(1)
}

/// Zeros of the bound whose variable can move.
fn free(signed: &SignedOperation) -> u128 {
    let key: PublicKey = key(signed.from().get()).public_key();
    let h: Fr = challenge(&key, &signed.message(&rollup_id()), &signed.signature().r8);
    let window = challenge_window(&h).unwrap();
    let upper = (u128::from(window[3]) << 64 | u128::from(window[2])) >> (CHALLENGE_WINDOW_SHIFT - 128);
    let least = CHALLENGE_WINDOW_BELOW + 1;
    places()
        .filter(|place| moves(upper, least, *place))
        .fold(0, |free, place| free | 1 << place)
}

fn moves(upper: u128, least: u128, place: u32) -> bool {
    for below in (0..place).rev() {
        match (least >> below & 1, upper >> below & 1) {
            (1, 0) => return false,
            (0, 1) => return true,
            _ => {}
        }
    }
    true
}
