//! The memory of a proof, buffer by buffer: each buffer's own module says how long it becomes.

use super::{CircuitSize, QUERIES};
use crate::backend::Backend;
use crate::key::layout::{Counts, Layout};
use crate::msm::{Demand, G1, Group, Windows, typical_bits};
use crate::ntt::Footprint;
use crate::r1cs::encoded_bytes;
use crate::witness_map::WitnessMapBuffers;

/// Program, and what the allocator holds after keys were opened and the machine was measured. Measured; `docs/costs.md`.
const BASE_BYTES: u64 = 14 << 20;
/// What a proving thread touches of its stack and of its allocator's arena beside the buffers. Measured; `docs/costs.md`.
const THREAD_BYTES: u64 = 1 << 19;
/// A value of an assignment, or a coefficient.
const ELEMENT_BYTES: u64 = 32;

/// Resident memory of a process that holds a key and makes one proof after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryPlan {
    /// Length of `proving.key` in bytes, exactly. The file is mapped: processes share these pages.
    pub key_bytes: u64,
    /// What the engine keeps from one proof to the next: tables, polynomials, digits, sorted entries, and what threads work in.
    pub workspace_bytes: u64,
    /// The assignment and the distinct coefficients.
    pub assignment_bytes: u64,
    /// Program, allocator and stacks.
    pub base_bytes: u64,
}

impl MemoryPlan {
    pub(super) fn new(backend: Backend, threads: usize, size: &CircuitSize) -> Self {
        Self {
            key_bytes: key_bytes(size),
            workspace_bytes: workspace_bytes(backend, threads, size),
            assignment_bytes: ELEMENT_BYTES.saturating_mul(size.variables.saturating_add(size.coefficients)),
            base_bytes: BASE_BYTES.saturating_add(THREAD_BYTES.saturating_mul(to_u64(threads))),
        }
    }

    /// All of it: the process' peak.
    #[must_use]
    pub fn peak_bytes(&self) -> u64 {
        self.key_bytes
            .saturating_add(self.workspace_bytes)
            .saturating_add(self.assignment_bytes)
            .saturating_add(self.base_bytes)
    }
}

fn key_bytes(size: &CircuitSize) -> u64 {
    let counts = Counts {
        instance: size.instance,
        a: size.a_points,
        b: size.b_points,
        variables: size.variables,
        domain: size.domain,
        matrices: encoded_bytes(size.constraints, size.nonzeros, size.coefficients),
    };
    Layout::new(&counts).length()
}

/// Bytes that the engine's workspace comes to have with one proof. How many digits are zero is up to the assignment; all else is
/// exact.
pub(crate) fn workspace_bytes(backend: Backend, threads: usize, size: &CircuitSize) -> u64 {
    let (domain, variables) = (to_usize(size.domain), to_usize(size.variables));
    let footprint = Footprint::new(backend, size.domain.max(1).ilog2());
    let full = typical_bits(0.0);
    let windows = Windows::cheapest(&full, &[(domain, G1::WEIGHT)]);
    let h = Demand::new(backend, threads, windows, (domain, &full), [1, 0]);
    let bits = size.assignment_bits();
    let windows = Windows::cheapest(&bits, &size.queries());
    let queries = Demand::new(backend, threads, windows, (variables, &bits), QUERIES);
    let buffers = WitnessMapBuffers::bytes_for(footprint, threads);
    to_u64(footprint.tables.saturating_add(buffers)).saturating_add(to_u64(h.union(queries).bytes()))
}

pub(super) fn to_usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
