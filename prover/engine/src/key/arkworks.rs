//! Between arkworks' lists, with a point for each variable, and a key's, without identities.

use std::ops::Range;

use ark_bn254::{G1Affine, G2Affine};
use rayon::prelude::*;

use super::file::{Contents, Draft, FixedPoints, Section};
use super::points::StoredPoint;
use super::{Bases, ProvingKeyError, QueryName};
use crate::R1cs;
use crate::backend::Line;

/// Lays out the points of a key. Lists have the lengths that the matrices need, and identities exactly where they need them.
pub(super) fn draft(bases: Bases, r1cs: &R1cs) -> Result<Draft, ProvingKeyError> {
    check_lengths(&bases, r1cs)?;
    let mut draft = Draft::new(r1cs);
    let instance = r1cs.num_instance();
    let Bases {
        vk,
        beta_g1,
        delta_g1,
        a_query,
        b_g1_query,
        b_g2_query,
        h_query,
        l_query,
    } = bases;
    draft.set_fixed(&FixedPoints {
        vk,
        beta_g1,
        delta_g1,
    });
    // Each list is dropped when it is written: a key of gigabytes is in memory twice for no longer than that.
    let [a, b, l] = [draft.classes().a(), draft.classes().b(), draft.classes().l()];
    put(&mut draft, QueryName::A, Section::A, a_query, a, 0)?;
    put(&mut draft, QueryName::B1, Section::B1, b_g1_query, b.clone(), 0)?;
    put(&mut draft, QueryName::B2, Section::B2, b_g2_query, b, 0)?;
    put(&mut draft, QueryName::L, Section::L, l_query, l, instance)?;
    let (lines, _) = draft.points_mut(Section::H);
    lines
        .par_iter_mut()
        .zip(&h_query)
        .for_each(|(line, point)| point.write(std::slice::from_mut(line)));
    Ok(draft)
}

/// Writes the points of a list at their positions; the first variable of the list is `first`.
fn put<P: StoredPoint>(
    draft: &mut Draft,
    query: QueryName,
    section: Section,
    points: Vec<P>,
    [low, high]: [Range<usize>; 2],
    first: usize,
) -> Result<(), ProvingKeyError> {
    let (lines, order) = draft.points_mut(section);
    let (low_lines, high_lines) = lines.split_at_mut(low.len() * P::LINES);
    for (lines, range) in [(low_lines, low.clone()), (high_lines, high.clone())] {
        lines
            .par_chunks_exact_mut(P::LINES)
            .zip(&order[range])
            .for_each(|(lines, &variable)| points[variable as usize - first].write(lines));
    }
    // Identities in the list are found where every key is looked at; here, what is no identity outside it.
    let outside = [0..low.start, low.end..high.start, high.end..order.len()];
    let stray = outside.into_iter().flatten().find_map(|position| {
        let index = (order[position] as usize).checked_sub(first)?;
        (!points[index].is_zero()).then_some(index)
    });
    match stray {
        Some(index) => Err(ProvingKeyError::Stray { query, index }),
        None => Ok(()),
    }
}

/// The lists with a point for each variable, as arkworks wants them. Points are not checked.
pub(super) fn bases(contents: &Contents) -> Bases {
    let FixedPoints {
        vk,
        beta_g1,
        delta_g1,
    } = contents.fixed.clone();
    let classes = &contents.classes;
    let (variables, instance) = (classes.variables(), classes.instance());
    Bases {
        vk,
        beta_g1,
        delta_g1,
        a_query: scatter::<G1Affine>(contents, Section::A, classes.a(), 0, variables),
        b_g1_query: scatter::<G1Affine>(contents, Section::B1, classes.b(), 0, variables),
        b_g2_query: scatter::<G2Affine>(contents, Section::B2, classes.b(), 0, variables),
        h_query: read(contents.lines(Section::H)),
        l_query: scatter::<G1Affine>(contents, Section::L, classes.l(), instance, variables),
    }
}

/// The points of the variables from `first` to `end`.
fn scatter<P: StoredPoint>(
    contents: &Contents,
    section: Section,
    [low, high]: [Range<usize>; 2],
    first: usize,
    end: usize,
) -> Vec<P> {
    let mut points = vec![P::zero(); end - first];
    let lines = contents.lines(section).chunks_exact(P::LINES);
    for (lines, position) in lines.zip(low.chain(high)) {
        points[contents.order()[position] as usize - first] = P::read(lines);
    }
    points
}

fn read<P: StoredPoint>(lines: &[Line]) -> Vec<P> {
    lines.par_chunks_exact(P::LINES).map(P::read).collect()
}

fn check_lengths(bases: &Bases, r1cs: &R1cs) -> Result<(), ProvingKeyError> {
    let variables = r1cs.num_variables();
    let lengths = [
        (QueryName::A, bases.a_query.len(), variables),
        (QueryName::B1, bases.b_g1_query.len(), variables),
        (QueryName::B2, bases.b_g2_query.len(), variables),
        (QueryName::H, bases.h_query.len(), r1cs.domain_size()),
        (QueryName::L, bases.l_query.len(), r1cs.num_witness()),
    ];
    for (query, got, expected) in lengths {
        if got != expected {
            return Err(ProvingKeyError::QueryLength { query, got, expected });
        }
    }
    Ok(())
}
