//! Multi-scalar multiplication for users of the crate who have arkworks' points and scalars.

use std::fmt;

use ark_bn254::{Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ff::Zero;
use rayon::prelude::*;

use super::group::{G1, G2, Group};
use super::scalars::Scalars;
use super::workspace::Workspace;
use super::{List, Points, Sum, Watch, multi};
use crate::Backend;
use crate::backend::Line;

/// Points of G1 as kernels read them. Made once, used for many multiplications.
#[derive(Clone)]
pub struct G1Bases(Vec<[Line; 1]>);

/// Points of G2 as kernels read them. Made once, used for many multiplications.
#[derive(Clone)]
pub struct G2Bases(Vec<[Line; 2]>);

impl G1Bases {
    /// Takes points over, on the current rayon pool. Points are not checked.
    #[must_use]
    pub fn new(points: &[G1Affine]) -> Self {
        Self(points.par_iter().map(G1::from_affine).collect())
    }
}

impl G2Bases {
    /// Takes points over, on the current rayon pool. Points are not checked.
    #[must_use]
    pub fn new(points: &[G2Affine]) -> Self {
        Self(points.par_iter().map(G2::from_affine).collect())
    }
}

impl fmt::Debug for G1Bases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("G1Bases").field("len", &self.0.len()).finish()
    }
}

impl fmt::Debug for G2Bases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("G2Bases").field("len", &self.0.len()).finish()
    }
}

/// Multiplies on one backend, and keeps its memory from one multiplication to the next.
#[derive(Debug)]
pub struct Multiplier {
    backend: Backend,
    workspace: Workspace,
}

impl Multiplier {
    /// A multiplier without memory yet.
    #[must_use]
    pub fn new(backend: Backend) -> Self {
        Self {
            backend,
            workspace: Workspace::new(),
        }
    }

    /// Σ scalarᵢ·baseᵢ, on the current rayon pool. What one side has more of is left out.
    pub fn g1(&mut self, bases: &G1Bases, scalars: &[Fr]) -> G1Projective {
        let length = bases.0.len().min(scalars.len());
        match self.sum(Points::G1(&bases.0[..length]), &scalars[..length]) {
            Some(Sum::G1(sum)) => sum,
            _ => G1Projective::zero(),
        }
    }

    /// Σ scalarᵢ·baseᵢ, on the current rayon pool. What one side has more of is left out.
    pub fn g2(&mut self, bases: &G2Bases, scalars: &[Fr]) -> G2Projective {
        let length = bases.0.len().min(scalars.len());
        match self.sum(Points::G2(&bases.0[..length]), &scalars[..length]) {
            Some(Sum::G2(sum)) => sum,
            _ => G2Projective::zero(),
        }
    }

    /// None for a list that is longer than any memory.
    fn sum(&mut self, points: Points<'_>, scalars: &[Fr]) -> Option<Sum> {
        let list = List::new(points, [0..scalars.len(), 0..0]).ok()?;
        let watch = Watch {
            cancelled: &|| false,
            progress: &|_, _| (),
        };
        let scalars = Scalars::Elements(scalars);
        multi(self.backend, &mut self.workspace, scalars, &[list], watch)
            .ok()?
            .pop()
    }
}

/// Σ scalarᵢ·baseᵢ in G1, on the current rayon pool. What one side has more of is left out.
pub fn msm_g1(backend: Backend, bases: &[G1Affine], scalars: &[Fr]) -> G1Projective {
    Multiplier::new(backend).g1(&G1Bases::new(bases), scalars)
}

/// Σ scalarᵢ·baseᵢ in G2, on the current rayon pool. What one side has more of is left out.
pub fn msm_g2(backend: Backend, bases: &[G2Affine], scalars: &[Fr]) -> G2Projective {
    Multiplier::new(backend).g2(&G2Bases::new(bases), scalars)
}
