//! Shapes: the circuits that are shipped, what they cost, and which one a batch should take.
//!
//! The number of constraints is known without building a circuit ([`predicted_constraints`]); `constraint_counts.csv` pins
//! prediction, measurement and a digest of the matrices for every shipped shape.

use quittance_verifier::Shape;

/// The shipped shapes, smallest domain first. Each fills at least 90 % of its domain from 2^18 up, 85 % below.
pub const SHAPES: [Shape; 6] = [
    shape(2, 1),
    shape(5, 1),
    shape(10, 2),
    shape(21, 2),
    shape(43, 3),
    shape(87, 4),
];

const fn shape(transfers: u32, fee_slots: u32) -> Shape {
    Shape {
        levels: Shape::PRODUCTION_LEVELS,
        transfers,
        fee_slots,
    }
}

/// The shape among `available` with the smallest domain that has room for a batch; with equal domains, the one with
/// fewer constraints. `None` if none has room; shapes that no circuit can have are passed over.
pub fn plan<'a>(
    available: impl IntoIterator<Item = &'a Shape>,
    transfers: usize,
    fee_slots: usize,
) -> Option<Shape> {
    let fits = |slots: u32, wanted: usize| usize::try_from(slots).is_ok_and(|slots| wanted <= slots);
    available
        .into_iter()
        .filter(|shape| shape.validate().is_ok())
        .filter(|shape| fits(shape.transfers, transfers) && fits(shape.fee_slots, fee_slots))
        .min_by_key(|shape| (domain(shape), predicted_constraints(shape)))
        .copied()
}

/// Size of the evaluation domain of a valid shape: the power of two that holds all constraints and the four public inputs.
pub fn domain(shape: &Shape) -> u64 {
    predicted_constraints(shape)
        .saturating_add(4)
        .checked_next_power_of_two()
        .unwrap_or(u64::MAX)
}

/// Constraints of the circuit of a valid shape, by formula.
pub fn predicted_constraints(shape: &Shape) -> u64 {
    let (transfers, fee_slots) = (u64::from(shape.transfers), u64::from(shape.fee_slots));
    // The first slot of a section has no slot before it to be compared with.
    let transfers = transfers
        .saturating_mul(transfer_constraints(shape))
        .saturating_sub(1);
    let fees = fee_slots.saturating_mul(fee_constraints(shape)).saturating_sub(1);
    transfers
        .saturating_add(fees)
        .saturating_add(statement_constraints(shape))
}

/// Constraints of one further transfer slot, its share of the statement aside.
pub fn transfer_constraints(shape: &Shape) -> u64 {
    let levels = u64::from(shape.levels);
    let flags = 1 + 1 + 1;
    let expiry = 32;
    let accounts = 2 + 2 * 2 * levels + 2 * 32 + 32;
    let nonce_and_token = 1 + 1 + 1;
    let amounts = (40 + 5) + (16 + 5) + 128 + 128;
    let fee_routing = 3 * u64::from(shape.fee_slots) + 1;
    let paths = (LEAF_UPDATE + 2 * SBOX) + LEAF_UPDATE + 2 * levels * NODE_UPDATE + 2;
    let root = 1;
    flags + expiry + accounts + nonce_and_token + amounts + SIGNATURE + fee_routing + paths + root
}

/// Constraints of one further fee slot, its share of the statement aside.
pub fn fee_constraints(shape: &Shape) -> u64 {
    let levels = u64::from(shape.levels);
    let header = 1 + 1 + 32;
    let rules = 1 + 1 + 2 * levels + 32 + 1 + 128;
    header + rules + LEAF_UPDATE + levels * NODE_UPDATE + 2
}

/// Variables of one transfer slot, its link included.
pub fn transfer_variables(levels: u64, fee_slots: u64) -> u64 {
    let flags = 5;
    let expiry = 1 + 31;
    let sender = 2 + 2 + 3 + (2 * levels - 1) + 31 + 31;
    let nonce = 1 + 1;
    let recipient = 2 + 2 + (2 * levels - 1) + 31 + 1;
    let amounts = (39 + 5) + (15 + 5) + 127 + 127;
    let r8 = 2;
    let fee_routing = 2 * fee_slots;
    let hinted_key = 2;
    let paths = (LEAF_UPDATE + 2 * SBOX) + (LEAF_UPDATE + hinted_key) + 2 * levels * NODE_VARIABLES;
    let link = 1;
    let accounts = flags + expiry + sender + nonce + recipient + amounts;
    accounts + r8 + SIGNATURE - SIGNATURE_CHECKS + fee_routing + paths + link
}

/// Variables of one fee slot without its header, its link included.
pub fn fee_variables(levels: u64) -> u64 {
    let account = 1 + 2 + 2 + (2 * levels - 1) + 31 + 1 + 127;
    let hinted_key = 2;
    let link = 1;
    account + LEAF_UPDATE + hinted_key + levels * NODE_VARIABLES + link
}

/// Constraints of the statement: ranges, sponge and evaluation.
pub fn statement_constraints(shape: &Shape) -> u64 {
    let elements = u64::try_from(shape.elements()).unwrap_or(u64::MAX);
    let blocks = elements.div_ceil(16);
    let first = SBOX * elements.min(16) + POSEIDON_17_REST;
    let batch_number = 32;
    let root = 1;
    let hash = first + blocks.saturating_sub(1) * (SBOX * 17 + POSEIDON_17_REST) + 1;
    batch_number + SBOX + root + hash + elements.saturating_sub(1)
}

/// One S-box.
const SBOX: u64 = 3;
/// A permutation without its first S-boxes: 3·(7t + R_P).
const POSEIDON_5_REST: u64 = 3 * (7 * 5 + 60);
const POSEIDON_17_REST: u64 = 3 * (7 * 17 + 68);
/// Old and new leaf: S-boxes of owner and both packed words, two permutations.
const LEAF_UPDATE: u64 = 3 * SBOX + 2 * POSEIDON_5_REST;
/// One level of old and new path: two S-boxes, seven rows of selection, two permutations.
const NODE_UPDATE: u64 = 2 * SBOX + 7 + 2 * POSEIDON_5_REST;
/// The same in variables: three hints more, as the row that compares the old child makes none and four children are hinted.
const NODE_VARIABLES: u64 = NODE_UPDATE - 1 + 4;
/// Rows of a signature that make no variable: runs of ones in the window's lower end, the sum of signs, R8.
const SIGNATURE_CHECKS: u64 = 21 + 1 + 2;
/// Message (its prefix is shared and w1 constant), challenge, canonical form and equation.
const SIGNATURE: u64 = MESSAGE + CHALLENGE + CANONICAL + EQUATION;
const MESSAGE: u64 = SBOX + 3 * (7 * 4 + 56);
const CHALLENGE: u64 = SBOX * 5 + 3 * (7 * 6 + 60);
/// 251 bits of S and 84 bits of the challenge, and their comparisons.
const CANONICAL: u64 = 251 + 84 + S_COMPARISON + WINDOW_COMPARISON;
/// Ones of l − 1 above its lowest zero, the topmost aside.
const S_COMPARISON: u64 = 113;
/// The same for the upper end of the challenge's window; zeros and runs of ones for the lower end.
const WINDOW_COMPARISON: u64 = 38 + 57;
/// Conversions, doublings, signs, 254 steps with four exclusions, fixed base, final sum and comparison.
const EQUATION: u64 = 2 + 8 + (170 + 1 + 84) + 4 + (254 * 5 + 4) + 2 + 504 + 6 + 2;
