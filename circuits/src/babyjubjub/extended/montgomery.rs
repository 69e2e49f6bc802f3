//! What the Montgomery form of a point is divided by, as fractions and without an inversion.
//!
//! With y = Y/Z and x = X/(s·Z): u = (Z + Y)/(Z − Y) and v = u/x = s·(Z + Y)·Z / ((Z − Y)·X). For other points than those with
//! such an image the fractions have no meaning.

use ark_bn254::Fr;
use ark_ff::AdditiveGroup;

use super::{AffineCached, Completed, Extended, SCALE};
use crate::r1cs::Fraction;

impl Extended {
    /// v.
    pub(crate) fn v(&self) -> Fraction {
        ((self.z + self.y) * self.z * SCALE, (self.z - self.y) * self.x)
    }

    /// u + 1.
    pub(crate) fn u_plus_one(&self) -> Fraction {
        (self.z.double(), self.z - self.y)
    }

    /// u of this point minus u of the other: 2·(y − y')/((1 − y)·(1 − y')).
    pub(crate) fn u_minus(&self, other: &Self) -> Fraction {
        let difference = self.y * other.z - other.y * self.z;
        (difference.double(), (self.z - self.y) * (other.z - other.y))
    }
}

impl AffineCached {
    /// u of this point minus u of the other.
    pub(crate) fn u_minus(&self, other: &Extended) -> Fraction {
        let twice_y = self.sum + self.difference;
        let difference = twice_y * other.z - other.y.double();
        (
            difference.double(),
            (Fr::from(2u64) - twice_y) * (other.z - other.y),
        )
    }
}

impl Completed {
    /// What the complete law divides by, for x and for y: 1 + τ and 1 − τ with τ = d·x·x'·y·y'.
    pub(crate) fn divisors(&self) -> [Fraction; 2] {
        // F and G are 2·Z·Z' times those.
        let both = self.f + self.g;
        [(self.g.double(), both), (self.f.double(), both)]
    }
}
