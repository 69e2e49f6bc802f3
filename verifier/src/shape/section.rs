//! The parts of a batch, each with operations of one kind.

use core::fmt;

use crate::Shape;

/// A part of a batch. Sections run in this order, and everything that lists sections keeps to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// Deposits and forced exits, which come from the root chain's queue.
    Priority,
    /// Openings of leaves.
    Openings,
    /// Transfers.
    Transfers,
    /// Withdrawals to the root chain.
    Withdrawals,
    /// Rotations of keys.
    Rotations,
    /// Fee slots, which credit what the batch's operations pay.
    Fees,
}

impl Section {
    /// Every section, in order.
    pub const ALL: [Self; 6] = [
        Self::Priority,
        Self::Openings,
        Self::Transfers,
        Self::Withdrawals,
        Self::Rotations,
        Self::Fees,
    ];

    /// Its place in the order, 0 to 5: bits 32·number to 32·number + 31 of element e4 are its count.
    pub const fn number(self) -> u8 {
        match self {
            Self::Priority => 0,
            Self::Openings => 1,
            Self::Transfers => 2,
            Self::Withdrawals => 3,
            Self::Rotations => 4,
            Self::Fees => 5,
        }
    }

    /// Its letter in the names of shapes.
    pub const fn letter(self) -> char {
        match self {
            Self::Priority => 'p',
            Self::Openings => 'o',
            Self::Transfers => 't',
            Self::Withdrawals => 'w',
            Self::Rotations => 'r',
            Self::Fees => 'f',
        }
    }

    /// Its name, which is also that of its list in facts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Priority => "priority",
            Self::Openings => "openings",
            Self::Transfers => "transfers",
            Self::Withdrawals => "withdrawals",
            Self::Rotations => "rotations",
            Self::Fees => "fees",
        }
    }

    /// What one of its entries is called.
    pub const fn singular(self) -> &'static str {
        match self {
            Self::Priority => "priority operation",
            Self::Openings => "opening",
            Self::Transfers => "transfer",
            Self::Withdrawals => "withdrawal",
            Self::Rotations => "rotation",
            Self::Fees => "fee slot",
        }
    }

    /// The most slots that a shape may have in this section, and with it the longest list in facts.
    pub const fn max_slots(self) -> u32 {
        match self {
            Self::Fees => Shape::MAX_FEE_SLOTS,
            _ => Shape::MAX_SLOTS,
        }
    }

    /// Statement elements that so many slots have.
    pub const fn words(self, slots: u32) -> u32 {
        match self {
            Self::Priority | Self::Openings | Self::Rotations => slots.saturating_mul(4),
            Self::Withdrawals => slots.saturating_mul(2),
            Self::Transfers => slots.div_ceil(2),
            Self::Fees => slots,
        }
    }

    /// The name of its size in errors.
    pub(crate) const fn shape_field(self) -> &'static str {
        match self {
            Self::Priority => "shape.priority",
            Self::Openings => "shape.openings",
            Self::Transfers => "shape.transfers",
            Self::Withdrawals => "shape.withdrawals",
            Self::Rotations => "shape.rotations",
            Self::Fees => "shape.fee_slots",
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
