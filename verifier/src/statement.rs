//! The statement: which field elements a proof speaks about, in which order, and the public inputs (h, z, y)
//! that stand for them. This file is the only place where that order is written; circuits, contract vectors
//! and this verifier all read it from here.
//!
//! For a shape with f fee slots, p priority, o opening, t transfer, w withdrawal and r rotation slots there are
//! m = 6 + f + 4p + 4o + 2w + 4r + ⌈t / 2⌉ elements at fixed positions; unused positions are 0:
//!
//! ```text
//! e0        rollup id                                            < 2^248
//! e1        batch number                                         < 2^32
//! e2        old root                                             < r
//! e3        new root                                             < r
//! e4        Σ count_s · 2^(32·s), sections s: 0 priority, 1 openings, 2 transfers,
//!           3 withdrawals, 4 rotations, 5 fees                   < 2^192
//! e5        running hash of the priority queue before the batch  < 2^248
//! e6 ..     one word for each fee slot:
//!             leaf 32 bits | token 32 bits | amount 128 bits     < 2^192
//! then      four words for each priority slot:
//!             kind 8 bits | done 8 bits | leaf 32 bits | token 32 bits | amount 128 bits
//!             owner 160 bits
//!             key x, key y                                       < r
//! then      four words for each opening slot:
//!             token 32 bits | from 32 bits | to 32 bits | amount 40 bits | fee 16 bits
//!             owner 160 bits
//!             key x, key y                                       < r
//! then      two words for each withdrawal slot:
//!             from 32 bits | token 32 bits | amount 128 bits     < 2^192
//!             fee 16 bits | address 160 bits                     < 2^176
//! then      four words for each rotation slot:
//!             from 32 bits | fee 16 bits                         < 2^48
//!             owner 160 bits
//!             key x, key y                                       < r
//! then      one word for two transfers: t(2k) · 2^120 + t(2k+1)  < 2^240
//!             t = from 32 bits | to 32 bits | amount 40 bits | fee 16 bits
//! ```
//!
//! The fields of a word go from its most significant end down. The counts tell a transfer whose 15 bytes are
//! all zero from an unused slot, so a list of elements has one reading only. Transfers come last: unused words at
//! the end cost a contract nothing. The queue's hash after the batch is no element: whoever verifies computes it
//! from the one before and the priority words, [`Facts::queue_after`].
//!
//! z = keccak256([`TAG_STATEMENT`] ‖ key id ‖ h ‖ keccak256(elements)) mod 2^248, every element as 32
//! big-endian bytes; y = Σ e_i · z^i. The prover supplies h, a Poseidon sponge over the elements that the
//! circuit computes: it fixes the circuit's elements before z is known, so that y is an honest comparison of
//! the circuit's elements with the facts' (two different lists agree at z with probability below m / 2^248).

use alloc::vec::Vec;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

use crate::encoding::{below_2_248, fr_to_bytes_be, halves, keccak256};
use crate::{
    Facts, FeeData, KeyId, OpeningData, PriorityData, RotationData, Section, Shape, StatementError,
    TransferData, WithdrawalData,
};

/// keccak256("quittance.rollup.v1").
pub const TAG_ROLLUP: [u8; 32] = [
    0x20, 0xf5, 0x13, 0x49, 0x88, 0xc8, 0x26, 0x52, 0x59, 0x74, 0x8f, 0x52, 0x1a, 0xc2, 0xc7, 0x63, 0x1a,
    0x84, 0xde, 0x73, 0x7e, 0x0a, 0x1c, 0xb7, 0xbe, 0x03, 0xfc, 0xd6, 0x2f, 0x52, 0x0d, 0x83,
];
/// keccak256("quittance.statement.v1").
pub const TAG_STATEMENT: [u8; 32] = [
    0xd1, 0xaf, 0x0d, 0x44, 0x8a, 0x8d, 0x02, 0xf8, 0x08, 0x38, 0xcc, 0x96, 0x8b, 0x7b, 0x08, 0xfb, 0x93,
    0xe5, 0x6e, 0x97, 0xcc, 0xfa, 0x12, 0xd1, 0x87, 0x7f, 0x05, 0x08, 0xdb, 0xb5, 0x52, 0x57,
];
/// keccak256("quittance.verifying-key.v1").
pub const TAG_VERIFYING_KEY: [u8; 32] = [
    0xb4, 0x8e, 0xce, 0xa5, 0xd4, 0xba, 0x78, 0x4d, 0x44, 0xe6, 0xb9, 0x9c, 0x24, 0x41, 0xaa, 0x5f, 0x0a,
    0x16, 0x7f, 0xea, 0x00, 0x29, 0xbf, 0xe9, 0x67, 0x3a, 0x8e, 0xf2, 0x44, 0xe9, 0x75, 0x33,
];
/// keccak256("quittance.batch-verify.v1").
pub const TAG_BATCH_VERIFY: [u8; 32] = [
    0x75, 0x23, 0x5a, 0xb0, 0xda, 0xf5, 0x96, 0x85, 0xc9, 0x37, 0xc9, 0x8e, 0x89, 0xfb, 0xac, 0x98, 0xb1,
    0xf4, 0x25, 0x2e, 0xab, 0x33, 0x50, 0x8f, 0xe5, 0x9c, 0x9e, 0x60, 0x62, 0x42, 0xef, 0xe1,
];
/// The rollup id of a service without a contract (demo, tests): `rollup_id(0, [0; 20])`.
pub const DEMO_ROLLUP_ID: [u8; 32] = [
    0x00, 0xd6, 0xca, 0xb2, 0xfb, 0xb7, 0xcb, 0xdc, 0xbc, 0x3e, 0x43, 0x66, 0xa2, 0xfb, 0x46, 0xa6, 0x90,
    0x2f, 0x7b, 0xfb, 0x8a, 0xde, 0xa0, 0x85, 0x0b, 0x30, 0x1a, 0x5a, 0xf4, 0xde, 0x51, 0x01,
];

/// The domain of a rollup: keccak256([`TAG_ROLLUP`] ‖ chain id as 32 bytes ‖ contract address) mod 2^248,
/// as 32 big-endian bytes.
pub fn rollup_id(chain_id: u64, contract: [u8; 20]) -> [u8; 32] {
    let chain_id = u128::from(chain_id).to_be_bytes();
    below_2_248(keccak256([&TAG_ROLLUP[..], &[0; 16], &chain_id, &contract]))
}

/// The statement's elements, [`Shape::elements`] of them.
///
/// # Errors
/// [`StatementError`] if the shape is invalid, or the facts are out of range or do not fit into the shape.
pub fn elements(facts: &Facts, shape: &Shape) -> Result<Vec<Fr>, StatementError> {
    shape.validate().map_err(StatementError::Shape)?;
    facts.check()?;
    let counts = counts(facts, shape)?;
    let mut elements = Vec::with_capacity(shape.elements());
    elements.extend([
        bytes_word(&facts.rollup_id),
        Fr::from(facts.batch_number),
        facts.old_root,
        facts.new_root,
        counts,
        bytes_word(&facts.queue),
    ]);
    for section in ORDER {
        let used = elements.len();
        push_words(&mut elements, facts, section);
        let slots = usize::try_from(section.words(shape.slots(section))).unwrap_or(usize::MAX);
        elements.resize(used.saturating_add(slots), Fr::ZERO);
    }
    Ok(elements)
}

/// The words of the facts' lists as the statement has them, without those of unused slots: fee words, then those of
/// priority operations, openings, withdrawals, rotations and transfers. The rest of the elements follows from the
/// shape and the other facts.
///
/// # Errors
/// [`StatementError`] for facts out of range.
pub fn pubdata(facts: &Facts) -> Result<Vec<Fr>, StatementError> {
    facts.check()?;
    let mut words = Vec::new();
    for section in ORDER {
        push_words(&mut words, facts, section);
    }
    Ok(words)
}

/// The order of the sections' words.
const ORDER: [Section; 6] = [
    Section::Fees,
    Section::Priority,
    Section::Openings,
    Section::Withdrawals,
    Section::Rotations,
    Section::Transfers,
];

/// The challenge z, below 2^248.
pub fn challenge(key_id: &KeyId, h: &Fr, elements: &[Fr]) -> Fr {
    challenge_for(&TAG_STATEMENT, key_id, h, elements)
}

/// keccak256(tag ‖ key id ‖ h ‖ keccak256(elements)) mod 2^248.
pub(crate) fn challenge_for(tag: &[u8; 32], key_id: &KeyId, h: &Fr, elements: &[Fr]) -> Fr {
    let words: Vec<[u8; 32]> = elements.iter().map(fr_to_bytes_be).collect();
    let digest = keccak256([words.as_flattened()]);
    bytes_word(&below_2_248(keccak256([
        &tag[..],
        &key_id.0,
        &fr_to_bytes_be(h),
        &digest,
    ])))
}

/// y = Σ e_i · z^i.
#[expect(clippy::arithmetic_side_effects, reason = "field arithmetic is total")]
pub fn evaluate(elements: &[Fr], z: &Fr) -> Fr {
    elements.iter().rev().fold(Fr::ZERO, |y, element| y * z + element)
}

/// The public inputs of a proof, in order: h, z, y.
///
/// # Errors
/// As [`elements()`].
pub fn public_inputs(
    key_id: &KeyId,
    shape: &Shape,
    facts: &Facts,
    h: &Fr,
) -> Result<[Fr; 3], StatementError> {
    let elements = elements(facts, shape)?;
    let z = challenge(key_id, h, &elements);
    Ok([*h, z, evaluate(&elements, &z)])
}

/// Σ count_s · 2^(32·s), each count within the shape's slots.
#[expect(clippy::arithmetic_side_effects, reason = "field arithmetic is total")]
fn counts(facts: &Facts, shape: &Shape) -> Result<Fr, StatementError> {
    let (mut sum, mut place) = (Fr::ZERO, Fr::ONE);
    for section in Section::ALL {
        sum += place * Fr::from(facts.count_within(section, shape.slots(section))?);
        place *= Fr::from(1_u64 << 32);
    }
    Ok(sum)
}

/// Appends the words of a section's used slots.
fn push_words(words: &mut Vec<Fr>, facts: &Facts, section: Section) {
    match section {
        Section::Fees => words.extend(facts.fees.iter().map(fee_word)),
        Section::Priority => words.extend(facts.priority.iter().flat_map(priority_words)),
        Section::Openings => words.extend(facts.openings.iter().flat_map(opening_words)),
        Section::Withdrawals => words.extend(facts.withdrawals.iter().flat_map(withdrawal_words)),
        Section::Rotations => words.extend(facts.rotations.iter().flat_map(rotation_words)),
        Section::Transfers => words.extend(facts.transfers.chunks(2).map(transfer_word)),
    }
}

fn fee_word(fee: &FeeData) -> Fr {
    word(u128::from(fee.leaf) << 32 | u128::from(fee.token), fee.amount)
}

fn priority_words(operation: &PriorityData) -> [Fr; 4] {
    let fields = operation.fields();
    let head = u128::from(fields.kind) << 72
        | u128::from(fields.done) << 64
        | u128::from(fields.leaf) << 32
        | u128::from(fields.token);
    let [x, y] = fields.key;
    [word(head, fields.amount), address_word(0, &fields.owner), x, y]
}

fn opening_words(opening: &OpeningData) -> [Fr; 4] {
    let (token, packed) = (u128::from(opening.token), opening.transfer().packed());
    let [x, y] = opening.key;
    [
        word(token >> 8, token << 120 | packed),
        address_word(0, &opening.owner),
        x,
        y,
    ]
}

fn withdrawal_words(withdrawal: &WithdrawalData) -> [Fr; 2] {
    let head = u128::from(withdrawal.from) << 32 | u128::from(withdrawal.token);
    [
        word(head, withdrawal.amount),
        address_word(withdrawal.fee, &withdrawal.address),
    ]
}

fn rotation_words(rotation: &RotationData) -> [Fr; 4] {
    let head = u128::from(rotation.from) << 16 | u128::from(rotation.fee);
    let [x, y] = rotation.key;
    [word(0, head), address_word(0, &rotation.owner), x, y]
}

/// number · 2^160 + address.
pub(crate) fn address_word(number: u16, address: &[u8; 20]) -> Fr {
    let mut bytes = [0; 32];
    let low = address.iter().rev();
    let parts = low.copied().chain(number.to_le_bytes());
    for (byte, part) in bytes.iter_mut().rev().zip(parts) {
        *byte = part;
    }
    bytes_word(&bytes)
}

/// The word of one or two transfers: the first one's 120 bits above the second's.
fn transfer_word(pair: &[TransferData]) -> Fr {
    let mut packed = pair.iter().map(TransferData::packed);
    let first = packed.next().unwrap_or_default();
    let second = packed.next().unwrap_or_default();
    word(first >> 8, first << 120 | second)
}

/// high · 2^128 + low, which every caller keeps below 2^248.
#[expect(clippy::arithmetic_side_effects, reason = "field arithmetic is total")]
pub(crate) fn word(high: u128, low: u128) -> Fr {
    let two_to_64 = Fr::from(1_u128 << 64);
    Fr::from(high) * two_to_64 * two_to_64 + Fr::from(low)
}

/// 32 big-endian bytes, which every caller keeps below 2^248.
pub(crate) fn bytes_word(bytes: &[u8; 32]) -> Fr {
    let (high, low) = halves(bytes);
    word(high, low)
}
