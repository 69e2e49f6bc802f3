//! The time of a proof: work by phases, counted as the kernels do it, at the rates that [`Engine::calibrate`](crate::Engine::calibrate) measured.

use std::time::Duration;

use super::CircuitSize;
use super::memory::to_usize;
use crate::calibrate::{Calibration, Rate};
use crate::msm::{G1, Group, Windows, typical_bits};
use crate::{Phase, PhaseTime, ProofReport};

/// Seconds that an addition takes longer where its points come from memory instead of the caches. Measured; `docs/costs.md`.
const MISS_SECONDS: f64 = 5e-9;
/// A list of so many bytes stays in the caches; one four times as large does not.
const CACHED_BYTES: f64 = 4_194_304.0;
/// Seconds for the few points of the end, and for the pairings of the check: arkworks' arithmetic on one thread.
const ASSEMBLE_SECONDS: f64 = 0.0008;
const VERIFY_SECONDS: f64 = 0.0015;

/// The phases that the engine runs, in their order.
pub(super) fn predict(size: &CircuitSize, calibration: &Calibration) -> ProofReport {
    let Calibration {
        row_term,
        butterfly,
        digit,
        g1,
        g2,
    } = *calibration;
    let domain = size.domain.max(1);
    // Six transforms, each with half a butterfly for an element and level.
    let butterflies = 3.0 * domain as f64 * f64::from(domain.ilog2());
    let witness_map = row_term * size.nonzeros as f64 + butterfly * butterflies;

    let full = typical_bits(0.0);
    let windows = Windows::cheapest(&full, &[(to_usize(domain), G1::WEIGHT)]);
    let h = digit * cut(domain, windows) + additions(g1, 64.0, windows, &full, domain);
    let bits = size.assignment_bits();
    let windows = Windows::cheapest(&bits, &size.queries());
    let list = |rate, bytes, points| additions(rate, bytes, windows, &bits, points);
    let phases = [
        (Phase::WitnessMap, witness_map),
        (Phase::H, h),
        (
            Phase::L,
            digit * cut(size.variables, windows) + list(g1, 64.0, size.l_points()),
        ),
        (Phase::A, list(g1, 64.0, size.a_points)),
        (Phase::B1, list(g1, 64.0, size.b_points)),
        (Phase::B2, list(g2, 128.0, size.b_points)),
        (Phase::Assemble, Rate::of_one_thread(ASSEMBLE_SECONDS)),
        (Phase::Verify, Rate::of_one_thread(VERIFY_SECONDS)),
    ];
    let time = |seconds: f64| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX);
    let phases = phases.into_iter().map(|(phase, cost)| PhaseTime {
        phase,
        wall: time(cost.wall),
        cpu: time(cost.cpu),
    });
    ProofReport {
        phases: phases.collect(),
    }
}

/// Digits that are cut and sorted.
fn cut(scalars: u64, windows: Windows) -> f64 {
    scalars as f64 * windows.count() as f64
}

/// The additions of a list of so many points, each of so many bytes.
fn additions(rate: Rate, bytes: f64, windows: Windows, bits: &[u32], points: u64) -> Rate {
    let beyond = (points as f64 * bytes / CACHED_BYTES).max(1.0).log2() / 2.0;
    rate.slower_by(MISS_SECONDS * beyond.min(1.0)) * windows.cost(bits, to_usize(points))
}
