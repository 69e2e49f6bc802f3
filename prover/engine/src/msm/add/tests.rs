//! Additions beside arkworks', in every backend.

use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::UniformRand;
use ark_std::rand::rngs::StdRng;
use ark_std::rand::{Rng, SeedableRng};

use super::*;
use crate::backend::tracked::Tracked;
use crate::msm::group::{G1, G2};
use crate::msm::lift::{Lift, export, lift};

/// Which pairs a case may hold.
#[derive(Clone, Copy, PartialEq)]
enum Kinds {
    Distinct,
    All,
}

fn random<G: Group>(rng: &mut StdRng) -> G::Affine {
    G::Curve::rand(rng).into_affine()
}

/// Points whose pairs (2i, 2i + 1) are distinct or, one in four, equal, opposite or with identities.
fn points<G: Group>(kinds: Kinds, pairs: usize, rng: &mut StdRng) -> Vec<G::Affine> {
    let mut points = Vec::new();
    for _ in 0..pairs {
        let (a, b) = (random::<G>(rng), random::<G>(rng));
        let identity = G::Affine::zero();
        let pair = match rng.gen_range(0..24) {
            0 if kinds == Kinds::All => [a, a],
            1 if kinds == Kinds::All => [a, (-a.into_group()).into_affine()],
            2 if kinds == Kinds::All => [identity, a],
            3 if kinds == Kinds::All => [a, identity],
            4 if kinds == Kinds::All => [identity, identity],
            _ => [a, b],
        };
        points.extend(pair);
    }
    points
}

fn signed<G: Group>(point: &G::Affine, entry: u32) -> G::Curve {
    if entry & NEGATIVE == 0 {
        point.into_group()
    } else {
        -point.into_group()
    }
}

fn check<G: Group>(backend: Backend) {
    let mut rng = StdRng::seed_from_u64(21);
    for kinds in [Kinds::Distinct, Kinds::All] {
        for count in (0..35).chain([63, 64, 65, 1000]) {
            let points = points::<G>(kinds, count, &mut rng);
            let bases: Vec<G::Words> = points.iter().map(G::from_affine).collect();
            let pairs: Vec<Pair> = (0..count as u32)
                .map(|index| Pair {
                    left: (2 * index) | if rng.r#gen() { NEGATIVE } else { 0 },
                    right: (2 * index + 1) | if rng.r#gen() { NEGATIVE } else { 0 },
                    out: count as u32 - 1 - index,
                })
                .collect();
            let mut sums = vec![G::Words::default(); count];
            let mut products = Vec::new();
            let operands = FromBases::<G> {
                bases: &bases,
                sums: &mut sums,
            };
            add_pairs(backend, operands, &pairs, &mut products);
            export::<G>(backend, &mut sums);
            for pair in &pairs {
                let left = signed::<G>(&points[number(pair.left)], pair.left);
                let right = signed::<G>(&points[number(pair.right)], pair.right);
                let sum = G::to_affine(&sums[pair.out as usize]);
                assert_eq!(
                    sum,
                    (left + right).into_affine(),
                    "{kinds_name} of {count}",
                    kinds_name = name(kinds)
                );
            }

            // The same unsigned, lifted, with the sums in place of the left operands.
            let lifts: Vec<Lift> = (0..2 * count as u32)
                .map(|base| Lift { base, out: base })
                .collect();
            let mut lifted = vec![G::Words::default(); 2 * count];
            lift::<G>(backend, &bases, &lifts, &mut lifted);
            let pairs: Vec<Pair> = (0..count as u32)
                .map(|index| Pair {
                    left: 2 * index,
                    right: 2 * index + 1,
                    out: 2 * index,
                })
                .collect();
            let operands = InPlace::<G> { points: &mut lifted };
            add_pairs(backend, operands, &pairs, &mut products);
            export::<G>(backend, &mut lifted);
            for (pair, sum) in points.chunks(2).zip(lifted.chunks(2)) {
                let expected = (pair[0].into_group() + pair[1]).into_affine();
                assert_eq!(G::to_affine(&sum[0]), expected);
                assert_eq!(G::to_affine(&sum[1]), pair[1]);
            }
        }
    }
}

fn name(kinds: Kinds) -> &'static str {
    match kinds {
        Kinds::Distinct => "distinct pairs",
        Kinds::All => "all kinds of pairs",
    }
}

#[test]
fn sums_equal_those_of_arkworks_in_g1() {
    Backend::available().into_iter().for_each(check::<G1>);
}

#[test]
fn sums_equal_those_of_arkworks_in_g2() {
    Backend::available().into_iter().for_each(check::<G2>);
}

/// What the module's table claims: every bound is kept, on both paths, whatever operands lie where.
#[test]
fn all_bounds_are_kept() {
    fn check<G: Group>() {
        let mut rng = StdRng::seed_from_u64(23);
        for kinds in [Kinds::Distinct, Kinds::All] {
            let count = 100;
            let points = points::<G>(kinds, count, &mut rng);
            let bases: Vec<G::Words> = points.iter().map(G::from_affine).collect();
            let pairs: Vec<Pair> = (0..count as u32)
                .map(|index| Pair {
                    left: (2 * index) | if rng.r#gen() { NEGATIVE } else { 0 },
                    right: (2 * index + 1) | if rng.r#gen() { NEGATIVE } else { 0 },
                    out: index,
                })
                .collect();
            let mut sums = vec![G::Words::default(); count];
            let mut products = Vec::new();
            run_tracked::<G, _>(
                &mut FromBases {
                    bases: &bases,
                    sums: &mut sums,
                },
                &pairs,
                &mut products,
            );
            // Kernel form of these lanes is key form.
            for (pair, sum) in pairs.iter().zip(&sums) {
                let left = signed::<G>(&points[number(pair.left)], pair.left);
                let right = signed::<G>(&points[number(pair.right)], pair.right);
                assert_eq!(G::to_affine(sum), (left + right).into_affine());
            }
            let mut points = sums.clone();
            let to_table: Vec<Pair> = (0..count as u32)
                .map(|index| Pair {
                    left: index,
                    right: (index % 7 * 2) | if rng.r#gen() { NEGATIVE } else { 0 },
                    out: index,
                })
                .collect();
            let mut with_table = WithTable {
                points: &mut points,
                table: &bases,
            };
            run_tracked::<G, _>(&mut with_table, &to_table, &mut products);
            let halves: Vec<Pair> = (0..count as u32 / 2)
                .map(|index| Pair {
                    left: 2 * index,
                    right: 2 * index + 1,
                    out: 2 * index,
                })
                .collect();
            let mut in_place = InPlace { points: &mut points };
            run_tracked::<G, _>(&mut in_place, &halves, &mut products);
        }
    }
    check::<G1>();
    check::<G2>();
}

fn run_tracked<G: Group, O: Operands<G>>(operands: &mut O, pairs: &[Pair], products: &mut Vec<Line>) {
    let kernel = AddPairs {
        operands,
        pairs,
        products,
        group: PhantomData::<G>,
    };
    kernel.run::<Tracked>();
}

#[test]
fn lifted_points_keep_their_signs_and_identities() {
    fn check<G: Group>(backend: Backend) {
        let mut rng = StdRng::seed_from_u64(22);
        let mut points: Vec<G::Affine> = (0..20).map(|_| random::<G>(&mut rng)).collect();
        points[3] = G::Affine::zero();
        points[19] = G::Affine::zero();
        let bases: Vec<G::Words> = points.iter().map(G::from_affine).collect();
        for count in 0..=20 {
            let lifts: Vec<Lift> = (0..count)
                .map(|index| Lift {
                    base: (19 - index) | (index % 3 / 2 * NEGATIVE),
                    out: index,
                })
                .collect();
            let mut lifted = vec![G::Words::default(); 20];
            lift::<G>(backend, &bases, &lifts, &mut lifted);
            for lift in &lifts {
                let identity = points[number(lift.base)].is_zero();
                assert_eq!(lifted[lift.out as usize] == G::Words::default(), identity);
            }
            export::<G>(backend, &mut lifted);
            for lift in &lifts {
                let expected = signed::<G>(&points[number(lift.base)], lift.base).into_affine();
                assert_eq!(G::to_affine(&lifted[lift.out as usize]), expected);
            }
        }
    }
    for backend in Backend::available() {
        check::<G1>(backend);
        check::<G2>(backend);
    }
}
