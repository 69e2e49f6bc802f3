//! [`VerifyingKey::from_bytes`], and the texts that name keys and shapes: [`KeyId`], [`Shape::parse_name`].

use quittance_verifier::{DevelopmentKeys, KeyId, KeyPoints, Provenance, Shape, Verifier, VerifyingKey};

use crate::damage::damage;
use crate::memory::Budget;
use crate::{points, recipe};

const BUDGET: Budget = Budget {
    base: 4096,
    for_each: 4,
};

/// Accepted bytes are the bytes of the key; a development key is refused where it has to be; texts have one spelling.
pub fn check(data: &[u8]) {
    decode(data);
    if let Ok(text) = std::str::from_utf8(data) {
        names(text);
    }
    if let Some(mut recipe) = recipe(data) {
        let _ = build(&mut recipe);
    }
}

fn decode(data: &[u8]) {
    let Ok(key) = BUDGET.within(data.len(), || VerifyingKey::from_bytes(data)) else {
        return;
    };
    assert_eq!(key.to_bytes(), data);
    assert_eq!(
        VerifyingKey::new(key.provenance(), *key.shape(), *key.points()),
        Ok(key.clone())
    );
    assert!(key.shape().validate().is_ok());
    let refused = Verifier::new(&key, DevelopmentKeys::Refuse).is_err();
    let for_tests = key.provenance() == Provenance::Development || key.shape().levels < 16;
    assert_eq!(refused, for_tests);
}

fn names(text: &str) {
    BUDGET.within(text.len(), || {
        if let Ok(shape) = Shape::parse_name(text) {
            assert_eq!(shape.name(), text);
            assert!(shape.validate().is_ok());
        }
        if let Ok(id) = text.parse::<KeyId>() {
            assert_eq!(id.to_string(), text);
        }
    });
}

fn build(recipe: &mut arbitrary::Unstructured<'_>) -> arbitrary::Result<()> {
    if let Some(key) = arbitrary_key(recipe)? {
        let mut bytes = key.to_bytes();
        assert_eq!(VerifyingKey::from_bytes(&bytes), Ok(key));
        damage(&mut bytes, recipe);
        decode(&bytes);
    }
    let shape = arbitrary_shape(recipe)?;
    assert_eq!(Shape::parse_name(&shape.name()), Ok(shape));
    Ok(())
}

/// A key with valid points; `None` for a δ that is refused.
fn arbitrary_key(recipe: &mut arbitrary::Unstructured<'_>) -> arbitrary::Result<Option<VerifyingKey>> {
    let provenance = *recipe.choose(&[Provenance::Development, Provenance::Ceremony])?;
    let shape = arbitrary_shape(recipe)?;
    let points = arbitrary_points(recipe)?;
    Ok(VerifyingKey::new(provenance, shape, points).ok())
}

/// Valid points, of which δ may still be one that keys refuse.
pub fn arbitrary_points(recipe: &mut arbitrary::Unstructured<'_>) -> arbitrary::Result<KeyPoints> {
    Ok(KeyPoints {
        alpha_g1: points::g1(recipe)?,
        beta_g2: points::g2(recipe)?,
        gamma_g2: points::g2(recipe)?,
        delta_g2: points::g2(recipe)?,
        ic: [
            points::g1(recipe)?,
            points::g1(recipe)?,
            points::g1(recipe)?,
            points::g1(recipe)?,
        ],
    })
}

/// A valid shape.
pub fn arbitrary_shape(recipe: &mut arbitrary::Unstructured<'_>) -> arbitrary::Result<Shape> {
    let mut slots = || {
        if recipe.arbitrary()? {
            recipe.int_in_range(1..=Shape::MAX_SLOTS)
        } else {
            Ok(0)
        }
    };
    let mut shape = Shape {
        levels: 0,
        priority: slots()?,
        openings: slots()?,
        transfers: slots()?,
        withdrawals: slots()?,
        rotations: slots()?,
        fee_slots: 0,
    };
    let signed = shape.openings | shape.transfers | shape.withdrawals | shape.rotations;
    if signed == 0 && shape.priority == 0 {
        shape.priority = 1;
    }
    shape.levels = recipe.int_in_range(1..=Shape::PRODUCTION_LEVELS)?;
    shape.fee_slots = recipe.int_in_range(u32::from(signed != 0)..=Shape::MAX_FEE_SLOTS)?;
    Ok(shape)
}

/// A valid input: a key, its id or the name of its shape.
pub fn seed(number: usize, recipe: &mut arbitrary::Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    let key = arbitrary_key(recipe)?.ok_or(arbitrary::Error::IncorrectFormat)?;
    Ok(match number % 4 {
        0 => key.key_id().to_string().into_bytes(),
        1 => key.shape().name().into_bytes(),
        _ => key.to_bytes(),
    })
}
