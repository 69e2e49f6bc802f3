//! The points of a key: multiples of the generators, list by list.

use std::ops::Range;

use ark_bn254::{Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{AffineRepr, CurveGroup, PrimeGroup};
use ark_ff::Field;
use rayon::prelude::*;

use super::Trapdoor;
use super::columns::Columns;
use crate::R1cs;
use crate::backend::{Backend, Line};
use crate::key::file::{Draft, FixedPoints, Section};
use crate::msm::fixed_base::FixedBase;
use crate::msm::{G1, G2, Group};

/// Points that are computed before they are written: what a list needs in memory twice.
const CHUNK: usize = 1 << 16;

/// The fixed points, and the key with all of its points. `None` if γ or δ is 0, or if τ is a power of ω.
pub(super) fn draft(
    backend: Backend,
    r1cs: &R1cs,
    columns: Columns,
    trapdoor: &Trapdoor,
) -> Option<(FixedPoints, Draft)> {
    let (gamma, delta) = (trapdoor.gamma.inverse()?, trapdoor.delta.inverse()?);
    let mut draft = Draft::new(r1cs);
    let classes = draft.classes();
    let [a, b, l] = [classes.a(), classes.b(), classes.l()];
    let counts = [&a, &b, &l].map(|ranges| ranges.iter().map(Range::len).sum::<usize>());

    let g1 = FixedBase::<G1>::new(
        backend,
        &G1Affine::generator(),
        counts.iter().sum::<usize>() + r1cs.domain_size(),
    );
    let h = columns.h(delta)?;
    fill(&g1, draft.points_mut(Section::H).0, &h);
    drop(h);
    let Columns {
        a: at, b: bt, c: ct, ..
    } = columns;
    let of_both = |factor: Fr| {
        let (at, bt, ct) = (&at, &bt, &ct);
        move |variable: usize| {
            (trapdoor.beta * at[variable] + trapdoor.alpha * bt[variable] + ct[variable]) * factor
        }
    };
    let public: Vec<Fr> = (0..r1cs.num_instance()).map(of_both(gamma)).collect();
    list(&mut draft, Section::L, &l, of_both(delta), |lines, scalars| {
        fill(&g1, lines, scalars);
    });
    list(
        &mut draft,
        Section::A,
        &a,
        |variable| at[variable],
        |lines, scalars| {
            fill(&g1, lines, scalars);
        },
    );
    list(
        &mut draft,
        Section::B1,
        &b,
        |variable| bt[variable],
        |lines, scalars| {
            fill(&g1, lines, scalars);
        },
    );
    drop(g1);
    let g2 = FixedBase::<G2>::new(backend, &G2Affine::generator(), counts[1]);
    list(
        &mut draft,
        Section::B2,
        &b,
        |variable| bt[variable],
        |lines, scalars| {
            fill(&g2, lines, scalars);
        },
    );

    let in_g1 = |scalar: Fr| (G1Projective::generator() * scalar).into_affine();
    let in_g2 = |scalar: Fr| (G2Projective::generator() * scalar).into_affine();
    let fixed = FixedPoints {
        vk: ark_groth16::VerifyingKey {
            alpha_g1: in_g1(trapdoor.alpha),
            beta_g2: in_g2(trapdoor.beta),
            gamma_g2: in_g2(trapdoor.gamma),
            delta_g2: in_g2(trapdoor.delta),
            gamma_abc_g1: public.into_iter().map(in_g1).collect(),
        },
        beta_g1: in_g1(trapdoor.beta),
        delta_g1: in_g1(trapdoor.delta),
    };
    draft.set_fixed(&fixed);
    Some((fixed, draft))
}

/// Gathers the scalars of a list in its order, and has its points made.
fn list(
    draft: &mut Draft,
    section: Section,
    ranges: &[Range<usize>; 2],
    scalar: impl Fn(usize) -> Fr + Sync,
    make: impl Fn(&mut [Line], &[Fr]),
) {
    let (lines, order) = draft.points_mut(section);
    let variables: Vec<u32> = ranges
        .iter()
        .flat_map(|range| &order[range.clone()])
        .copied()
        .collect();
    let scalars: Vec<Fr> = variables
        .par_iter()
        .map(|&variable| scalar(variable as usize))
        .collect();
    make(lines, &scalars);
}

/// Writes the multiples of a base into their lines.
fn fill<G: Group>(base: &FixedBase<G>, lines: &mut [Line], scalars: &[Fr]) {
    let width = size_of::<G::Words>() / size_of::<Line>();
    for (lines, scalars) in lines.chunks_mut(CHUNK * width).zip(scalars.chunks(CHUNK)) {
        let points = base.multiply(scalars);
        for (lines, words) in lines.chunks_exact_mut(width).zip(&points) {
            lines.copy_from_slice(G::lines(words));
        }
    }
}
