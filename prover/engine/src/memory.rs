//! What a circuit costs before it is run: bytes of its key, memory and time of a proof.
//!
//! The formulas are fitted to measurements of `examples/measure.rs` on synthetic circuits of 2^12 to 2^20 rows, which
//! `docs/costs.md` records.

use std::time::Duration;

use crate::key::layout::{Counts, Layout};
use crate::r1cs::encoded_bytes;

/// Sizes of a circuit that decide what its proofs cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitSize {
    /// Rows.
    pub constraints: u64,
    /// Variables, the constant and the public inputs included.
    pub variables: u64,
    /// Instance variables: the constant and the public inputs.
    pub instance: u64,
    /// Non-zeros of the three matrices together.
    pub nonzeros: u64,
    /// Distinct coefficients of the three matrices, as [`R1cs::num_coefficients`](crate::R1cs::num_coefficients)
    /// counts them.
    pub coefficients: u64,
    /// Size of the evaluation domain, a power of two.
    pub domain: u64,
    /// Points of a key's A query that are no identities: see [`CircuitSize::from`].
    pub a_points: u64,
    /// Points of its B query, in G1 and again in G2.
    pub b_points: u64,
}

/// What a key and a proof need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryEstimate {
    /// Resident memory of a process that holds the key and makes one proof, at its peak, in bytes.
    pub peak_bytes: u64,
    /// Length of `proving.key` in bytes, exactly.
    pub key_bytes: u64,
}

/// Program, allocator, thread stacks, and the buckets of a multi-scalar multiplication.
const BASE_BYTES: u64 = 32 << 20;
/// Bytes for each element of the domain: values of three polynomials while the quotient is found, then scalars.
const BYTES_PER_DOMAIN_ELEMENT: u64 = 300;
/// Bytes for each point of the chunk of a multi-scalar multiplication that is being computed: its digits and copies.
const BYTES_PER_CHUNK_POINT: u64 = 800;

/// Beyond this, larger sums save nothing more for each point.
const LARGEST_CHUNK: u64 = 1 << 17;

impl From<&crate::R1cs> for CircuitSize {
    /// Counts everything, which takes a look at every term: the variables that A and B name have points in a key, and instance
    /// variables have one in A whether they are named or not.
    fn from(r1cs: &crate::R1cs) -> Self {
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let Counts {
            a: a_points,
            b: b_points,
            ..
        } = Counts::of(r1cs);
        Self {
            constraints: count(r1cs.num_constraints()),
            variables: count(r1cs.num_variables()),
            instance: count(r1cs.num_instance()),
            nonzeros: count(r1cs.nonzeros()),
            coefficients: count(r1cs.num_coefficients()),
            domain: count(r1cs.domain_size()),
            a_points,
            b_points,
        }
    }
}

/// The memory that a key and a proof of this size need with arkworks' kernels.
///
/// The key is mapped; beside it lie its points as arkworks holds them, in G1 and in G2 with 8 bytes more each.
#[must_use]
pub fn estimate(size: &CircuitSize) -> MemoryEstimate {
    let matrices = encoded_bytes(size.constraints, size.nonzeros, size.coefficients);
    let key = Layout::new(&Counts {
        instance: size.instance,
        a: size.a_points,
        b: size.b_points,
        variables: size.variables,
        domain: size.domain,
        matrices,
    });
    let arkworks = 72 * (3 * size.variables + size.domain) + 136 * size.variables;
    MemoryEstimate {
        peak_bytes: BASE_BYTES
            + key.length()
            + arkworks
            + BYTES_PER_DOMAIN_ELEMENT * size.domain
            + BYTES_PER_CHUNK_POINT * size.domain.min(LARGEST_CHUNK),
        key_bytes: key.length(),
    }
}

/// How fast this machine proves, from one small proof: see [`Engine::calibrate`](crate::Engine::calibrate).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// Rows that were proved, as the size of the domain.
    pub domain: u64,
    /// Wall seconds that the proof took for each element of the domain.
    pub seconds_per_element: f64,
}

impl Calibration {
    /// Wall time that a proof over a domain of this size takes on the machine and threads that were measured.
    ///
    /// A larger multi-scalar multiplication needs fewer additions for each point: seconds per element fall by
    /// [`GAIN_PER_DOUBLING`] with each doubling, up to the largest chunk that is multiplied at once.
    #[must_use]
    pub fn proof_time(&self, domain: u64) -> Duration {
        let doublings = |domain: u64| f64::from(domain.clamp(1, LARGEST_CHUNK).ilog2());
        let doublings = doublings(domain) - doublings(self.domain);
        let elements = 2f64.powi(i32::try_from(domain.max(1).ilog2()).unwrap_or(i32::MAX));
        let seconds = self.seconds_per_element * elements * (1.0 - GAIN_PER_DOUBLING).powf(doublings);
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

/// Share of the time for each element that a doubling saves. Measured from 2^12 to 2^18 elements; `docs/costs.md`.
pub const GAIN_PER_DOUBLING: f64 = 0.08;

/// The peak of this process' resident memory so far, in bytes; `None` where the system does not tell.
#[must_use]
pub fn peak_rss_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic;

    #[test]
    fn the_length_of_a_key_is_predicted() {
        for log2 in [6, 9] {
            let (r1cs, _) = synthetic::circuit(log2, 1).unwrap();
            let key = crate::testing::key(&r1cs, 1);
            let estimate = estimate(&CircuitSize::from(&r1cs));
            assert_eq!(u64::try_from(key.as_bytes().len()), Ok(estimate.key_bytes));
            assert!(estimate.peak_bytes > estimate.key_bytes);
        }
    }

    /// The largest circuits that can be held do not overflow the formula.
    #[test]
    fn estimates_grow_with_the_circuit() {
        let size = |log2: u32| CircuitSize {
            constraints: (1 << log2) - 8,
            variables: (1 << log2) - 8,
            instance: 4,
            nonzeros: 12 << log2,
            coefficients: 7_000,
            domain: 1 << log2,
            a_points: (1 << log2) - 8,
            b_points: 3 << log2 >> 2,
        };
        let peaks: Vec<u64> = (5..28).map(|log2| estimate(&size(log2)).peak_bytes).collect();
        assert!(peaks.is_sorted());
    }

    #[test]
    fn the_peak_of_this_process_is_read() {
        assert!(cfg!(not(target_os = "linux")) || peak_rss_bytes().unwrap() > 1 << 20);
    }
}
