//! The phases of a proof, one function each.

use ark_bn254::{Fr, G1Projective, G2Projective};
use ark_ec::CurveGroup;
use quittance_verifier::Proof;
use rayon::ThreadPool;

use super::relay::{Relay, Reports};
use super::report::Stopwatch;
use super::workspace::Workspace;
use super::{Blinding, ProofReport, ProveError, Reservation};
use crate::backend::Backend;
use crate::key::file::FixedPoints;
use crate::msm::{self, List, ListError, Scalars, Sum, Watch};
use crate::witness_map::Quotient;
use crate::{CircuitKey, Control, Phase};

/// The lists that share the assignment's scalars, in their order.
const QUERIES: [Phase; 4] = [Phase::L, Phase::A, Phase::B1, Phase::B2];

/// One proof under way. Runs on the caller's thread and sends work to the pool.
pub(super) struct Run<'a> {
    backend: Backend,
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
    pub(super) fn new(backend: Backend, pool: &'a ThreadPool, control: &'a Control<'a>) -> Self {
        Self {
            backend,
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
        workspace: &mut Workspace,
        reservation: &Reservation,
    ) -> Result<Proof, ProveError> {
        let Workspace {
            map,
            buffers,
            msm: sums,
        } = &mut *workspace;
        let size = key.r1cs().domain_size();
        let quotient = self.phase(Phase::WitnessMap, |run| {
            run.pool.install(|| {
                let map = map.of_size(run.backend, size, run.control)?;
                Ok(map.quotient(key.r1cs(), assignment, buffers, run.control)?)
            })
        })?;
        let h = self.phase(Phase::H, |run| run.h(key, quotient, sums))?;
        // All but what the other sums take more than this one. Before, the quotient is in use, and its buffers cannot be asked.
        reservation.taken(workspace.bytes());
        let [l, a, b1, b2] = self.queries(key, assignment, &mut workspace.msm)?;
        let sums = Sums {
            h,
            l: in_g1(l)?,
            a: in_g1(a)?,
            b1: in_g1(b1)?,
            b2: in_g2(b2)?,
        };
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
        let result = work(self).map_err(|error| error.during(phase))?;
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

    /// Σ hᵢ·Hᵢ.
    fn h(
        &self,
        key: &CircuitKey,
        quotient: Quotient<'_>,
        workspace: &mut msm::Workspace,
    ) -> Result<G1Projective, ProveError> {
        let points = key.lists().h;
        let lists = [List::g1(points, [0..points.len(), 0..0])?];
        let share = Relay::new(self.control, Share::default());
        let progress = |_, found: f64| {
            share.pass(|share, reports| {
                if share.rises_to(found) {
                    reports.push(Phase::H, found);
                }
            });
        };
        let sums = self.multi(workspace, Scalars::Quotient(quotient), &lists, &progress)?;
        in_g1(sums.into_iter().next())
    }

    /// The sums of L, A, B1 and B2 with the assignment: digits and their order are the same for all. The time of a phase ends
    /// with the last of its tasks, when the next one's have begun on other threads; cutting and sorting counts for the first.
    fn queries(
        &mut self,
        key: &CircuitKey,
        assignment: &[Fr],
        workspace: &mut msm::Workspace,
    ) -> Result<[Option<Sum>; 4], ProveError> {
        let key = key.lists();
        let lists = [
            List::g1(key.l, key.classes.l())?,
            List::g1(key.a, key.classes.a())?,
            List::g1(key.b1, key.classes.b())?,
            List::g2(key.b2, key.classes.b())?,
        ];
        let scalars = Scalars::Ordered {
            elements: assignment,
            order: key.order,
        };
        self.checkpoint(QUERIES[0])?;
        self.control.report(QUERIES[0], 0.0);
        let steps = Steps {
            stopwatch: self.stopwatch,
            shares: [Share::default(); 4],
            current: 0,
            times: Vec::new(),
        };
        let steps = Relay::new(self.control, steps);
        let progress =
            |list: usize, share: f64| steps.pass(|steps, reports| steps.hear(list, share, reports));
        let sums = self.multi(workspace, scalars, &lists, &progress);
        let steps = steps.into_inner();
        let sums = sums.map_err(|error| error.during(QUERIES[steps.current.min(3)]))?;
        self.stopwatch = steps.stopwatch;
        self.report.phases.extend(steps.times);
        // Empty lists have no tasks to end with, and the sums are weighed after the last one.
        for phase in &QUERIES[steps.current..] {
            self.report.phases.push(self.stopwatch.lap(*phase));
            self.control.report(*phase, 1.0);
        }
        let mut sums = sums.into_iter();
        Ok([sums.next(), sums.next(), sums.next(), sums.next()])
    }

    fn multi(
        &self,
        workspace: &mut msm::Workspace,
        scalars: Scalars<'_>,
        lists: &[List<'_>],
        progress: &(dyn Fn(usize, f64) + Sync),
    ) -> Result<Vec<Sum>, ProveError> {
        let watch = Watch {
            cancelled: &|| self.control.is_cancelled(),
            progress,
        };
        let sums = self
            .pool
            .install(|| msm::multi(self.backend, workspace, scalars, lists, watch));
        // Which phase it was is filled in by whoever knows it.
        sums.map_err(|_| ProveError::Cancelled { phase: Phase::H })
    }
}

/// How much of a list is done. Tasks end on several threads, so a smaller share may be heard after a larger one.
#[derive(Clone, Copy, Debug, Default)]
struct Share(f64);

impl Share {
    /// Takes a share that is larger than all before; false for others, which are not to be reported.
    fn rises_to(&mut self, share: f64) -> bool {
        let rises = share > self.0;
        if rises {
            self.0 = share;
        }
        rises
    }
}

/// How far the lists are. They are worked on in their order, but the first tasks of one overlap with the last of the one before.
struct Steps {
    stopwatch: Stopwatch,
    shares: [Share; 4],
    /// The first list that is not finished.
    current: usize,
    times: Vec<super::PhaseTime>,
}

impl Steps {
    fn hear(&mut self, list: usize, share: f64, reports: &mut Reports) {
        let Some(known) = self.shares.get_mut(list) else {
            return;
        };
        if !known.rises_to(share) {
            return;
        }
        // The last list ends when its sum is there.
        while self.current < 3 && self.shares[self.current].0 >= 1.0 {
            let phase = QUERIES[self.current];
            self.times.push(self.stopwatch.lap(phase));
            reports.push(phase, 1.0);
            self.current += 1;
            reports.push(QUERIES[self.current], 0.0);
        }
        if list == self.current {
            reports.push(QUERIES[list], share);
        }
    }
}

fn in_g1(sum: Option<Sum>) -> Result<G1Projective, ProveError> {
    match sum {
        Some(Sum::G1(sum)) => Ok(sum),
        _ => Err(ProveError::Layout),
    }
}

fn in_g2(sum: Option<Sum>) -> Result<G2Projective, ProveError> {
    match sum {
        Some(Sum::G2(sum)) => Ok(sum),
        _ => Err(ProveError::Layout),
    }
}

impl From<ListError> for ProveError {
    fn from(_: ListError) -> Self {
        Self::Layout
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

#[cfg(test)]
mod tests;
