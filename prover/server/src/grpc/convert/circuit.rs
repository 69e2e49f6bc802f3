//! `Circuit` and `Provenance`.

use std::time::Duration;

use quittance_engine::Shortage;
use quittance_proto::v1;
use quittance_verifier::Provenance;

use crate::backend::Circuit;

/// Writes one circuit; `expected` is the time of a proof as far as it is known, `memory` whether one finds its memory now.
pub(crate) fn to_proto(
    circuit: &Circuit,
    expected: Option<Duration>,
    memory: Result<(), Shortage>,
) -> v1::Circuit {
    v1::Circuit {
        name: circuit.shape.name(),
        transfers: circuit.shape.transfers,
        fee_slots: circuit.shape.fee_slots,
        levels: u32::from(circuit.shape.levels),
        constraints: circuit.constraints,
        constraints_per_transfer: circuit.constraints_per_transfer,
        nonzeros: circuit.nonzeros,
        domain: circuit.domain,
        key_bytes: circuit.key_bytes,
        memory_bytes: circuit.memory_bytes,
        prove_seconds: expected.unwrap_or_else(|| circuit.prove_time()).as_secs_f64(),
        key_id: circuit.key_id.0.to_vec(),
        provenance: provenance_to_proto(circuit.provenance).into(),
        memory_short: memory.is_err(),
        priority: circuit.shape.priority,
        openings: circuit.shape.openings,
        withdrawals: circuit.shape.withdrawals,
        rotations: circuit.shape.rotations,
    }
}

/// The provenance of a message.
pub(crate) const fn provenance_to_proto(provenance: Provenance) -> v1::Provenance {
    match provenance {
        Provenance::Development => v1::Provenance::Development,
        Provenance::Ceremony => v1::Provenance::Ceremony,
    }
}
