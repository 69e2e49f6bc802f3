//! Sums of every small number of points, and of odd numbers up to some thousands.

use super::*;

/// Points and scalars of every kind at once: a few points that repeat, their opposites, identities; scalars from the edges.
fn mixed<G: Group>(size: usize, rng: &mut StdRng) -> (Vec<G::Affine>, Vec<Fr>) {
    let own = bases::<G>(size, rng);
    let few = bases::<G>(2, rng);
    let half = -Fr::ONE / Fr::from(2u64);
    let points = own.into_iter().map(|own| match rng.gen_range(0..10) {
        0 => G::Affine::zero(),
        1 => few[0],
        2 => (-few[0].into_group()).into_affine(),
        3 => few[1],
        _ => own,
    });
    let points = points.collect();
    let scalars = (0..size).map(|_| match rng.gen_range(0..12) {
        0 | 1 => Fr::ZERO,
        2 | 3 => Fr::ONE,
        4 => -Fr::ONE,
        5 => half,
        6 => half + Fr::ONE,
        7 => Fr::from(rng.r#gen::<u16>()),
        8 => -Fr::from(rng.r#gen::<u64>()),
        _ => Fr::rand(rng),
    });
    (points, scalars.collect())
}

fn check_mixed<G: Wrapped>(sizes: impl Iterator<Item = usize>)
where
    G::Curve: VariableBaseMSM<MulBase = G::Affine>,
{
    let mut rng = StdRng::seed_from_u64(31);
    for size in sizes {
        let (points, scalars) = mixed::<G>(size, &mut rng);
        let wanted = G::wrap(G::Curve::msm(&points, &scalars).unwrap());
        for backend in crate::testing::backends() {
            let found = sum::<G>(backend, &points, Scalars::Elements(&scalars));
            assert_eq!(found, wanted, "{size} points, {backend}");
        }
    }
}

#[test]
fn sums_of_every_size_in_g1() {
    check_mixed::<G1>((0..=70).chain([127, 129, 511, 1025, 2047, 3333]));
}

#[test]
fn sums_of_every_size_in_g2() {
    check_mixed::<G2>((0..=40).chain([127, 129, 511, 1025, 2999]));
}
