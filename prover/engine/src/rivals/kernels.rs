//! Multi-scalar multiplications and transforms: each library on the same points, scalars and values.

use ark_bn254::{Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{CurveGroup, PrimeGroup, ScalarMul, VariableBaseMSM};
use ark_ff::PrimeField;
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use rayon::prelude::*;

use super::Cost;
#[cfg(feature = "halo2curves")]
use super::halo2;
use crate::ntt::Transform;
use crate::{Backend, G1Bases, G2Bases, Multiplier, synthetic};

/// Whose kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Library {
    /// The engine's.
    Engine,
    /// ark-ec's multiplication, ark-poly's transform.
    Arkworks,
    /// halo2curves', with its assembler on x86-64.
    #[cfg(feature = "halo2curves")]
    Halo2curves,
}

impl Library {
    /// All that this build has; the engine first.
    pub const ALL: &[Self] = &[
        Self::Engine,
        Self::Arkworks,
        #[cfg(feature = "halo2curves")]
        Self::Halo2curves,
    ];

    /// Whether this processor has the instructions that it is built with. halo2curves' assembler does not ask for its own.
    #[must_use]
    pub fn runs_here(self) -> bool {
        match self {
            Self::Engine | Self::Arkworks => true,
            #[cfg(feature = "halo2curves")]
            Self::Halo2curves => halo2::runs_here(),
        }
    }
}

/// A group of BN254.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Over the base field.
    G1,
    /// Over its quadratic extension.
    G2,
}

/// Which way a transform goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From coefficients to values at the powers of the root of unity.
    Forward,
    /// From those values to coefficients.
    Inverse,
}

/// There is no room for 2^log2 of them, or the field has no such root of unity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("2^{log2} is too large")]
pub struct KernelError {
    /// What was asked for.
    pub log2: u32,
}

/// Largest binary logarithm of a size; BN254's scalar field has transforms of up to 2^28 values.
const MAX_LOG2: u32 = 26;

fn size(log2: u32) -> Result<usize, KernelError> {
    match log2 {
        0..=MAX_LOG2 => Ok(1 << log2),
        _ => Err(KernelError { log2 }),
    }
}

/// One multi-scalar multiplication: 2^log2 points with full-width scalars.
///
/// Each point is twice the one before. Their discrete logarithms are as good as random, so that additions meet equal
/// points no more often than in a real key.
#[derive(Debug)]
pub struct Msm {
    engine: Multiplier,
    points: Points,
    scalars: Vec<Fr>,
    #[cfg(feature = "halo2curves")]
    halo2: Option<halo2::Msm>,
}

#[derive(Debug)]
enum Points {
    G1(G1Bases, Vec<G1Affine>),
    G2(G2Bases, Vec<G2Affine>),
}

/// The point that a multi-scalar multiplication gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum(Point);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Point {
    G1(G1Affine),
    G2(G2Affine),
}

impl Msm {
    /// Makes points and scalars, for every library that this build has. `backend` is the engine's.
    ///
    /// # Errors
    /// [`KernelError`] above 2^26.
    pub fn new(group: Group, log2: u32, backend: Backend) -> Result<Self, KernelError> {
        let size = size(log2)?;
        let scalars: Vec<Fr> = synthetic::values(u64::from(log2)).take(size).collect();
        let points = match group {
            Group::G1 => {
                let points = doublings(G1Projective::generator(), size);
                Points::G1(G1Bases::new(&points), points)
            }
            Group::G2 => {
                let points = doublings(G2Projective::generator(), size);
                Points::G2(G2Bases::new(&points), points)
            }
        };
        Ok(Self {
            engine: Multiplier::new(backend),
            #[cfg(feature = "halo2curves")]
            halo2: halo2::runs_here().then(|| match &points {
                Points::G1(_, points) => halo2::Msm::g1(points, &scalars),
                Points::G2(_, points) => halo2::Msm::g2(points, &scalars),
            }),
            points,
            scalars,
        })
    }

    /// Multiplies on the current rayon pool; nothing of a library that does not run here. What an engine or a domain keeps between
    /// two of them is made before the clock starts.
    #[must_use]
    pub fn run(&mut self, library: Library) -> Option<(Cost, Sum)> {
        let (cost, point) = match library {
            Library::Engine => self.engine(),
            Library::Arkworks => self.arkworks(),
            #[cfg(feature = "halo2curves")]
            Library::Halo2curves => {
                let (cost, sum) = self.halo2.as_ref()?.run();
                let point = match sum {
                    halo2::Sum::G1(point) => Point::G1(point),
                    halo2::Sum::G2(point) => Point::G2(point),
                };
                (cost, point)
            }
        };
        Some((cost, Sum(point)))
    }

    fn engine(&mut self) -> (Cost, Point) {
        match &self.points {
            Points::G1(bases, _) => {
                let (cost, sum) = Cost::of(|| self.engine.g1(bases, &self.scalars));
                (cost, Point::G1(sum.into_affine()))
            }
            Points::G2(bases, _) => {
                let (cost, sum) = Cost::of(|| self.engine.g2(bases, &self.scalars));
                (cost, Point::G2(sum.into_affine()))
            }
        }
    }

    fn arkworks(&self) -> (Cost, Point) {
        match &self.points {
            Points::G1(_, points) => {
                let (cost, sum) = Cost::of(|| arkworks::<G1Projective>(points, &self.scalars));
                (cost, Point::G1(sum.into_affine()))
            }
            Points::G2(_, points) => {
                let (cost, sum) = Cost::of(|| arkworks::<G2Projective>(points, &self.scalars));
                (cost, Point::G2(sum.into_affine()))
            }
        }
    }
}

/// With the conversion of the scalars, as ark-ec's own `msm` and the other libraries do it.
fn arkworks<G: VariableBaseMSM<ScalarField = Fr>>(points: &[G::MulBase], scalars: &[Fr]) -> G {
    let scalars: Vec<_> = scalars.par_iter().map(|scalar| scalar.into_bigint()).collect();
    G::msm_bigint(points, &scalars)
}

fn doublings<G: CurveGroup + ScalarMul>(start: G, count: usize) -> Vec<G::Affine> {
    let points: Vec<G> = std::iter::successors(Some(start), |point| Some(point.double()))
        .take(count)
        .collect();
    G::normalize_batch(&points)
}

/// Transforms of 2^log2 values, in place and in natural order on both sides.
#[derive(Debug)]
pub struct Ntt {
    direction: Direction,
    engine: Transform,
    values: Vec<Fr>,
    domain: Radix2EvaluationDomain<Fr>,
}

/// What a transform gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transformed(Vec<Fr>);

impl Ntt {
    /// Makes values. `backend` is the engine's.
    ///
    /// # Errors
    /// [`KernelError`] above 2^26.
    pub fn new(direction: Direction, log2: u32, backend: Backend) -> Result<Self, KernelError> {
        let size = size(log2)?;
        let engine = match direction {
            Direction::Forward => Transform::forward(backend, size),
            Direction::Inverse => Transform::inverse(backend, size),
        };
        Ok(Self {
            direction,
            engine: engine.map_err(|_| KernelError { log2 })?,
            values: synthetic::values(u64::from(log2)).take(size).collect(),
            domain: Radix2EvaluationDomain::new(size).ok_or(KernelError { log2 })?,
        })
    }

    /// One transform on the current rayon pool; nothing of a library that does not run here. Copies, conversions of types, and
    /// what is kept between two transforms are not in the cost.
    #[must_use]
    pub fn run(&mut self, library: Library) -> Option<(Cost, Transformed)> {
        if !library.runs_here() {
            return None;
        }
        let (cost, values) = match library {
            Library::Engine => self.engine(),
            Library::Arkworks => self.arkworks(),
            #[cfg(feature = "halo2curves")]
            Library::Halo2curves => match self.direction {
                Direction::Forward => halo2::forward(&self.values, self.domain.group_gen()),
                Direction::Inverse => {
                    halo2::inverse(&self.values, self.domain.group_gen_inv(), self.domain.size_inv())
                }
            },
        };
        Some((cost, Transformed(values)))
    }

    fn engine(&mut self) -> (Cost, Vec<Fr>) {
        let mut values = self.values.clone();
        // Its only error is another length.
        let (cost, _) = Cost::of(|| self.engine.apply(&mut values));
        (cost, values)
    }

    fn arkworks(&self) -> (Cost, Vec<Fr>) {
        let mut values = self.values.clone();
        let (cost, ()) = Cost::of(|| match self.direction {
            Direction::Forward => self.domain.fft_in_place(&mut values),
            Direction::Inverse => self.domain.ifft_in_place(&mut values),
        });
        (cost, values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_library_gives_the_same_sum() {
        for backend in Backend::available() {
            for (group, log2) in [Group::G1, Group::G2]
                .into_iter()
                .flat_map(|group| [0, 1, 4, 8, 11].map(|log2| (group, log2)))
            {
                let mut msm = Msm::new(group, log2, backend).unwrap();
                let expected = msm.run(Library::Engine).unwrap().1;
                for &library in Library::ALL {
                    let found = msm.run(library).map(|(_, sum)| sum);
                    assert_eq!(found.is_some(), library.runs_here());
                    assert_eq!(
                        found.unwrap_or(expected),
                        expected,
                        "{backend} {library:?} {group:?} 2^{log2}"
                    );
                }
            }
        }
        assert!(matches!(
            Msm::new(Group::G1, 60, Backend::Portable),
            Err(KernelError { log2: 60 })
        ));
    }

    #[test]
    fn every_library_gives_the_same_transform() {
        for backend in Backend::available() {
            for direction in [Direction::Forward, Direction::Inverse] {
                for log2 in [0, 1, 5, 11] {
                    let mut ntt = Ntt::new(direction, log2, backend).unwrap();
                    let expected = ntt.run(Library::Engine).unwrap().1;
                    for &library in Library::ALL {
                        let found = ntt.run(library).map(|(_, values)| values);
                        assert_eq!(found.is_some(), library.runs_here());
                        assert!(
                            found.is_none_or(|found| found == expected),
                            "{backend} {library:?} {direction:?} 2^{log2}"
                        );
                    }
                }
            }
        }
        assert!(Ntt::new(Direction::Forward, 60, Backend::Portable).is_err());
    }
}
