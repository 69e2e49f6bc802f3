//! `proving.key`: header, table, points, matrices.

use arbitrary::Unstructured;
use ark_ec::AffineRepr;
use quittance_engine::{Bases, MatrixName, ProvingKeyError, R1cs, fuzzing};

use crate::damage::damage;
use crate::memory::{Budget, one_thread};
use crate::r1cs::arbitrary_system;
use crate::{points, recipe};

/// The bytes are copied, as a mapping is not; matrices keep a dictionary and marks for each variable. The rest is pairings.
const BUDGET: Budget = Budget {
    base: (1 << 18) + 16_384,
    for_each: 8,
};

/// Any number of public inputs; a statement has three.
const MOST_INSTANCE: usize = 6;

/// Accepted bytes are the bytes that their points and matrices give again, unless a point is off its curve or the identity.
pub fn check(data: &[u8]) {
    one_thread();
    decode(data);
    if let Some(mut recipe) = recipe(data) {
        let _ = build(&mut recipe);
    }
}

fn decode(data: &[u8]) {
    let Ok(key) = BUDGET.within(data.len(), || fuzzing::read_key_file(data)) else {
        return;
    };
    match fuzzing::write_key_file(key.to_arkworks(), key.r1cs()) {
        Ok(bytes) => assert_eq!(bytes, data),
        Err(
            ProvingKeyError::Identity { .. }
            | ProvingKeyError::NotCanonical { .. }
            | ProvingKeyError::NotOnCurve { .. },
        ) => assert!(key.check_points().is_err()),
        Err(error) => panic!("{error}"),
    }
}

fn build(recipe: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let instance = recipe.int_in_range(1..=MOST_INSTANCE)?;
    let Some(r1cs) = arbitrary_system(recipe, Some(instance))? else {
        return Ok(());
    };
    let bases = arbitrary_bases(&r1cs, recipe)?;
    let Ok(mut bytes) = fuzzing::write_key_file(bases.clone(), &r1cs) else {
        return Ok(());
    };
    let read = fuzzing::read_key_file(&bytes).expect("what was written is read");
    assert!(read.to_arkworks() == bases && read.r1cs() == &r1cs);
    damage(&mut bytes, recipe);
    if recipe.arbitrary()? {
        fit_header(&mut bytes);
    }
    decode(&bytes);
    Ok(())
}

/// Makes the header's length that of the bytes, so that the decoder reads on.
fn fit_header(bytes: &mut [u8]) {
    if let Ok(length) = u64::try_from(bytes.len())
        && let Some(field) = bytes.get_mut(16..24)
    {
        field.copy_from_slice(&length.to_le_bytes());
    }
}

/// Points where the matrices need them; now and then an identity too many, or a list of another length.
fn arbitrary_bases(r1cs: &R1cs, recipe: &mut Unstructured<'_>) -> arbitrary::Result<Bases> {
    /// A list with a point for each true.
    fn list<P: AffineRepr>(
        named: &[bool],
        recipe: &mut Unstructured<'_>,
        point: fn(&mut Unstructured<'_>) -> arbitrary::Result<P>,
    ) -> arbitrary::Result<Vec<P>> {
        let mut points = named
            .iter()
            .map(|&named| if named { point(recipe) } else { Ok(P::zero()) })
            .collect::<arbitrary::Result<Vec<P>>>()?;
        match recipe.int_in_range(0..=63u8)? {
            0 => drop(points.pop()),
            1 => points.push(point(recipe)?),
            2 if !points.is_empty() => {
                let at = recipe.choose_index(points.len())?;
                points[at] = P::zero();
            }
            _ => {}
        }
        Ok(points)
    }
    let variables = r1cs.num_variables();
    let mut named = [MatrixName::A, MatrixName::B].map(|name| {
        let mut named = vec![false; variables];
        for row in 0..r1cs.num_constraints() {
            r1cs.row(name, row).for_each(|(_, column)| named[column] = true);
        }
        named
    });
    // The reduction has a row for each of them.
    named[0][..r1cs.num_instance()].fill(true);
    let [a, b] = named;
    let (beta_g1, beta_g2) = points::twins(recipe)?;
    let (delta_g1, delta_g2) = points::twins(recipe)?;
    let all = |count: usize| vec![true; count];
    Ok(Bases {
        vk: ark_groth16::VerifyingKey {
            alpha_g1: points::g1(recipe)?,
            beta_g2,
            gamma_g2: points::g2(recipe)?,
            delta_g2,
            gamma_abc_g1: list(&all(r1cs.num_instance()), recipe, points::g1)?,
        },
        beta_g1,
        delta_g1,
        a_query: list(&a, recipe, points::g1)?,
        b_g1_query: list(&b, recipe, points::g1)?,
        b_g2_query: list(&b, recipe, points::g2)?,
        h_query: list(&all(r1cs.domain_size()), recipe, points::g1)?,
        l_query: list(&all(r1cs.num_witness()), recipe, points::g1)?,
    })
}

/// A valid input, the first with a statement's three public inputs.
pub fn seed(number: usize, recipe: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    let refused = arbitrary::Error::IncorrectFormat;
    let instance = if number == 0 {
        4
    } else {
        recipe.int_in_range(1..=MOST_INSTANCE)?
    };
    let r1cs = arbitrary_system(recipe, Some(instance))?.ok_or(refused)?;
    fuzzing::write_key_file(arbitrary_bases(&r1cs, recipe)?, &r1cs).map_err(|_| refused)
}
