//! A proving key for any circuit: points and matrices in one image, and what a verifier of its proofs needs.

use std::sync::OnceLock;

use ark_bn254::{Bn254, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ec::pairing::Pairing;
use ark_ff::Zero;
use ark_groth16::{Groth16, PreparedVerifyingKey};
use quittance_verifier::{DecodeError, Proof, VerifyError};

use super::classes::Classes;
use super::file::{Contents, Draft, FixedPoints, Section};
use super::points::{PointFault, StoredPoint, Subgroup, first_fault, first_identity};
use super::{Bases, ProvingKeyError, QueryName};
use crate::R1cs;
use crate::backend::Line;

/// A checked Groth16 key over BN254 for one circuit with any number of public inputs. Clones share the points.
///
/// In memory it is what the file `proving.key` is, `docs/key-file.md`: a mapped file, or the same bytes just made.
#[derive(Clone, Debug)]
pub struct CircuitKey {
    contents: Contents,
    prepared: OnceLock<PreparedVerifyingKey<Bn254>>,
}

/// The lists of points as they lie in a key, without identities. The ranges of [`Classes`] say which positions of
/// the variables' order a list has points for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lists<'a> {
    /// Positions `classes.a()`, one line each.
    pub(crate) a: &'a [Line],
    /// Positions `classes.b()`, one line each.
    pub(crate) b1: &'a [Line],
    /// Positions `classes.b()`, two lines each.
    pub(crate) b2: &'a [Line],
    /// Positions `classes.l()`, one line each.
    pub(crate) l: &'a [Line],
    /// Elements of the odd coset in its natural order, one line each.
    pub(crate) h: &'a [Line],
    /// The variable at each position.
    pub(crate) order: &'a [u32],
    /// Where the classes of variables end.
    pub(crate) classes: Classes,
}

impl CircuitKey {
    /// Lays out and checks a key that comes from elsewhere: list lengths, identities exactly where the matrices put them,
    /// every point on its curve and, in G2, in its subgroup (a scalar multiplication for each point of B2: minutes of CPU for
    /// a large key), γ ≠ ±δ, δ not ± the generator, β/δ the same in both groups. Runs on the current rayon pool.
    ///
    /// # Errors
    /// [`ProvingKeyError`].
    pub fn new(bases: Bases, r1cs: &R1cs) -> Result<Self, ProvingKeyError> {
        Self::from_arkworks(bases, r1cs, Subgroup::Check)
    }

    /// As [`new`](Self::new), for points that this program computed from the generators: their subgroup is known.
    pub(crate) fn from_arkworks(
        bases: Bases,
        r1cs: &R1cs,
        subgroup: Subgroup,
    ) -> Result<Self, ProvingKeyError> {
        check_fixed(&FixedPoints::of(&bases), r1cs.num_instance())?;
        let image = super::arkworks::draft(bases, r1cs)?.into_image();
        let key = Self::from_contents(Contents::read(image)?)?;
        key.check_lists(subgroup)?;
        Ok(key)
    }

    /// As [`new`](Self::new), for a key that this program laid out and filled with multiples of the generators.
    pub(crate) fn from_draft(draft: Draft) -> Result<Self, ProvingKeyError> {
        let key = Self::from_contents(Contents::read(draft.into_image())?)?;
        key.check_lists(Subgroup::Known)?;
        Ok(key)
    }

    /// Checks everything but the lists' points: those of a mapped file are what its digest says.
    pub(crate) fn from_contents(contents: Contents) -> Result<Self, ProvingKeyError> {
        check_fixed(&contents.fixed, contents.r1cs.num_instance())?;
        Ok(Self::assume_fixed(contents))
    }

    /// As [`from_contents`](Self::from_contents), where the fixed points have been checked already.
    pub(super) fn assume_fixed(contents: Contents) -> Self {
        Self {
            contents,
            prepared: OnceLock::new(),
        }
    }

    /// Checks every point of the lists: no identity, canonical coordinates, on the curve, in G2 in the subgroup. For keys that come from
    /// elsewhere; what was computed from the generators, or checked before and is vouched for by its digest, needs it not.
    /// Runs on the current rayon pool, minutes of CPU for a large key.
    ///
    /// # Errors
    /// [`ProvingKeyError::Identity`], [`ProvingKeyError::NotCanonical`], [`ProvingKeyError::NotOnCurve`] or
    /// [`ProvingKeyError::NotInSubgroup`].
    pub fn check_points(&self) -> Result<(), ProvingKeyError> {
        self.check_lists(Subgroup::Check)
    }

    /// The circuit's matrices.
    #[must_use]
    pub fn r1cs(&self) -> &R1cs {
        &self.contents.r1cs
    }

    /// The points of the verifying key as arkworks holds them.
    #[must_use]
    pub fn vk(&self) -> &ark_groth16::VerifyingKey<Bn254> {
        &self.contents.fixed.vk
    }

    /// Verifies a proof for these public inputs, without the constant.
    ///
    /// # Errors
    /// [`VerifyError::InputCount`] or [`VerifyError::ProofRejected`].
    pub fn verify(&self, inputs: &[Fr], proof: &Proof) -> Result<(), VerifyError> {
        // arkworks takes as many inputs as it is given (S43).
        let expected = self.r1cs().num_instance() - 1;
        if inputs.len() != expected {
            let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
            return Err(VerifyError::InputCount {
                got: count(inputs.len()),
                expected: count(expected),
            });
        }
        let proof = ark_groth16::Proof {
            a: *proof.a(),
            b: *proof.b(),
            c: *proof.c(),
        };
        let prepared = self.prepared.get_or_init(|| self.vk().clone().into());
        match Groth16::<Bn254>::verify_proof(prepared, &proof, inputs) {
            Ok(true) => Ok(()),
            _ => Err(VerifyError::ProofRejected),
        }
    }

    /// The points as arkworks holds them, identities put back: for ark-groth16 and for writers of other formats. Takes
    /// seconds, and more memory than the key.
    #[must_use]
    pub fn to_arkworks(&self) -> Bases {
        super::arkworks::bases(&self.contents)
    }

    /// α, β and δ, and the verifying key.
    pub(crate) fn fixed(&self) -> &FixedPoints {
        &self.contents.fixed
    }

    /// The bytes of `proving.key`.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.contents.image.bytes()
    }

    /// The lists of points.
    pub(crate) fn lists(&self) -> Lists<'_> {
        let lines = |section| self.contents.lines(section);
        Lists {
            a: lines(Section::A),
            b1: lines(Section::B1),
            b2: lines(Section::B2),
            l: lines(Section::L),
            h: lines(Section::H),
            order: self.contents.order(),
            classes: self.contents.classes,
        }
    }

    fn check_lists(&self, subgroup: Subgroup) -> Result<(), ProvingKeyError> {
        let lists = self.lists();
        for query in QueryName::ALL {
            let lines = lists.lines(query);
            let (identity, fault) = match query {
                QueryName::B2 => (
                    first_identity::<G2Affine>(lines),
                    first_fault::<G2Affine>(lines, subgroup),
                ),
                _ => (
                    first_identity::<G1Affine>(lines),
                    first_fault::<G1Affine>(lines, subgroup),
                ),
            };
            if let Some(offset) = identity {
                let index = lists.index(query, offset);
                return Err(ProvingKeyError::Identity { query, index });
            }
            if let Some((offset, fault)) = fault {
                let index = lists.index(query, offset);
                return Err(match fault {
                    PointFault::Coordinate => ProvingKeyError::NotCanonical { query, index },
                    PointFault::OffCurve => ProvingKeyError::NotOnCurve { query, index },
                    PointFault::OffSubgroup => ProvingKeyError::NotInSubgroup { query, index },
                });
            }
        }
        Ok(())
    }
}

impl Lists<'_> {
    fn lines(&self, query: QueryName) -> &[Line] {
        match query {
            QueryName::A => self.a,
            QueryName::B1 => self.b1,
            QueryName::B2 => self.b2,
            QueryName::L => self.l,
            QueryName::H => self.h,
        }
    }

    /// The index that arkworks' list has for a point of ours.
    fn index(&self, query: QueryName, offset: usize) -> usize {
        let [first, second] = match query {
            QueryName::A => self.classes.a(),
            QueryName::B1 | QueryName::B2 => self.classes.b(),
            QueryName::L => self.classes.l(),
            QueryName::H => return offset,
        };
        let variable = first
            .chain(second)
            .nth(offset)
            .and_then(|position| self.order.get(position));
        let variable = variable.map_or(0, |&variable| variable as usize);
        match query {
            QueryName::L => variable - self.classes.instance(),
            _ => variable,
        }
    }
}

impl FixedPoints {
    fn of(bases: &Bases) -> Self {
        Self {
            vk: bases.vk.clone(),
            beta_g1: bases.beta_g1,
            delta_g1: bases.delta_g1,
        }
    }
}

/// The verifying key's points, and their twins in G1.
fn check_fixed(fixed: &FixedPoints, instance: usize) -> Result<(), ProvingKeyError> {
    let vk = &fixed.vk;
    if vk.gamma_abc_g1.len() != instance {
        return Err(ProvingKeyError::PublicInputs {
            got: instance.saturating_sub(1),
            expected: vk.gamma_abc_g1.len().saturating_sub(1),
        });
    }
    check_point(&vk.alpha_g1, "alpha")?;
    check_point(&vk.beta_g2, "beta")?;
    check_point(&vk.gamma_g2, "gamma")?;
    check_point(&vk.delta_g2, "delta")?;
    for point in &vk.gamma_abc_g1 {
        check_point(point, "ic")?;
    }
    if vk.delta_g2.x == vk.gamma_g2.x {
        return Err(DecodeError::DeltaIsGamma.into());
    }
    if vk.delta_g2.x == G2Affine::generator().x {
        return Err(DecodeError::DeltaIsGenerator.into());
    }
    // e(β₁, δ₂) = e(δ₁, β₂): whatever the generators are, which the key does not hold.
    let (beta_g1, delta_g1) = (fixed.beta_g1, fixed.delta_g1);
    let product = Bn254::multi_pairing([beta_g1, -delta_g1], [vk.delta_g2, vk.beta_g2]);
    if !beta_g1.is_on_curve() || !delta_g1.is_on_curve() || delta_g1.is_zero() || !product.is_zero() {
        return Err(ProvingKeyError::Twin {
            name: "beta or delta",
        });
    }
    Ok(())
}

fn check_point<P: StoredPoint>(point: &P, field: &'static str) -> Result<(), ProvingKeyError> {
    if point.is_zero() {
        return Err(DecodeError::Identity { field }.into());
    }
    let mut lines = [Line::default(); 2];
    point.write(&mut lines);
    let fault = match P::checked(&lines, Subgroup::Check) {
        Ok(_) => return Ok(()),
        Err(PointFault::Coordinate) => DecodeError::NotCanonical { field },
        Err(PointFault::OffCurve) => DecodeError::NotOnCurve { field },
        Err(PointFault::OffSubgroup) => DecodeError::NotInSubgroup { field },
    };
    Err(fault.into())
}
