//! Shapes: the circuits that are shipped, what they cost, and which one a batch should take.
//!
//! The number of constraints is known without building a circuit ([`predicted_constraints`]); `constraint_counts.csv` pins
//! prediction, measurement and a digest of the matrices for every shipped shape.

use quittance_verifier::{Section, Shape};

/// The shipped shapes, smallest domain first: for transfers alone, and for every kind of operation. Each fills at least 90 % of
/// its domain from 2^18 up, 85 % below.
pub const SHAPES: [Shape; 10] = [
    transfers(2, 1),
    mixed([1, 1, 2, 1, 1, 1]),
    transfers(5, 1),
    mixed([2, 2, 5, 2, 2, 2]),
    transfers(10, 2),
    mixed([3, 3, 13, 4, 2, 3]),
    transfers(21, 2),
    mixed([6, 6, 28, 7, 3, 3]),
    transfers(43, 3),
    transfers(87, 4),
];

const fn transfers(transfers: u32, fee_slots: u32) -> Shape {
    Shape::transfers_only(Shape::PRODUCTION_LEVELS, transfers, fee_slots)
}

const fn mixed([priority, openings, transfers, withdrawals, rotations, fee_slots]: [u32; 6]) -> Shape {
    Shape {
        levels: Shape::PRODUCTION_LEVELS,
        priority,
        openings,
        transfers,
        withdrawals,
        rotations,
        fee_slots,
    }
}

/// How many operations of each section a batch has, and how many fee slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Priority operations.
    pub priority: usize,
    /// Openings.
    pub openings: usize,
    /// Transfers.
    pub transfers: usize,
    /// Withdrawals.
    pub withdrawals: usize,
    /// Rotations.
    pub rotations: usize,
    /// Fee slots.
    pub fee_slots: usize,
}

impl Counts {
    /// The number in one section.
    #[must_use]
    pub const fn of(&self, section: Section) -> usize {
        match section {
            Section::Priority => self.priority,
            Section::Openings => self.openings,
            Section::Transfers => self.transfers,
            Section::Withdrawals => self.withdrawals,
            Section::Rotations => self.rotations,
            Section::Fees => self.fee_slots,
        }
    }

    /// The number in one section, to be changed.
    pub const fn of_mut(&mut self, section: Section) -> &mut usize {
        match section {
            Section::Priority => &mut self.priority,
            Section::Openings => &mut self.openings,
            Section::Transfers => &mut self.transfers,
            Section::Withdrawals => &mut self.withdrawals,
            Section::Rotations => &mut self.rotations,
            Section::Fees => &mut self.fee_slots,
        }
    }

    /// Whether a shape has room for all.
    #[must_use]
    pub fn fit(&self, shape: &Shape) -> bool {
        Section::ALL
            .into_iter()
            .all(|section| usize::try_from(shape.slots(section)).is_ok_and(|slots| self.of(section) <= slots))
    }
}

/// The shape among `available` with the smallest domain that has room for a batch; with equal domains, the one with
/// fewer constraints. `None` if none has room; shapes that no circuit can have are passed over.
pub fn plan<'a>(available: impl IntoIterator<Item = &'a Shape>, counts: &Counts) -> Option<Shape> {
    available
        .into_iter()
        .filter(|shape| shape.validate().is_ok() && counts.fit(shape))
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
    let sections = Section::ALL.into_iter().map(|section| {
        // The first slot of a section has no slot before it to be compared with.
        u64::from(shape.slots(section))
            .saturating_mul(slot_constraints(shape, section))
            .saturating_sub(1)
    });
    sections.fold(statement_constraints(shape), u64::saturating_add)
}

/// Constraints of one further slot of a section, its share of the statement aside.
pub fn slot_constraints(shape: &Shape, section: Section) -> u64 {
    match section {
        Section::Priority => priority_constraints(shape),
        Section::Openings => opening_constraints(shape),
        Section::Transfers => transfer_constraints(shape),
        Section::Withdrawals => withdrawal_constraints(shape),
        Section::Rotations => rotation_constraints(shape),
        Section::Fees => fee_constraints(shape),
    }
}

/// Constraints of one further transfer slot, its share of the statement aside.
pub fn transfer_constraints(shape: &Shape) -> u64 {
    let levels = u64::from(shape.levels);
    let padding = 1;
    let recipient = 1 + 2 * levels + 32 + 1 + 128;
    let recipient_path = LEAF_UPDATE + levels * NODE_UPDATE + 1;
    signed_constraints(shape) + padding + recipient + FLOAT_AMOUNT + recipient_path
}

/// Constraints of one further opening slot, its share of the statement aside.
pub fn opening_constraints(shape: &Shape) -> u64 {
    let levels = u64::from(shape.levels);
    let padding = 4;
    let recipient = 1 + 2 * levels + 1;
    let recipient_path = LEAF + levels * NODE_UPDATE + 1;
    signed_constraints(shape) + padding + recipient + HOLDER + SECOND_WORD + FLOAT_AMOUNT + recipient_path
}

/// Constraints of one further withdrawal slot, its share of the statement aside.
pub fn withdrawal_constraints(shape: &Shape) -> u64 {
    let padding = 2;
    let address = 160 + 1;
    let amount = 128;
    signed_constraints(shape) + padding + address + amount + SECOND_WORD
}

/// Constraints of one further rotation slot, its share of the statement aside.
pub fn rotation_constraints(shape: &Shape) -> u64 {
    let padding = 4;
    let second_holder = 2 * LEAF - (LEAF_UPDATE + 2 * SBOX);
    signed_constraints(shape) + padding + HOLDER + SECOND_WORD + second_holder
}

/// Constraints that every further signed slot has: flags, signer, fee, signature, one path, root.
fn signed_constraints(shape: &Shape) -> u64 {
    let levels = u64::from(shape.levels);
    let flags = 1 + 1;
    let expiry = 32;
    let account = 1 + 2 * levels + 32 + 32 + 1 + 1;
    let spent = (16 + 5) + 128;
    let fee_routing = 3 * u64::from(shape.fee_slots) + 1;
    let path = (LEAF_UPDATE + 2 * SBOX) + levels * NODE_UPDATE + 1;
    let root = 1;
    flags + expiry + account + spent + SIGNATURE + fee_routing + path + root
}

/// Constraints of one further priority slot, its share of the statement aside.
pub fn priority_constraints(shape: &Shape) -> u64 {
    let levels = u64::from(shape.levels);
    let flags = 1 + 1 + 2 + 4;
    let ranges = 2 * levels + 32 + 128 + 32 + 32;
    let conditions = 2 + 2 + 129 + KEY + 2 + 2;
    let outcome = 5 + 1 + 1 + 4;
    let leaves = 5 + 2 * LEAF + 1;
    let path = levels * NODE_UPDATE + 1;
    let root = 1;
    flags + ranges + conditions + outcome + leaves + path + root
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
    let stated = 2;
    let recipient = 1 + 1 + (2 * levels - 1) + 2 + 31 + 1 + 127;
    let hinted_key = 2;
    let recipient_path = LEAF_UPDATE + hinted_key + levels * NODE_VARIABLES;
    signed_variables(levels, fee_slots) + stated + recipient + (FLOAT_AMOUNT - 1) + recipient_path
}

/// Variables of one opening slot, its link included.
pub fn opening_variables(levels: u64, fee_slots: u64) -> u64 {
    let stated = 2 + HOLDER_VARIABLES;
    let recipient = 1 + (2 * levels - 1);
    let recipient_path = LEAF + levels * NODE_VARIABLES;
    signed_variables(levels, fee_slots)
        + stated
        + recipient
        + SECOND_WORD
        + (FLOAT_AMOUNT - 1)
        + recipient_path
}

/// Variables of one withdrawal slot, its link included.
pub fn withdrawal_variables(levels: u64, fee_slots: u64) -> u64 {
    let stated = 2;
    let address = 159 + 1;
    let amount = 127;
    signed_variables(levels, fee_slots) + stated + address + amount + SECOND_WORD
}

/// Variables of one rotation slot, its link included.
pub fn rotation_variables(levels: u64, fee_slots: u64) -> u64 {
    let second_holder = 2 * LEAF - (LEAF_UPDATE + 2 * SBOX);
    signed_variables(levels, fee_slots) + HOLDER_VARIABLES + SECOND_WORD + second_holder
}

/// Variables that every signed slot has.
fn signed_variables(levels: u64, fee_slots: u64) -> u64 {
    let stated = 3;
    let expiry = 1 + 31;
    let account = 1 + 1 + 2 + 3 + (2 * levels - 1) + 31 + 31 + 1 + 1;
    let spent = (15 + 5) + 127;
    let r8 = 2;
    let fee_routing = 2 * fee_slots;
    let path = (LEAF_UPDATE + 2 * SBOX) + levels * NODE_VARIABLES;
    let link = 1;
    stated + expiry + account + spent + r8 + SIGNATURE - SIGNATURE_CHECKS + fee_routing + path + link
}

/// Variables of one priority slot, its link included.
pub fn priority_variables(levels: u64) -> u64 {
    let stated = 9;
    let ranges = 6 + (2 * levels - 1) + 31 + 127 + 31 + 31;
    let conditions = (1 + 1) + 2 + 128 + KEY_VARIABLES + 2 + 2;
    let outcome = 5 + 1 + 2;
    let leaves = 5 + 2 * LEAF + 1;
    let link = 1;
    stated + ranges + conditions + outcome + leaves + levels * NODE_VARIABLES + link
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
/// A 40-bit float, decoded.
const FLOAT_AMOUNT: u64 = 40 + 5;
/// The second word of a message.
const SECOND_WORD: u64 = SBOX;
/// Whether a point is a key: rows and variables.
const KEY: u64 = 28;
const KEY_VARIABLES: u64 = 28;
/// Key and owner that enter the tree: both rules, and the hash of them that is signed.
const HOLDER: u64 = KEY + 1 + 1 + HOLDER_HASH;
const HOLDER_HASH: u64 = 3 * SBOX + 3 * (7 * 4 + 56);
/// The same in variables: owner and coordinates, the owner's inverse.
const HOLDER_VARIABLES: u64 = 3 + KEY_VARIABLES + 1 + HOLDER_HASH;
/// One leaf.
const LEAF: u64 = 4 * SBOX + POSEIDON_5_REST;
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
