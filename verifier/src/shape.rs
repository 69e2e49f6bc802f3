//! The sizes that fix one circuit.

mod section;

use alloc::{format, string::String};

pub use section::Section;

use crate::DecodeError;

/// The sizes that fix one circuit, and with it the number and position of the statement's elements: the slots of
/// each section. A slot runs operations of its section's kind only.
///
/// The fields can hold any number; [`Shape::validate`] says whether a circuit of this shape can exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shape {
    /// Levels of the 4-ary account tree, 1 to 16. Production uses [`Shape::PRODUCTION_LEVELS`].
    pub levels: u8,
    /// Slots for deposits and forced exits, 0 to [`Shape::MAX_SLOTS`].
    pub priority: u32,
    /// Slots for openings, 0 to [`Shape::MAX_SLOTS`].
    pub openings: u32,
    /// Slots for transfers, 0 to [`Shape::MAX_SLOTS`].
    pub transfers: u32,
    /// Slots for withdrawals, 0 to [`Shape::MAX_SLOTS`].
    pub withdrawals: u32,
    /// Slots for rotations, 0 to [`Shape::MAX_SLOTS`].
    pub rotations: u32,
    /// Fee slots, 0 to [`Shape::MAX_FEE_SLOTS`]; at least 1 if a section of signed operations has a slot.
    pub fee_slots: u32,
}

impl Shape {
    /// Tree levels of every production shape: 4^16 = 2^32 leaves.
    pub const PRODUCTION_LEVELS: u8 = 16;
    /// The most slots that a section of operations may have.
    pub const MAX_SLOTS: u32 = 65_536;
    /// The most fee slots that a shape may have.
    pub const MAX_FEE_SLOTS: u32 = 64;
    /// Elements before the fee words: rollup id, batch number, old root, new root, counts, queue hash.
    pub const HEAD_ELEMENTS: usize = 6;

    /// A shape with slots for transfers and fees alone.
    pub const fn transfers_only(levels: u8, transfers: u32, fee_slots: u32) -> Self {
        Self {
            levels,
            priority: 0,
            openings: 0,
            transfers,
            withdrawals: 0,
            rotations: 0,
            fee_slots,
        }
    }

    /// The slots of a section.
    pub const fn slots(&self, section: Section) -> u32 {
        match section {
            Section::Priority => self.priority,
            Section::Openings => self.openings,
            Section::Transfers => self.transfers,
            Section::Withdrawals => self.withdrawals,
            Section::Rotations => self.rotations,
            Section::Fees => self.fee_slots,
        }
    }

    /// The shape's name: a letter for each section that has slots, in the order of [`Section::ALL`], and their
    /// number; then `l` and the levels, unless they are 16. So `p2o1t8w1r1f2`, `t8f1`, and `t8f1l4` at 4 levels.
    pub fn name(&self) -> String {
        let mut name = String::new();
        for section in Section::ALL {
            let slots = self.slots(section);
            if slots != 0 {
                name.push_str(&format!("{}{slots}", section.letter()));
            }
        }
        if self.levels != Self::PRODUCTION_LEVELS {
            name.push_str(&format!("l{}", self.levels));
        }
        name
    }

    /// Reads a name. Accepts exactly what [`Shape::name`] writes for valid shapes.
    ///
    /// # Errors
    /// [`DecodeError::ShapeName`] for any other text; what [`Shape::validate`] says for a name of sizes out of range.
    pub fn parse_name(name: &str) -> Result<Self, DecodeError> {
        let mut shape = Self::transfers_only(Self::PRODUCTION_LEVELS, 0, 0);
        let mut rest = name;
        for section in Section::ALL {
            if let Some(after) = rest.strip_prefix(section.letter()) {
                let (digits, after) = split_digits(after);
                *shape.slots_mut(section) = digits.parse().map_err(|_| DecodeError::ShapeName)?;
                rest = after;
            }
        }
        if let Some(digits) = rest.strip_prefix('l') {
            shape.levels = digits.parse().map_err(|_| DecodeError::ShapeName)?;
        }
        // Rejects signs, leading zeros, sections of 0 slots, an explicit l16, another order, and what else is left.
        if shape.name() != name {
            return Err(DecodeError::ShapeName);
        }
        shape.validate()?;
        Ok(shape)
    }

    /// The number m of statement elements: 6 + fee slots + 4 · (priority + openings + rotations) +
    /// 2 · withdrawals + ⌈transfers / 2⌉.
    pub fn elements(&self) -> usize {
        let words = Section::ALL.map(|section| section.words(self.slots(section)));
        words.iter().fold(Self::HEAD_ELEMENTS, |sum, words| {
            sum.saturating_add(usize::try_from(*words).unwrap_or(usize::MAX))
        })
    }

    /// Checks that a circuit of this shape can exist: sizes in range, a slot for some operation, and a fee slot for
    /// the operations that pay fees.
    ///
    /// # Errors
    /// [`DecodeError::OutOfRange`] naming the first size that is not, or [`DecodeError::EmptyShape`].
    pub fn validate(&self) -> Result<(), DecodeError> {
        in_range(
            "shape.levels",
            self.levels.into(),
            1,
            Self::PRODUCTION_LEVELS.into(),
        )?;
        for section in Section::ALL {
            let signed = self.openings | self.transfers | self.withdrawals | self.rotations;
            let min = match section {
                Section::Fees if signed != 0 => 1,
                _ => 0,
            };
            in_range(
                section.shape_field(),
                self.slots(section),
                min,
                section.max_slots(),
            )?;
        }
        if Section::ALL
            .iter()
            .all(|section| *section == Section::Fees || self.slots(*section) == 0)
        {
            return Err(DecodeError::EmptyShape);
        }
        Ok(())
    }

    pub(crate) fn slots_mut(&mut self, section: Section) -> &mut u32 {
        match section {
            Section::Priority => &mut self.priority,
            Section::Openings => &mut self.openings,
            Section::Transfers => &mut self.transfers,
            Section::Withdrawals => &mut self.withdrawals,
            Section::Rotations => &mut self.rotations,
            Section::Fees => &mut self.fee_slots,
        }
    }
}

/// The digits that a text starts with, and the rest.
fn split_digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

pub(crate) fn in_range(field: &'static str, got: u32, min: u32, max: u32) -> Result<(), DecodeError> {
    if (min..=max).contains(&got) {
        Ok(())
    } else {
        Err(DecodeError::OutOfRange {
            field,
            min: min.into(),
            max: max.into(),
            got: got.into(),
        })
    }
}
