//! The two groups: how their points lie in memory, and how eight of them become coordinates.

use std::fmt::Debug;

use ark_bn254::{Fq, Fq2, Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::AdditiveGroup;

use super::coordinate::{Base, Coordinate, Extension};
use crate::backend::{FqParams, Lanes, Line, Machine, Plain};

/// Part of a coordinate.
pub(crate) type Part<G, M> = <<G as Group>::Coordinate<M> as Coordinate>::Part;

/// Affine points (x, y) of one group. The identity is all zeros; no point of either curve has y = 0, so nothing else is.
pub(crate) trait Group: Copy + Debug + Send + Sync + 'static {
    /// The words of a point: x first, then y.
    type Words: Copy + Debug + Default + PartialEq + Plain;
    /// arkworks' affine points.
    type Affine: AffineRepr<ScalarField = Fr, Group = Self::Curve> + Send + Sync;
    /// arkworks' group.
    type Curve: CurveGroup<ScalarField = Fr, Affine = Self::Affine>;
    /// A coordinate of eight points.
    type Coordinate<M: Machine>: Coordinate<Lanes = M::Fq>;

    /// Cost of an addition, in additions of G1; measured, see `docs/msm.md`.
    const WEIGHT: u32;
    /// Pairs that one inversion is shared by: as many as keep the products and the points inside a core's second-level cache.
    const BATCH: usize;

    /// The cache lines of a point.
    fn lines(words: &Self::Words) -> &[Line];

    /// x of eight points: key form (bound 16) or kernel form (bound 2).
    fn load_all_x<M: Machine, const KEY: bool>(rows: [&Self::Words; 8]) -> Self::Coordinate<M>;

    /// x of one point, in every lane of a part: key form (bound 16) or kernel form (bound 2).
    fn load_one_x<M: Machine, const KEY: bool>(words: &Self::Words) -> Part<Self, M>;

    /// x and y of one point, in every lane of a part: key form (bound 16) or kernel form (bound 2).
    fn load_one<M: Machine, const KEY: bool>(words: &Self::Words) -> [Part<Self, M>; 2];

    /// Kernel form of the point in a part's first lane, of coordinates with bound 2.
    fn store_one<M: Machine>(point: [Part<Self, M>; 2]) -> Self::Words;

    /// x and y of eight points: key form (bound 16) or kernel form (bound 2).
    fn load<M: Machine, const KEY: bool>(rows: [&Self::Words; 8]) -> [Self::Coordinate<M>; 2];

    /// Kernel form of eight points, of coordinates with bound 2.
    fn store<M: Machine>(point: [Self::Coordinate<M>; 2]) -> [Self::Words; 8];

    /// Key form of eight points. Any bound.
    fn export<M: Machine>(point: [Self::Coordinate<M>; 2]) -> [Self::Words; 8];

    /// Key form of a point.
    fn from_affine(point: &Self::Affine) -> Self::Words;

    /// A point from key form. Neither the range of its words nor the curve's equation is checked.
    fn to_affine(words: &Self::Words) -> Self::Affine;
}

/// The group of A, B1, L and H: coordinates in the base field, one cache line a point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct G1;

/// The group of B2: coordinates in the quadratic extension, two cache lines a point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct G2;

#[inline(always)]
fn first_half(line: &Line) -> &[u64; 4] {
    &line.0.as_chunks::<4>().0[0]
}

#[inline(always)]
fn load_pair<L: Lanes<Params = FqParams>, const KEY: bool>(rows: [&Line; 8]) -> [L; 2] {
    if KEY {
        L::load_key_pair(rows)
    } else {
        L::load_pair(rows)
    }
}

#[inline(always)]
fn load_one_pair<L: Lanes<Params = FqParams>, const KEY: bool>(line: &Line) -> [L::Part; 2] {
    let [first, second] = line.0.as_chunks::<4>().0 else {
        return [L::zero().part(0); 2];
    };
    [L::load_row::<KEY>(first), L::load_row::<KEY>(second)]
}

#[inline(always)]
fn store_one_pair<L: Lanes<Params = FqParams>>([first, second]: [L::Part; 2]) -> Line {
    let ([a, b, c, d], [e, f, g, h]) = (L::store_row(first), L::store_row(second));
    Line([a, b, c, d, e, f, g, h])
}

#[inline(always)]
fn export_pair<L: Lanes<Params = FqParams>>([first, second]: [L; 2]) -> [Line; 8] {
    let (first, second) = (first.to_elements(), second.to_elements());
    let mut lines = [Line::default(); 8];
    for (line, (first, second)) in lines.iter_mut().zip(first.iter().zip(&second)) {
        *line = line_of(first, second);
    }
    lines
}

fn line_of(first: &Fq, second: &Fq) -> Line {
    let mut line = Line::default();
    let (low, high) = line.0.split_at_mut(4);
    low.copy_from_slice(&first.0.0);
    high.copy_from_slice(&second.0.0);
    line
}

fn elements_of(line: &Line) -> [Fq; 2] {
    let Line([a, b, c, d, e, f, g, h]) = *line;
    [[a, b, c, d], [e, f, g, h]].map(|words| {
        let mut element = Fq::ZERO;
        element.0.0 = words;
        element
    })
}

impl Group for G1 {
    type Words = [Line; 1];
    type Affine = G1Affine;
    type Curve = G1Projective;
    type Coordinate<M: Machine> = Base<M::Fq>;

    const WEIGHT: u32 = 10;
    const BATCH: usize = 4096;

    #[inline(always)]
    fn lines(words: &Self::Words) -> &[Line] {
        words
    }

    #[inline(always)]
    fn load_all_x<M: Machine, const KEY: bool>(rows: [&Self::Words; 8]) -> Self::Coordinate<M> {
        let rows = std::array::from_fn(|lane| first_half(&rows[lane][0]));
        Base(if KEY {
            M::Fq::load_key(rows)
        } else {
            M::Fq::load(rows)
        })
    }

    #[inline(always)]
    fn load_one_x<M: Machine, const KEY: bool>([line]: &Self::Words) -> Part<Self, M> {
        Base(M::Fq::load_row::<KEY>(first_half(line)))
    }

    #[inline(always)]
    fn load_one<M: Machine, const KEY: bool>([line]: &Self::Words) -> [Part<Self, M>; 2] {
        let [x, y] = load_one_pair::<M::Fq, KEY>(line);
        [Base(x), Base(y)]
    }

    #[inline(always)]
    fn store_one<M: Machine>([Base(x), Base(y)]: [Part<Self, M>; 2]) -> Self::Words {
        [store_one_pair::<M::Fq>([x, y])]
    }

    #[inline(always)]
    fn load<M: Machine, const KEY: bool>(rows: [&Self::Words; 8]) -> [Self::Coordinate<M>; 2] {
        let [x, y] = load_pair::<M::Fq, KEY>(std::array::from_fn(|lane| &rows[lane][0]));
        [Base(x), Base(y)]
    }

    #[inline(always)]
    fn store<M: Machine>([x, y]: [Self::Coordinate<M>; 2]) -> [Self::Words; 8] {
        let lines = M::Fq::store_pair([x.0, y.0]);
        std::array::from_fn(|lane| [lines[lane]])
    }

    #[inline(always)]
    fn export<M: Machine>([x, y]: [Self::Coordinate<M>; 2]) -> [Self::Words; 8] {
        export_pair([x.0, y.0]).map(|line| [line])
    }

    fn from_affine(point: &Self::Affine) -> Self::Words {
        point
            .xy()
            .map_or_else(Default::default, |(x, y)| [line_of(&x, &y)])
    }

    fn to_affine([line]: &Self::Words) -> Self::Affine {
        if *line == Line::default() {
            return G1Affine::identity();
        }
        let [x, y] = elements_of(line);
        G1Affine::new_unchecked(x, y)
    }
}

impl Group for G2 {
    type Words = [Line; 2];
    type Affine = G2Affine;
    type Curve = G2Projective;
    type Coordinate<M: Machine> = Extension<M::Fq>;

    const WEIGHT: u32 = 26;
    const BATCH: usize = 2048;

    #[inline(always)]
    fn lines(words: &Self::Words) -> &[Line] {
        words
    }

    #[inline(always)]
    fn load_all_x<M: Machine, const KEY: bool>(rows: [&Self::Words; 8]) -> Self::Coordinate<M> {
        Extension(load_pair::<M::Fq, KEY>(std::array::from_fn(|lane| {
            &rows[lane][0]
        })))
    }

    #[inline(always)]
    fn load_one_x<M: Machine, const KEY: bool>([x, _]: &Self::Words) -> Part<Self, M> {
        Extension(load_one_pair::<M::Fq, KEY>(x))
    }

    #[inline(always)]
    fn load_one<M: Machine, const KEY: bool>([x, y]: &Self::Words) -> [Part<Self, M>; 2] {
        [
            Extension(load_one_pair::<M::Fq, KEY>(x)),
            Extension(load_one_pair::<M::Fq, KEY>(y)),
        ]
    }

    #[inline(always)]
    fn store_one<M: Machine>([Extension(x), Extension(y)]: [Part<Self, M>; 2]) -> Self::Words {
        [store_one_pair::<M::Fq>(x), store_one_pair::<M::Fq>(y)]
    }

    #[inline(always)]
    fn load<M: Machine, const KEY: bool>(rows: [&Self::Words; 8]) -> [Self::Coordinate<M>; 2] {
        let x = load_pair::<M::Fq, KEY>(std::array::from_fn(|lane| &rows[lane][0]));
        let y = load_pair::<M::Fq, KEY>(std::array::from_fn(|lane| &rows[lane][1]));
        [Extension(x), Extension(y)]
    }

    #[inline(always)]
    fn store<M: Machine>([x, y]: [Self::Coordinate<M>; 2]) -> [Self::Words; 8] {
        let (x, y) = (M::Fq::store_pair(x.0), M::Fq::store_pair(y.0));
        std::array::from_fn(|lane| [x[lane], y[lane]])
    }

    #[inline(always)]
    fn export<M: Machine>([x, y]: [Self::Coordinate<M>; 2]) -> [Self::Words; 8] {
        let (x, y) = (export_pair(x.0), export_pair(y.0));
        std::array::from_fn(|lane| [x[lane], y[lane]])
    }

    fn from_affine(point: &Self::Affine) -> Self::Words {
        point.xy().map_or_else(Default::default, |(x, y)| {
            [line_of(&x.c0, &x.c1), line_of(&y.c0, &y.c1)]
        })
    }

    fn to_affine(words: &Self::Words) -> Self::Affine {
        if *words == <[Line; 2]>::default() {
            return G2Affine::identity();
        }
        let [x, y] = words.each_ref().map(|line| {
            let [c0, c1] = elements_of(line);
            Fq2::new(c0, c1)
        });
        G2Affine::new_unchecked(x, y)
    }
}
