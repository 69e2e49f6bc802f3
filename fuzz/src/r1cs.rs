//! [`R1cs::from_bytes`]: a constraint system, as key files carry it.

use arbitrary::Unstructured;
use quittance_engine::R1cs;

use crate::damage::damage;
use crate::memory::{Budget, one_thread};
use crate::{points, recipe};

/// Decoding keeps a coefficient and a set of coefficients (for the file's 32 bytes about 100), a term's 8 bytes as 8, and an
/// offset's 4 as 4.
const BUDGET: Budget = Budget {
    base: 8192,
    for_each: 8,
};

/// Accepted bytes are the bytes of the system, which can be evaluated, and whose matrices give the same system again.
pub fn check(data: &[u8]) {
    one_thread();
    decode(data);
    let mut sized = data.to_vec();
    if fit_header(&mut sized).is_some() {
        decode(&sized);
    }
    if let Some(mut recipe) = recipe(data) {
        let _ = build(&mut recipe);
    }
}

fn decode(data: &[u8]) {
    let Ok(r1cs) = BUDGET.within(data.len(), || R1cs::from_bytes(data)) else {
        return;
    };
    assert_eq!(r1cs.to_bytes(), data);
    assert!(r1cs.num_constraints() <= R1cs::MAX_DOMAIN && r1cs.domain_size().is_power_of_two());
    // A short file can announce many variables that no term names.
    if r1cs.num_variables() <= 1 << 12 {
        let again = R1cs::from_matrices(&r1cs.to_matrices(), r1cs.num_instance(), r1cs.num_witness());
        assert_eq!(again.as_ref(), Ok(&r1cs));
        let ones = vec![ark_bn254::Fr::from(1u64); r1cs.num_variables()];
        let _ = r1cs.first_unsatisfied(&ones);
    }
}

/// Makes the header's last count of terms fit the length of the bytes, so that the decoder reads on; `None` if none fits.
fn fit_header(bytes: &mut [u8]) -> Option<()> {
    let number = |at: usize| {
        bytes
            .get(at..at + 4)
            .and_then(|it| it.try_into().ok())
            .map(u32::from_le_bytes)
    };
    let (rows, coefficients) = (u64::from(number(20)?), u64::from(number(24)?));
    let (a, b) = (u64::from(number(28)?), u64::from(number(32)?));
    let others = 64 + 32 * coefficients + 12 * (rows + 1) + 8 * (a + b);
    let left = u64::try_from(bytes.len()).ok()?.checked_sub(others)?;
    let terms = u32::try_from(left / 8).ok()?;
    bytes.get_mut(36..40)?.copy_from_slice(&terms.to_le_bytes());
    Some(())
}

fn build(recipe: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let Some(r1cs) = arbitrary_system(recipe, None)? else {
        return Ok(());
    };
    let mut bytes = r1cs.to_bytes();
    assert_eq!(R1cs::from_bytes(&bytes), Ok(r1cs));
    damage(&mut bytes, recipe);
    if recipe.arbitrary()? {
        let _ = fit_header(&mut bytes);
    }
    decode(&bytes);
    Ok(())
}

/// A small system; `None` if the constructor refuses the numbers.
pub fn arbitrary_system(
    recipe: &mut Unstructured<'_>,
    instance: Option<usize>,
) -> arbitrary::Result<Option<R1cs>> {
    let rows = recipe.int_in_range(0..=6usize)?;
    let num_instance = match instance {
        Some(count) => count,
        None => recipe.int_in_range(0..=5usize)?,
    };
    let num_witness = recipe.int_in_range(0..=6usize)?;
    let variables = num_instance + num_witness;
    let mut matrix = || {
        (0..rows)
            .map(|_| {
                let terms = recipe.int_in_range(0..=4usize)?;
                (0..terms)
                    .map(|_| Ok((points::fr(recipe)?, recipe.int_in_range(0..=variables)?)))
                    .collect()
            })
            .collect::<arbitrary::Result<Vec<Vec<_>>>>()
    };
    let matrices = [matrix()?, matrix()?, matrix()?];
    Ok(R1cs::from_matrices(&matrices, num_instance, num_witness).ok())
}

/// A valid input.
pub fn seed(_: usize, recipe: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    let system = arbitrary_system(recipe, None)?.ok_or(arbitrary::Error::IncorrectFormat)?;
    Ok(system.to_bytes())
}
