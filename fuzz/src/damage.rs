//! Changes to valid bytes, as an input says.

use arbitrary::Unstructured;

/// Changes `bytes` in up to 4 places: bits flipped, numbers replaced by interesting ones, pieces removed, repeated, inserted or
/// cut off. An input that has no more to say changes nothing.
pub fn damage(bytes: &mut Vec<u8>, recipe: &mut Unstructured<'_>) {
    for _ in 0..4 {
        if recipe.is_empty() || change(bytes, recipe).is_err() {
            return;
        }
    }
}

fn change(bytes: &mut Vec<u8>, recipe: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let at = if bytes.is_empty() {
        0
    } else {
        recipe.choose_index(bytes.len())?
    };
    match recipe.int_in_range(0..=7u8)? {
        0 => {
            let mask: u8 = recipe.arbitrary()?;
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= mask;
            }
        }
        1 => {
            let number: u32 = *recipe.choose(&[
                0,
                1,
                2,
                63,
                64,
                65,
                65_536,
                65_537,
                u32::MAX / 2,
                u32::MAX - 1,
                u32::MAX,
            ])?;
            let number = if recipe.arbitrary()? {
                number.to_le_bytes()
            } else {
                number.to_be_bytes()
            };
            for (byte, new) in bytes.iter_mut().skip(at).zip(number) {
                *byte = new;
            }
        }
        2 => {
            let value: u8 = recipe.arbitrary()?;
            let count = recipe.int_in_range(1..=64usize)?;
            bytes
                .iter_mut()
                .skip(at)
                .take(count)
                .for_each(|byte| *byte = value);
        }
        3 => bytes.truncate(at),
        4 => {
            let count = recipe.int_in_range(1..=64usize)?.min(bytes.len() - at);
            bytes.drain(at..at + count);
        }
        5 => {
            let count = recipe.int_in_range(1..=64usize)?.min(bytes.len() - at);
            let piece: Vec<u8> = bytes.iter().skip(at).take(count).copied().collect();
            bytes.splice(at..at, piece);
        }
        6 => {
            let count = recipe.int_in_range(1..=32usize)?.min(recipe.len());
            let piece = recipe.bytes(count)?.to_vec();
            bytes.splice(at..at, piece);
        }
        // Adds the modulus to 32 bytes, the classical second spelling, in either order and of either field.
        _ => {
            let modulus = recipe.choose(&crate::points::MODULI[..])?;
            let big_endian: bool = recipe.arbitrary()?;
            // Fields of 32 bytes lie at multiples of four in every format of ours, seen from the front or from the back.
            let from_back: bool = recipe.arbitrary()?;
            let step = at / 4 * 4;
            let start = if from_back { (bytes.len() % 4) + step } else { step };
            if let Some(word) = bytes.get_mut(start..start + 32) {
                let mut carry = 0;
                for (i, digit) in modulus.iter().enumerate() {
                    let place = if big_endian { 31 - i } else { i };
                    let sum = u16::from(word[place]) + u16::from(*digit) + carry;
                    [word[place], _] = sum.to_le_bytes();
                    carry = sum >> 8;
                }
            }
        }
    }
    Ok(())
}
