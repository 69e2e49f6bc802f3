//! Extended coordinates for BabyJubjub, on the isomorphic curve with a = −1.
//!
//! With s² = −a the map (x, y) → (s·x, y) takes the curve to −x² + y² = 1 + d'·x²·y² with d' = −d/a, where addition
//! costs 8 multiplications and doubling 4 and 4 squarings (Hisil, Wong, Carter, Dawson, eprint 2008/522, sections 3.1 and
//! 3.3; the names of the intermediate values are theirs). −1 is a square in Fr and d' is not, so the law stays complete.
//! A point is (X : Y : T : Z) with x = X/Z, y = Y/Z, T·Z = X·Y. A doubling does not read T, so a run of doublings leaves
//! it out ([`Projective`]); sums end in [`Completed`], from which either form is made.

mod montgomery;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, MontFp, One, Zero};

use super::Point;
use crate::inversion::invert_all;

/// s, a square root of −168700.
const SCALE: Fr = MontFp!("6360561867910373094066688120553762416144456282423235903351243436111059670888");

/// 1/s.
const SCALE_INVERSE: Fr =
    MontFp!("19976260017534050147865154401153945156910754191401137453807035910720341838527");

/// 2·d', with d' = −168696/168700.
const TWO_D: Fr = MontFp!("2475045175004185027501911298141836274980133961483913877536377848625489762075");

/// A point of the curve with a = −1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extended {
    x: Fr,
    y: Fr,
    t: Fr,
    z: Fr,
}

/// A point without T.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Projective {
    x: Fr,
    y: Fr,
    z: Fr,
}

/// A point as x = E/G, y = H/F; three multiplications from [`Projective`], four from [`Extended`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Completed {
    e: Fr,
    f: Fr,
    g: Fr,
    h: Fr,
}

/// A point prepared to be added: (Y + X, Y − X, 2d'·T, 2·Z).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cached {
    sum: Fr,
    difference: Fr,
    t2d: Fr,
    z2: Fr,
}

/// A point with Z = 1 prepared to be added: (y + x, y − x, 2d'·x·y).
#[derive(Clone, Copy, Debug)]
pub(crate) struct AffineCached {
    sum: Fr,
    difference: Fr,
    t2d: Fr,
}

impl From<Point> for Extended {
    fn from(point: Point) -> Self {
        let x = point.x * SCALE;
        Self {
            x,
            y: point.y,
            t: x * point.y,
            z: Fr::one(),
        }
    }
}

impl From<Point> for AffineCached {
    fn from(point: Point) -> Self {
        let x = point.x * SCALE;
        Self {
            sum: point.y + x,
            difference: point.y - x,
            t2d: x * point.y * TWO_D,
        }
    }
}

impl AffineCached {
    /// The point itself, with Z = 4: sum and difference give 2·x and 2·y.
    pub(crate) fn to_extended(self) -> Extended {
        let (x, y) = (self.sum - self.difference, self.sum + self.difference);
        Extended {
            x: x.double(),
            y: y.double(),
            t: x * y,
            z: Fr::from(4u64),
        }
    }
}

impl Extended {
    pub(crate) fn identity() -> Self {
        Self {
            x: Fr::zero(),
            y: Fr::one(),
            t: Fr::zero(),
            z: Fr::one(),
        }
    }

    /// Whether this is the point with these affine coordinates; no inversion. z is never 0 on the curve, and demanding it
    /// keeps other input from passing.
    pub(crate) fn is_affine(&self, point: &Point) -> bool {
        self.x == point.x * SCALE * self.z && self.y == point.y * self.z && !self.z.is_zero()
    }

    /// The affine pair; (0, 0), which is off the curve, where z is 0 (for input off the curve only).
    pub(crate) fn to_affine(self) -> Point {
        let z = self.z.inverse().unwrap_or_else(Fr::zero);
        Point {
            x: self.x * z * SCALE_INVERSE,
            y: self.y * z,
        }
    }

    pub(crate) fn cached(&self) -> Cached {
        Cached {
            sum: self.y + self.x,
            difference: self.y - self.x,
            t2d: self.t * TWO_D,
            z2: self.z.double(),
        }
    }

    /// Many points prepared at the price of one inversion. Meant for points of the curve.
    pub(crate) fn affine_cached(points: &[Self]) -> Vec<AffineCached> {
        let mut inverses: Vec<Fr> = points.iter().map(|p| p.z).collect();
        invert_all(&mut inverses);
        let affine = points.iter().zip(&inverses).map(|(p, z)| (p.x * z, p.y * z));
        affine
            .map(|(x, y)| AffineCached {
                sum: y + x,
                difference: y - x,
                t2d: x * y * TWO_D,
            })
            .collect()
    }

    pub(crate) fn to_projective(self) -> Projective {
        Projective {
            x: self.x,
            y: self.y,
            z: self.z,
        }
    }

    pub(crate) fn double(&self) -> Self {
        self.to_projective().double().to_extended()
    }

    pub(crate) fn add(&self, other: &Self) -> Self {
        self.add_cached(&other.cached()).to_extended()
    }

    pub(crate) fn add_cached(&self, other: &Cached) -> Completed {
        let a = (self.y - self.x) * other.difference;
        let b = (self.y + self.x) * other.sum;
        let c = self.t * other.t2d;
        let d = self.z * other.z2;
        Completed {
            e: b - a,
            f: d - c,
            g: d + c,
            h: b + a,
        }
    }

    pub(crate) fn sub_cached(&self, other: &Cached) -> Completed {
        // −(x, y) = (−x, y): sum and difference change places, T its sign.
        let a = (self.y - self.x) * other.sum;
        let b = (self.y + self.x) * other.difference;
        let c = self.t * other.t2d;
        let d = self.z * other.z2;
        Completed {
            e: b - a,
            f: d + c,
            g: d - c,
            h: b + a,
        }
    }

    pub(crate) fn add_affine(&self, other: &AffineCached) -> Completed {
        let a = (self.y - self.x) * other.difference;
        let b = (self.y + self.x) * other.sum;
        let c = self.t * other.t2d;
        let d = self.z.double();
        Completed {
            e: b - a,
            f: d - c,
            g: d + c,
            h: b + a,
        }
    }

    pub(crate) fn sub_affine(&self, other: &AffineCached) -> Completed {
        let a = (self.y - self.x) * other.sum;
        let b = (self.y + self.x) * other.difference;
        let c = self.t * other.t2d;
        let d = self.z.double();
        Completed {
            e: b - a,
            f: d + c,
            g: d - c,
            h: b + a,
        }
    }
}

impl Projective {
    pub(crate) fn double(&self) -> Completed {
        let a = self.x.square();
        let b = self.y.square();
        let c = self.z.square().double();
        // a = −1, hence D = −A, G = D + B, H = D − B.
        let e = (self.x + self.y).square() - a - b;
        let g = b - a;
        Completed {
            e,
            f: g - c,
            g,
            h: -(a + b),
        }
    }
}

impl Completed {
    pub(crate) fn to_extended(self) -> Extended {
        Extended {
            x: self.e * self.f,
            y: self.g * self.h,
            t: self.e * self.h,
            z: self.f * self.g,
        }
    }

    pub(crate) fn to_projective(self) -> Projective {
        Projective {
            x: self.e * self.f,
            y: self.g * self.h,
            z: self.f * self.g,
        }
    }
}
