//! Sums beside arkworks', in every backend.

mod sizes;

use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use ark_bn254::Fr;
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
use ark_ff::{Field, PrimeField, UniformRand};
use ark_std::rand::rngs::StdRng;
use ark_std::rand::{Rng, SeedableRng};

use super::*;

const NEVER: Watch<'static> = Watch {
    cancelled: &|| false,
    progress: &|_, _| (),
};

fn in_pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
        .install(work)
}

/// Distinct points, cheaply: multiples of one.
fn bases<G: Group>(count: usize, rng: &mut StdRng) -> Vec<G::Affine> {
    let (mut point, step) = (G::Curve::rand(rng), G::Curve::rand(rng).into_affine());
    let points: Vec<G::Curve> = (0..count)
        .map(|_| {
            point += step;
            point
        })
        .collect();
    G::Curve::normalize_batch(&points)
}

fn expected<G: Group>(bases: &[G::Affine], scalars: &[Fr]) -> G::Curve {
    bases
        .iter()
        .zip(scalars)
        .map(|(base, scalar)| *base * scalar)
        .sum()
}

fn lines<G: Group>(bases: &[G::Affine]) -> Vec<Line> {
    bases
        .iter()
        .flat_map(|base| G::lines(&G::from_affine(base)).to_vec())
        .collect()
}

/// All points in these lines, which belong to the first scalars.
fn list<G: Group>(lines: &[Line]) -> List<'_> {
    if size_of::<G::Words>() == 64 {
        List::g1(lines, [0..lines.len(), 0..0]).unwrap()
    } else {
        List::g2(lines, [0..lines.len() / 2, 0..0]).unwrap()
    }
}

fn sum<G: Group>(backend: Backend, bases: &[G::Affine], scalars: Scalars<'_>) -> Sum {
    let lines = lines::<G>(bases);
    let list = list::<G>(&lines);
    multi(backend, &mut Workspace::new(), scalars, &[list], NEVER).unwrap()[0]
}

trait Wrapped: Group {
    fn wrap(sum: Self::Curve) -> Sum;
}

impl Wrapped for G1 {
    fn wrap(sum: Self::Curve) -> Sum {
        Sum::G1(sum)
    }
}

impl Wrapped for G2 {
    fn wrap(sum: Self::Curve) -> Sum {
        Sum::G2(sum)
    }
}

fn check<G: Wrapped>(bases: &[G::Affine], scalars: &[Fr], what: &str) {
    let wanted = G::wrap(expected::<G>(bases, scalars));
    let integers: Vec<[u64; 4]> = scalars.iter().map(|x| x.into_bigint().0).collect();
    for backend in Backend::available() {
        let elements = sum::<G>(backend, bases, Scalars::Elements(scalars));
        assert_eq!(elements, wanted, "{what} of {}, {backend}", bases.len());
        let integers = sum::<G>(backend, bases, Scalars::Integers(&integers));
        assert_eq!(integers, wanted, "{what} of {} integers, {backend}", bases.len());
    }
}

/// Scalars of the kinds that a witness holds, and those at the ends of the range.
fn kinds(count: usize, rng: &mut StdRng) -> Vec<(&'static str, Vec<Fr>)> {
    let half = -Fr::ONE / Fr::from(2u64);
    let mut fill =
        |make: &mut dyn FnMut(&mut StdRng) -> Fr| -> Vec<Fr> { (0..count).map(|_| make(rng)).collect() };
    vec![
        ("random scalars", fill(&mut |rng| Fr::rand(rng))),
        ("zeros", fill(&mut |_| Fr::ZERO)),
        ("ones", fill(&mut |_| Fr::ONE)),
        ("r − 1", fill(&mut |_| -Fr::ONE)),
        ("the largest magnitude", fill(&mut |_| half)),
        ("one equal scalar", {
            let scalar = Fr::from(0x1234_5678_9abc_def0_u64).square();
            fill(&mut |_| scalar)
        }),
        ("tiny scalars", fill(&mut |rng| Fr::from(rng.gen_range(0..5u64)))),
        (
            "tiny negative scalars",
            fill(&mut |rng| -Fr::from(rng.gen_range(0..5u64))),
        ),
        (
            "scalars of 64 bits",
            fill(&mut |rng| Fr::from(rng.r#gen::<u64>())),
        ),
        ("booleans", fill(&mut |rng| Fr::from(rng.r#gen::<bool>()))),
        (
            "booleans, one in four",
            fill(&mut |rng| match rng.gen_range(0..8) {
                0 => Fr::ZERO,
                1 => Fr::ONE,
                _ => Fr::rand(rng),
            }),
        ),
        (
            "scalars around half of r",
            fill(&mut |rng| half + Fr::from(rng.gen_range(0..5u64)) - Fr::from(2u64)),
        ),
    ]
}

fn check_sizes<G: Wrapped>(sizes: &[usize]) {
    let mut rng = StdRng::seed_from_u64(1);
    for &size in sizes {
        let bases = bases::<G>(size, &mut rng);
        for (what, scalars) in kinds(size, &mut rng) {
            check::<G>(&bases, &scalars, what);
        }
    }
}

#[test]
fn sums_of_all_kinds_of_scalars_in_g1() {
    check_sizes::<G1>(&[0, 1, 2, 7, 8, 9, 63, 64, 65, 1000]);
}

#[test]
fn sums_of_all_kinds_of_scalars_in_g2() {
    check_sizes::<G2>(&[0, 1, 2, 7, 8, 9, 63, 64, 65, 300]);
}

#[test]
fn sums_of_thousands_equal_those_of_arkworks() {
    fn check<G: Wrapped>()
    where
        G::Curve: VariableBaseMSM<MulBase = G::Affine>,
    {
        let mut rng = StdRng::seed_from_u64(2);
        for size in [4097, 20_011] {
            let bases = bases::<G>(size, &mut rng);
            for (what, scalars) in kinds(size, &mut rng) {
                let wanted = G::wrap(G::Curve::msm(&bases, &scalars).unwrap());
                for backend in Backend::available() {
                    let found = sum::<G>(backend, &bases, Scalars::Elements(&scalars));
                    assert_eq!(found, wanted, "{what} of {size}, {backend}");
                }
            }
        }
    }
    check::<G1>();
    check::<G2>();
}

/// Equal and opposite bases and identities meet in buckets, in all rounds.
#[test]
fn bases_may_be_equal_opposite_or_the_identity() {
    fn check_group<G: Wrapped>() {
        let mut rng = StdRng::seed_from_u64(3);
        let few = bases::<G>(3, &mut rng);
        let of_few = |index: usize| few[index];
        let negated = |base: G::Affine| (-base.into_group()).into_affine();
        for size in [2, 9, 64, 700] {
            let mut make = |pick: &mut dyn FnMut(&mut StdRng) -> G::Affine| -> Vec<G::Affine> {
                (0..size).map(|_| pick(&mut rng)).collect()
            };
            let sets = [
                ("one base", make(&mut |_| of_few(0))),
                (
                    "one base and its opposite",
                    make(&mut |rng| {
                        if rng.r#gen() {
                            of_few(0)
                        } else {
                            negated(of_few(0))
                        }
                    }),
                ),
                ("identities", make(&mut |_| G::Affine::zero())),
                (
                    "three bases and identities",
                    make(&mut |rng| match rng.gen_range(0..8) {
                        0 | 1 => G::Affine::zero(),
                        2..5 => of_few(rng.gen_range(0..3)),
                        _ => negated(of_few(rng.gen_range(0..3))),
                    }),
                ),
            ];
            for (what, bases) in sets {
                for (scalars_of, scalars) in kinds(size, &mut rng) {
                    check::<G>(&bases, &scalars, &format!("{what}, {scalars_of}"));
                }
            }
        }
    }
    check_group::<G1>();
    check_group::<G2>();
}

/// More entries in one bucket than a chunk takes, all the same point: every addition of every round is a doubling.
#[test]
fn one_base_repeated_thousands_of_times() {
    fn check<G: Wrapped>(count: usize) {
        let mut rng = StdRng::seed_from_u64(4);
        let base = bases::<G>(1, &mut rng)[0];
        let repeated = vec![base; count];
        for scalar in [Fr::ONE, -Fr::ONE, Fr::rand(&mut rng)] {
            let scalars = vec![scalar; count];
            let wanted = G::wrap(base * (scalar * Fr::from(count as u64)));
            for backend in Backend::available() {
                let found = sum::<G>(backend, &repeated, Scalars::Elements(&scalars));
                assert_eq!(found, wanted, "{backend}");
            }
        }
    }
    check::<G1>(30_000);
    check::<G2>(10_000);
}

#[test]
fn sums_do_not_depend_on_threads() {
    let mut rng = StdRng::seed_from_u64(5);
    let bases = bases::<G1>(9000, &mut rng);
    for (what, scalars) in kinds(9000, &mut rng) {
        let wanted = Sum::G1(G1Projective::msm(&bases, &scalars).unwrap());
        for backend in Backend::available() {
            for threads in [1, 2, 3, 7] {
                let found = in_pool(threads, || {
                    sum::<G1>(backend, &bases, Scalars::Elements(&scalars))
                });
                assert_eq!(found, wanted, "{what}, {threads} threads, {backend}");
            }
        }
    }
}

/// A proof's shape: lists of both groups over parts of the same scalars, with a hole, and a workspace that serves several calls.
#[test]
fn lists_take_up_to_two_ranges_of_shared_scalars() {
    let mut rng = StdRng::seed_from_u64(6);
    let mut workspaces: Vec<(Backend, Workspace)> = Backend::available()
        .into_iter()
        .map(|backend| (backend, Workspace::new()))
        .collect();
    for size in [3000, 50, 7000, 0, 1] {
        let (g1, g2) = (bases::<G1>(size, &mut rng), bases::<G2>(size, &mut rng));
        for (what, scalars) in kinds(size, &mut rng) {
            let part = |share: usize| size * share / 10;
            let lists = [
                [part(0)..part(10), 0..0],
                [part(1)..part(4), part(6)..part(9)],
                [part(6)..part(9), part(1)..part(4)],
                [part(0)..part(0), part(3)..part(10)],
                [part(5)..part(5), 0..0],
            ];
            let select = |ranges: &[Range<usize>; 2]| ranges.clone().into_iter().flatten();
            let mut lines = Vec::new();
            let mut wanted = Vec::new();
            for ranges in &lists {
                let chosen: Vec<Fr> = select(ranges).map(|index| scalars[index]).collect();
                let of_g1: Vec<_> = select(ranges).map(|index| g1[index]).collect();
                let of_g2: Vec<_> = select(ranges).map(|index| g2[index]).collect();
                wanted.push(Sum::G1(G1Projective::msm(&of_g1, &chosen).unwrap()));
                wanted.push(Sum::G2(G2Projective::msm(&of_g2, &chosen).unwrap()));
                lines.push((
                    of_g1.iter().flat_map(G1::from_affine).collect::<Vec<_>>(),
                    of_g2.iter().flat_map(G2::from_affine).collect::<Vec<_>>(),
                ));
            }
            let lists: Vec<List<'_>> = lists
                .iter()
                .zip(&lines)
                .flat_map(|(ranges, (g1, g2))| {
                    [
                        List::g1(g1, ranges.clone()).unwrap(),
                        List::g2(g2, ranges.clone()).unwrap(),
                    ]
                })
                .collect();
            for (backend, workspace) in &mut workspaces {
                let scalars = Scalars::Elements(&scalars);
                let found = multi(*backend, workspace, scalars, &lists, NEVER).unwrap();
                assert_eq!(found, wanted, "{what}, {backend}");
            }
        }
    }
}

#[test]
fn a_list_has_one_point_for_each_scalar_of_its_ranges() {
    let lines = [Line::default(); 6];
    assert!(List::g1(&lines, [0..2, 5..9]).is_ok());
    assert!(List::g2(&lines, [0..2, 5..6]).is_ok());
    assert_eq!(
        List::g1(&lines, [0..2, 5..8]).err(),
        Some(ListError {
            points: 6,
            scalars: 5
        })
    );
    assert!(List::g2(&lines, [0..2, 5..9]).is_err());
    assert!(List::g1(&lines[..1], [1 << 31..(1 << 31) + 1, 0..0]).is_err());
}

/// Stops at each of its questions in turn; then the same workspace gives the right sum, of other scalars and at last of these. On one
/// thread tasks are longer than a chunk, so that some end in their midst.
#[test]
fn a_cancelled_sum_stops_and_leaves_a_usable_workspace() {
    fn check<G: Wrapped>(count: usize)
    where
        G::Curve: VariableBaseMSM<MulBase = G::Affine>,
    {
        let few = 100;
        let mut rng = StdRng::seed_from_u64(7);
        let bases = bases::<G>(count, &mut rng);
        let scalars: Vec<Fr> = (0..count).map(|_| Fr::rand(&mut rng)).collect();
        let wanted = G::wrap(G::Curve::msm(&bases, &scalars).unwrap());
        let wanted_of_few = G::wrap(expected::<G>(&bases[..few], &scalars[..few]));
        let lines = lines::<G>(&bases);
        let (all, part) = (list::<G>(&lines), list::<G>(&lines[..few * lines.len() / count]));
        for backend in Backend::available() {
            let mut workspace = Workspace::new();
            let mut questions = 0;
            loop {
                let asked = AtomicUsize::new(0);
                // What is done after each task, and the questions that were asked by then.
                let heard = Mutex::new(Vec::<(f64, usize)>::new());
                let watch = Watch {
                    cancelled: &|| asked.fetch_add(1, Ordering::Relaxed) >= questions,
                    progress: &|list, share| {
                        assert!(list == 0 && (0.0..=1.0).contains(&share));
                        let asked = asked.load(Ordering::Relaxed);
                        heard.lock().unwrap().push((share, asked));
                    },
                };
                let elements = Scalars::Elements(&scalars);
                if let Ok(sums) = multi(backend, &mut workspace, elements, &[all], watch) {
                    assert_eq!(sums, [wanted], "{backend}");
                    let heard = heard.into_inner().unwrap();
                    assert!(heard.iter().any(|&(share, _)| share == 1.0));
                    // Long tasks are asked in their midst, too.
                    let in_tasks = heard.windows(2).any(|pair| pair[1].1 > pair[0].1 + 1);
                    assert!(in_tasks || rayon::current_num_threads() > 1);
                    break;
                }
                let elements = Scalars::Elements(&scalars[..few]);
                let sums = multi(backend, &mut workspace, elements, &[part], NEVER).unwrap();
                assert_eq!(sums, [wanted_of_few], "{backend}, {questions} questions");
                questions += 1;
            }
            assert!(questions > 20, "{questions}");
        }
    }
    in_pool(1, || check::<G1>(4000));
    in_pool(1, || check::<G2>(2500));
    in_pool(3, || check::<G1>(4000));
}

#[test]
fn arkworks_points_and_scalars_go_in_directly() {
    let mut rng = StdRng::seed_from_u64(8);
    let (g1, g2) = (bases::<G1>(100, &mut rng), bases::<G2>(100, &mut rng));
    let scalars: Vec<Fr> = (0..100).map(|_| Fr::rand(&mut rng)).collect();
    for backend in Backend::available() {
        for count in [0, 1, 99, 100] {
            let wanted = expected::<G1>(&g1[..count], &scalars);
            assert_eq!(msm_g1(backend, &g1[..count], &scalars), wanted);
            assert_eq!(msm_g1(backend, &g1, &scalars[..count]), wanted);
            assert_eq!(
                msm_g2(backend, &g2, &scalars[..count]),
                expected::<G2>(&g2[..count], &scalars)
            );
        }
    }
}
