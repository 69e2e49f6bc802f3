//! Moves between the two encodings of points, eight at a time.

use std::marker::PhantomData;

use super::add::NEGATIVE;
use super::coordinate::{Coordinate, Element};
use super::group::Group;
use crate::backend::{Backend, Kernel, Machine};

/// A base that becomes a point: its number, with [`NEGATIVE`] to take −P, and where the point goes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lift {
    pub(crate) base: u32,
    pub(crate) out: u32,
}

/// Signed bases, in key form, become points in kernel form.
pub(crate) fn lift<G: Group>(backend: Backend, bases: &[G::Words], lifts: &[Lift], points: &mut [G::Words]) {
    backend.run(LiftAll::<G> { bases, lifts, points });
}

/// Points in kernel form become key form: arkworks' own, reduced.
pub(crate) fn export<G: Group>(backend: Backend, points: &mut [G::Words]) {
    backend.run(ExportAll {
        points,
        group: PhantomData::<G>,
    });
}

struct LiftAll<'a, G: Group> {
    bases: &'a [G::Words],
    lifts: &'a [Lift],
    points: &'a mut [G::Words],
}

impl<G: Group> Kernel for LiftAll<'_, G> {
    type Output = ();

    #[inline(always)]
    fn run<M: Machine>(self) {
        for group in self.lifts.chunks(8) {
            let octet: [Lift; 8] = std::array::from_fn(|lane| group[lane.min(group.len() - 1)]);
            let rows: [&G::Words; 8] =
                std::array::from_fn(|lane| &self.bases[(octet[lane].base & !NEGATIVE) as usize]);
            let mut minus = 0;
            for (lane, lift) in octet.iter().enumerate() {
                minus |= ((lift.base >> 31) as u8) << lane;
            }
            let [x, y] = G::load::<M, true>(rows);
            // 16·p − 0 is not written as zeros, and the identity must be.
            let identity = x.zero_lanes() & y.zero_lanes();
            let zero = G::Coordinate::<M>::zero();
            let y = y.negate_where::<16>(minus).reduce().select(zero, identity);
            let x = x.reduce().select(zero, identity);
            let words = G::store::<M>([x, y]);
            for (lift, words) in group.iter().zip(words) {
                self.points[lift.out as usize] = words;
            }
        }
    }
}

struct ExportAll<'a, G: Group> {
    points: &'a mut [G::Words],
    group: PhantomData<G>,
}

impl<G: Group> Kernel for ExportAll<'_, G> {
    type Output = ();

    #[inline(always)]
    fn run<M: Machine>(self) {
        for group in self.points.chunks_mut(8) {
            let rows = std::array::from_fn(|lane| &group[lane.min(group.len() - 1)]);
            let words = G::export::<M>(G::load::<M, false>(rows));
            for (point, words) in group.iter_mut().zip(words) {
                *point = words;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ark_bn254::G2Affine;
    use ark_ec::AffineRepr;

    use super::*;
    use crate::backend::tracked::Tracked;
    use crate::msm::group::{G1, G2};

    /// Its words are zeros, on every backend and with either sign: what adds points looks at the first of them only.
    #[test]
    fn the_identity_is_lifted_to_zeros() {
        fn check<G: Group>() {
            for backend in crate::testing::backends() {
                let bases = [G::from_affine(&G::Affine::generator()), G::Words::default()];
                let lifts: Vec<Lift> = (0..21)
                    .map(|out| Lift {
                        base: (out % 2) | if out % 3 == 0 { NEGATIVE } else { 0 },
                        out,
                    })
                    .collect();
                let mut points = [bases[0]; 21];
                lift::<G>(backend, &bases, &lifts, &mut points);
                for (out, words) in points.iter().enumerate() {
                    assert_eq!(*words == G::Words::default(), out % 2 == 1, "{backend}, {out}");
                }
            }
        }
        check::<G1>();
        check::<G2>();
    }

    #[test]
    fn all_bounds_are_kept() {
        let bases = [G2::from_affine(&G2Affine::generator()); 3];
        let mut points = [<G2 as Group>::Words::default(); 3];
        let lifts = [0, 1 | NEGATIVE, 2].map(|base| Lift {
            base,
            out: base & !NEGATIVE,
        });
        let kernel = LiftAll::<G2> {
            bases: &bases,
            lifts: &lifts,
            points: &mut points,
        };
        kernel.run::<Tracked>();
        let kernel = ExportAll {
            points: &mut points,
            group: PhantomData::<G2>,
        };
        kernel.run::<Tracked>();
        let expected = [
            G2Affine::generator(),
            -G2Affine::generator(),
            G2Affine::generator(),
        ];
        assert_eq!(points.map(|words| G2::to_affine(&words)), expected);
    }
}
