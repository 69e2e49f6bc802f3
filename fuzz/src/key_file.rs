//! `proving.key`: header, table, points, matrices.

use arbitrary::Unstructured;
use quittance_engine::{Bases, ProvingKey, R1cs, fuzzing};
use quittance_verifier::{Provenance, Shape};

use crate::damage::damage;
use crate::memory::Budget;
use crate::r1cs::{arbitrary_system, one_thread};
use crate::{points, recipe};

/// Reading has a buffer of 1 MiB of its own; a section is held as bytes and as points.
const BUDGET: Budget = Budget {
    base: (1 << 20) + 16_384,
    for_each: 8,
};

/// A circuit that every key of ours could have: three public inputs.
const INSTANCE: usize = 4;

/// Accepted bytes are the bytes that writing gives, and the parts make a key or are refused with an error.
pub fn check(data: &[u8]) {
    one_thread();
    decode(data);
    if let Some(mut recipe) = recipe(data) {
        let _ = build(&mut recipe);
    }
}

fn decode(data: &[u8]) {
    let Ok((bases, r1cs)) = BUDGET.within(data.len(), || fuzzing::read_key_file(data)) else {
        return;
    };
    assert_eq!(fuzzing::write_key_file(&bases, &r1cs), data);
    // A short file can announce a large domain; the key is then refused for the length of its lists.
    let shape = Shape {
        levels: 16,
        transfers: 1,
        fee_slots: 1,
    };
    if let Ok(key) = ProvingKey::new(Provenance::Development, shape, bases, r1cs) {
        assert_eq!(key.verifying_key().shape(), &shape);
    }
}

fn build(recipe: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let Some(r1cs) = arbitrary_system(recipe, Some(INSTANCE))? else {
        return Ok(());
    };
    let bases = arbitrary_bases(&r1cs, recipe)?;
    let mut bytes = fuzzing::write_key_file(&bases, &r1cs);
    let (read, matrices) = fuzzing::read_key_file(&bytes).expect("what was written is read");
    assert!(read == bases && matrices == r1cs);
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

/// Points in lists of the circuit's lengths, now and then of others.
fn arbitrary_bases(r1cs: &R1cs, recipe: &mut Unstructured<'_>) -> arbitrary::Result<Bases> {
    fn list<P>(
        length: usize,
        recipe: &mut Unstructured<'_>,
        point: fn(&mut Unstructured<'_>) -> arbitrary::Result<P>,
    ) -> arbitrary::Result<Vec<P>> {
        let length = if recipe.ratio(1u8, 16u8)? {
            recipe.int_in_range(0..=5usize)?
        } else {
            length
        };
        (0..length).map(|_| point(recipe)).collect()
    }
    let (beta_g1, beta_g2) = points::twins(recipe)?;
    let (delta_g1, delta_g2) = points::twins(recipe)?;
    let variables = r1cs.num_variables();
    Ok(Bases {
        vk: ark_groth16::VerifyingKey {
            alpha_g1: points::g1(recipe)?,
            beta_g2,
            gamma_g2: points::g2(recipe)?,
            delta_g2,
            gamma_abc_g1: list(r1cs.num_instance(), recipe, points::g1)?,
        },
        beta_g1,
        delta_g1,
        a_query: list(variables, recipe, points::g1_or_identity)?,
        b_g1_query: list(variables, recipe, points::g1_or_identity)?,
        b_g2_query: list(variables, recipe, points::g2_or_identity)?,
        h_query: list(r1cs.domain_size(), recipe, points::g1)?,
        l_query: list(r1cs.num_witness(), recipe, points::g1)?,
    })
}

/// A valid input.
pub fn seed(_: usize, recipe: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    let r1cs = arbitrary_system(recipe, Some(INSTANCE))?.ok_or(arbitrary::Error::IncorrectFormat)?;
    Ok(fuzzing::write_key_file(&arbitrary_bases(&r1cs, recipe)?, &r1cs))
}
