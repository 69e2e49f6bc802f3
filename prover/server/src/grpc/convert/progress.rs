//! `BatchProgress`.

use quittance_proto::v1;

use super::batch::{phase_to_proto, stage_to_proto};
use crate::progress::Progress;

/// Writes one event.
pub(crate) fn to_proto(progress: &Progress) -> v1::BatchProgress {
    v1::BatchProgress {
        number: progress.number,
        state: stage_to_proto(progress.stage).into(),
        phase: progress
            .phase
            .map_or(v1::Phase::Unspecified, phase_to_proto)
            .into(),
        phase_fraction: progress.phase_fraction,
        fraction: progress.fraction,
        eta_ms: progress.eta.and_then(|eta| u64::try_from(eta.as_millis()).ok()),
        queue_ahead: u32::try_from(progress.queue_ahead).unwrap_or(u32::MAX),
        failure: progress.failure.clone(),
    }
}
