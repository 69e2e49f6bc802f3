//! halo2curves' kernels on arkworks' values. Types differ, words do not mean the same: everything goes through canonical
//! integers, before and after the clock runs.

use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInteger, PrimeField};
use halo2curves::bn256;
use halo2curves::ff::PrimeField as _;
use halo2curves::fft::best_fft;
use halo2curves::group::Curve as _;
use halo2curves::msm::msm_best;
use rayon::prelude::*;

use super::Cost;

/// Whether the processor has what halo2curves' assembler takes for granted; its code for other architectures runs anywhere.
pub(super) fn runs_here() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        is_x86_feature_detected!("bmi2") && is_x86_feature_detected!("adx")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        true
    }
}

/// One multi-scalar multiplication in halo2curves' types.
#[derive(Debug)]
pub(super) struct Msm {
    points: Points,
    scalars: Vec<bn256::Fr>,
}

#[derive(Debug)]
enum Points {
    G1(Vec<bn256::G1Affine>),
    G2(Vec<bn256::G2Affine>),
}

/// Its result in arkworks' types.
pub(super) enum Sum {
    G1(G1Affine),
    G2(G2Affine),
}

impl Msm {
    pub(super) fn g1(points: &[G1Affine], scalars: &[Fr]) -> Self {
        Self {
            points: Points::G1(points.par_iter().map(g1).collect()),
            scalars: scalars.par_iter().map(scalar).collect(),
        }
    }

    pub(super) fn g2(points: &[G2Affine], scalars: &[Fr]) -> Self {
        Self {
            points: Points::G2(points.par_iter().map(g2).collect()),
            scalars: scalars.par_iter().map(scalar).collect(),
        }
    }

    pub(super) fn run(&self) -> (Cost, Sum) {
        match &self.points {
            Points::G1(points) => {
                let (cost, sum) = Cost::of(|| msm_best(&self.scalars, points));
                let sum = sum.to_affine();
                (cost, Sum::G1(from_g1(&sum)))
            }
            Points::G2(points) => {
                let (cost, sum) = Cost::of(|| msm_best(&self.scalars, points));
                let sum = sum.to_affine();
                (cost, Sum::G2(from_g2(&sum)))
            }
        }
    }
}

/// Σ aᵢ·ω^(ij) for every j, for a power of two of values.
pub(super) fn forward(values: &[Fr], omega: Fr) -> (Cost, Vec<Fr>) {
    transform(values, omega, None)
}

/// From such sums back to the aᵢ, for the inverse of that ω and of their number. halo2curves has no function for it: this is what
/// its users do.
pub(super) fn inverse(values: &[Fr], omega_inverse: Fr, size_inverse: Fr) -> (Cost, Vec<Fr>) {
    transform(values, omega_inverse, Some(size_inverse))
}

fn transform(values: &[Fr], omega: Fr, scale: Option<Fr>) -> (Cost, Vec<Fr>) {
    let mut values: Vec<bn256::Fr> = values.par_iter().map(scalar).collect();
    let (omega, scale) = (scalar(&omega), scale.as_ref().map(scalar));
    let log2 = values.len().ilog2();
    let (cost, ()) = Cost::of(|| {
        best_fft(&mut values, omega, log2);
        if let Some(scale) = scale {
            values.par_iter_mut().for_each(|value| *value *= &scale);
        }
    });
    let values = values
        .par_iter()
        .map(|value| Fr::from_le_bytes_mod_order(value.to_repr().as_ref()));
    (cost, values.collect())
}

/// The same integer; zero for what cannot be: both fields are the same.
fn scalar(value: &Fr) -> bn256::Fr {
    let mut bytes = <bn256::Fr as halo2curves::ff::PrimeField>::Repr::default();
    copy(bytes.as_mut(), &value.into_bigint().to_bytes_le());
    Option::from(bn256::Fr::from_repr(bytes)).unwrap_or_default()
}

fn coordinate(value: &Fq) -> bn256::Fq {
    let mut bytes = <bn256::Fq as halo2curves::ff::PrimeField>::Repr::default();
    copy(bytes.as_mut(), &value.into_bigint().to_bytes_le());
    Option::from(bn256::Fq::from_repr(bytes)).unwrap_or_default()
}

fn copy(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

fn from_coordinate(value: &bn256::Fq) -> Fq {
    Fq::from_le_bytes_mod_order(value.to_repr().as_ref())
}

fn g1(point: &G1Affine) -> bn256::G1Affine {
    match point.xy() {
        Some((x, y)) => bn256::G1Affine {
            x: coordinate(&x),
            y: coordinate(&y),
        },
        None => bn256::G1Affine::default(),
    }
}

fn g2(point: &G2Affine) -> bn256::G2Affine {
    let pair = |value: &Fq2| bn256::Fq2::new(coordinate(&value.c0), coordinate(&value.c1));
    match point.xy() {
        Some((x, y)) => bn256::G2Affine {
            x: pair(&x),
            y: pair(&y),
        },
        None => bn256::G2Affine::default(),
    }
}

fn from_g1(point: &bn256::G1Affine) -> G1Affine {
    if *point == bn256::G1Affine::default() {
        return G1Affine::identity();
    }
    G1Affine::new_unchecked(from_coordinate(&point.x), from_coordinate(&point.y))
}

fn from_g2(point: &bn256::G2Affine) -> G2Affine {
    if *point == bn256::G2Affine::default() {
        return G2Affine::identity();
    }
    let pair = |value: &bn256::Fq2| Fq2::new(from_coordinate(value.c0()), from_coordinate(value.c1()));
    G2Affine::new_unchecked(pair(&point.x), pair(&point.y))
}
