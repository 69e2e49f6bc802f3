//! The sizes that fix one circuit.

use alloc::{format, string::String};

use crate::DecodeError;

/// The sizes that fix one circuit, and with it the number and position of the statement's elements.
///
/// The fields can hold any number; [`Shape::validate`] says whether a circuit of this shape can exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shape {
    /// Levels of the 4-ary account tree, 1 to 16. Production uses [`Shape::PRODUCTION_LEVELS`].
    pub levels: u8,
    /// Transfer slots, 1 to [`Shape::MAX_TRANSFERS`].
    pub transfers: u32,
    /// Fee slots, 1 to [`Shape::MAX_FEE_SLOTS`].
    pub fee_slots: u32,
}

impl Shape {
    /// Tree levels of every production shape: 4^16 = 2^32 leaves.
    pub const PRODUCTION_LEVELS: u8 = 16;
    /// The most transfer slots that a shape may have.
    pub const MAX_TRANSFERS: u32 = 65_536;
    /// The most fee slots that a shape may have.
    pub const MAX_FEE_SLOTS: u32 = 64;
    /// Elements before the fee words: rollup id, batch number, old root, new root, counts.
    pub(crate) const HEAD_ELEMENTS: usize = 5;

    /// The shape's name: `t8f1` for 8 transfers and 1 fee slot at 16 levels, `t8f1l4` at 4 levels.
    pub fn name(&self) -> String {
        let Self {
            levels,
            transfers,
            fee_slots,
        } = self;
        if *levels == Self::PRODUCTION_LEVELS {
            format!("t{transfers}f{fee_slots}")
        } else {
            format!("t{transfers}f{fee_slots}l{levels}")
        }
    }

    /// Reads a name. Accepts exactly what [`Shape::name`] writes for valid shapes.
    ///
    /// # Errors
    /// [`DecodeError::ShapeName`] for any other text, [`DecodeError::OutOfRange`] for sizes out of range.
    pub fn parse_name(name: &str) -> Result<Self, DecodeError> {
        let rest = name.strip_prefix('t').ok_or(DecodeError::ShapeName)?;
        let (transfers, rest) = rest.split_once('f').ok_or(DecodeError::ShapeName)?;
        let (fee_slots, levels) = match rest.split_once('l') {
            Some((fee_slots, levels)) => (fee_slots, levels.parse().map_err(|_| DecodeError::ShapeName)?),
            None => (rest, Self::PRODUCTION_LEVELS),
        };
        let shape = Self {
            levels,
            transfers: transfers.parse().map_err(|_| DecodeError::ShapeName)?,
            fee_slots: fee_slots.parse().map_err(|_| DecodeError::ShapeName)?,
        };
        shape.validate()?;
        // Rejects signs, leading zeros and an explicit l16.
        if shape.name() == name {
            Ok(shape)
        } else {
            Err(DecodeError::ShapeName)
        }
    }

    /// The number m of statement elements: 5 + fee slots + ⌈transfers / 2⌉.
    pub fn elements(&self) -> usize {
        let words = self.fee_slots.saturating_add(self.transfers.div_ceil(2));
        usize::try_from(words)
            .unwrap_or(usize::MAX)
            .saturating_add(Self::HEAD_ELEMENTS)
    }

    /// Checks that the sizes are in range.
    ///
    /// # Errors
    /// [`DecodeError::OutOfRange`] naming the first size that is not.
    pub fn validate(&self) -> Result<(), DecodeError> {
        for (field, got, max) in [
            (
                "shape.levels",
                u32::from(self.levels),
                u32::from(Self::PRODUCTION_LEVELS),
            ),
            ("shape.transfers", self.transfers, Self::MAX_TRANSFERS),
            ("shape.fee_slots", self.fee_slots, Self::MAX_FEE_SLOTS),
        ] {
            if got == 0 || got > max {
                return Err(DecodeError::OutOfRange {
                    field,
                    min: 1,
                    max: max.into(),
                    got: got.into(),
                });
            }
        }
        Ok(())
    }
}
