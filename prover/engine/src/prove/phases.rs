//! The phases of a proof, one function each.

use ark_bn254::{Fr, G1Projective, G2Projective};
use ark_ec::{CurveGroup, VariableBaseMSM};
use ark_ff::{AdditiveGroup, BigInt, PrimeField};
use ark_poly::Radix2EvaluationDomain;
use quittance_verifier::Proof;
use rayon::ThreadPool;
use rayon::prelude::*;

use super::report::Stopwatch;
use super::{Blinding, ProofReport, ProveError};
use crate::key::file::FixedPoints;
use crate::reduction::{Transformed, quotient_on_odd_coset};
use crate::{CircuitKey, Control, MatrixName, Phase, R1cs};

/// Points in one chunk of a multi-scalar multiplication. Between chunks a proof can be cancelled: a chunk takes
/// about a second on one thread. Smaller ones would answer faster, but save fewer additions for each point.
pub(crate) const G1_CHUNK: usize = 1 << 17;
/// As [`G1_CHUNK`]; an addition in G2 costs three to four times as much.
const G2_CHUNK: usize = 1 << 16;

type Scalar = BigInt<4>;

/// One proof under way. Runs on the caller's thread and sends each chunk of work to the pool.
pub(super) struct Run<'a> {
    pool: &'a ThreadPool,
    control: &'a Control<'a>,
    stopwatch: Stopwatch,
    report: ProofReport,
}

/// The five sums, before they are blinded.
struct Sums {
    h: G1Projective,
    l: G1Projective,
    a: G1Projective,
    b1: G1Projective,
    b2: G2Projective,
}

impl<'a> Run<'a> {
    pub(super) fn new(pool: &'a ThreadPool, control: &'a Control<'a>) -> Self {
        Self {
            pool,
            control,
            stopwatch: Stopwatch::start(),
            report: ProofReport::default(),
        }
    }

    pub(super) fn into_report(self) -> ProofReport {
        self.report
    }

    pub(super) fn prove(
        &mut self,
        key: &CircuitKey,
        assignment: &[Fr],
        blinding: Blinding,
    ) -> Result<Proof, ProveError> {
        let bases = key.arkworks();
        let quotient = self.phase(Phase::WitnessMap, |run| run.witness_map(key.r1cs(), assignment))?;
        let h = self.phase(Phase::H, |run| {
            let scalars = run.scalars(&quotient);
            drop(quotient);
            run.msm(Phase::H, &bases.h_query, &scalars, G1_CHUNK)
        })?;
        let scalars = self.scalars(assignment);
        let witness = &scalars[key.r1cs().num_instance()..];
        let l = self.phase(Phase::L, |run| {
            run.msm(Phase::L, &bases.l_query, witness, G1_CHUNK)
        })?;
        let a = self.phase(Phase::A, |run| {
            run.msm(Phase::A, &bases.a_query, &scalars, G1_CHUNK)
        })?;
        let b1 = self.phase(Phase::B1, |run| {
            run.msm(Phase::B1, &bases.b_g1_query, &scalars, G1_CHUNK)
        })?;
        let b2 = self.phase(Phase::B2, |run| {
            run.msm(Phase::B2, &bases.b_g2_query, &scalars, G2_CHUNK)
        })?;
        let sums = Sums { h, l, a, b1, b2 };
        let proof = self.phase(Phase::Assemble, |run| {
            run.pool.install(|| assemble(key, sums, blinding))
        })?;
        let inputs = &assignment[1..key.r1cs().num_instance()];
        self.phase(Phase::Verify, |run| {
            run.pool
                .install(|| key.verify(inputs, &proof))
                .map_err(ProveError::SelfCheck)
        })?;
        Ok(proof)
    }

    /// Runs one phase unless cancelled, reports its start and its end, and takes its time.
    fn phase<T>(
        &mut self,
        phase: Phase,
        work: impl FnOnce(&Self) -> Result<T, ProveError>,
    ) -> Result<T, ProveError> {
        self.checkpoint(phase)?;
        self.control.report(phase, 0.0);
        let result = work(self)?;
        self.report.phases.push(self.stopwatch.lap(phase));
        self.control.report(phase, 1.0);
        Ok(result)
    }

    fn checkpoint(&self, phase: Phase) -> Result<(), ProveError> {
        if self.control.is_cancelled() {
            return Err(ProveError::Cancelled { phase });
        }
        Ok(())
    }

    /// The rows' values, the check that they are satisfied, and the quotient's values on the odd coset.
    fn witness_map(&self, r1cs: &R1cs, assignment: &[Fr]) -> Result<Vec<Fr>, ProveError> {
        let phase = Phase::WitnessMap;
        let evaluate = |name| {
            let mut values = vec![Fr::ZERO; r1cs.domain_size()];
            self.pool
                .install(|| r1cs.evaluate_into(name, assignment, &mut values))?;
            Ok::<_, ProveError>(values)
        };
        let mut a = evaluate(MatrixName::A)?;
        let b = evaluate(MatrixName::B)?;
        let wrong = self.pool.install(|| r1cs.first_wrong_product(&a, &b, assignment));
        if let Some(row) = wrong {
            return Err(ProveError::Unsatisfied { row });
        }
        let (rows, instance) = (r1cs.num_constraints(), r1cs.num_instance());
        a[rows..rows + instance].copy_from_slice(&assignment[..instance]);
        self.checkpoint(phase)?;
        self.control.report(phase, 0.16);

        let mut step = |transformed: Transformed| {
            self.checkpoint(phase)?;
            self.control.report(
                phase,
                match transformed {
                    Transformed::CInverse => 0.30,
                    Transformed::C => 0.44,
                    Transformed::AInverse => 0.58,
                    Transformed::A => 0.72,
                    Transformed::BInverse => 0.86,
                },
            );
            Ok(())
        };
        self.pool
            .install(|| quotient_on_odd_coset::<Fr, Radix2EvaluationDomain<Fr>, ProveError>(a, b, &mut step))
    }

    fn scalars(&self, values: &[Fr]) -> Vec<Scalar> {
        self.pool
            .install(|| values.par_iter().map(|value| value.into_bigint()).collect())
    }

    /// Σ scalarᵢ·baseᵢ in chunks of at most `chunk` points, of about equal size.
    pub(super) fn msm<G>(
        &self,
        phase: Phase,
        bases: &[G::MulBase],
        scalars: &[Scalar],
        chunk: usize,
    ) -> Result<G, ProveError>
    where
        G: VariableBaseMSM<ScalarField = Fr> + Send,
    {
        let mut sum = G::zero();
        let chunks = bases.len().div_ceil(chunk).max(1);
        let chunk = bases.len().div_ceil(chunks).max(1);
        for (index, (bases, scalars)) in bases.chunks(chunk).zip(scalars.chunks(chunk)).enumerate() {
            self.checkpoint(phase)?;
            sum += self.pool.install(|| G::msm_bigint(bases, scalars));
            self.control.report(phase, share(index + 1, chunks));
        }
        Ok(sum)
    }
}

fn assemble(key: &CircuitKey, sums: Sums, blinding: Blinding) -> Result<Proof, ProveError> {
    let FixedPoints {
        vk,
        beta_g1,
        delta_g1,
    } = key.fixed();
    let Blinding { r, s } = blinding;
    let a = sums.a + vk.alpha_g1 + *delta_g1 * r;
    let b1 = sums.b1 + beta_g1 + *delta_g1 * s;
    let b2 = sums.b2 + vk.beta_g2 + vk.delta_g2 * s;
    let c = sums.l + sums.h + a * s + b1 * r - *delta_g1 * (r * s);
    Proof::new(a.into_affine(), b2.into_affine(), c.into_affine()).map_err(ProveError::Degenerate)
}

fn share(done: usize, of: usize) -> f64 {
    let number = |count: usize| u32::try_from(count).map_or(f64::INFINITY, f64::from);
    number(done) / number(of)
}
