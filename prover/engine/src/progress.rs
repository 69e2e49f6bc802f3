//! The phases of a proof, in order, and what each weighs.

use std::fmt;
use std::time::Duration;

/// A phase of the work on one proof. The order of the variants is the order of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// The assignment is computed. The caller's work, before the engine's: the engine never reports it.
    Witness,
    /// Rows are evaluated and checked; the quotient's values are found by six transforms.
    WitnessMap,
    /// Multi-scalar multiplication with the H bases (G1).
    H,
    /// Multi-scalar multiplication with the L bases (G1).
    L,
    /// Multi-scalar multiplication with the A bases (G1).
    A,
    /// Multi-scalar multiplication with the B bases in G1.
    B1,
    /// Multi-scalar multiplication with the B bases in G2.
    B2,
    /// The three points of the proof are put together and blinded.
    Assemble,
    /// The proof is verified before it is handed out.
    Verify,
}

impl Phase {
    /// All phases in the order of the work.
    pub const ALL: [Self; 9] = [
        Self::Witness,
        Self::WitnessMap,
        Self::H,
        Self::L,
        Self::A,
        Self::B1,
        Self::B2,
        Self::Assemble,
        Self::Verify,
    ];

    /// The fixed name, for logs, metrics and JSON: `witness`, `witness_map`, `h`, `l`, `a`, `b1`, `b2`, `assemble`,
    /// `verify`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Witness => "witness",
            Self::WitnessMap => "witness_map",
            Self::H => "h",
            Self::L => "l",
            Self::A => "a",
            Self::B1 => "b1",
            Self::B2 => "b2",
            Self::Assemble => "assemble",
            Self::Verify => "verify",
        }
    }

    /// The share of a proof's wall time, in thousandths; all together 1000.
    ///
    /// Between those of the two backends, on which proofs of [`synthetic`](crate::synthetic) circuits of 2^16 and 2^18 rows were measured
    /// (`docs/costs.md`); `Witness` is an allowance of 3 %. A [`Plan`](crate::Plan) has the phases of one circuit and machine.
    #[must_use]
    pub fn weight(self) -> u16 {
        match self {
            Self::Witness => 30,
            Self::WitnessMap => 80,
            Self::H => 183,
            Self::L => 168,
            Self::A => 164,
            Self::B1 => 112,
            Self::B2 => 256,
            Self::Assemble => 2,
            Self::Verify => 5,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How far a proof is. Within one proof, `overall` never decreases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The phase that is running.
    pub phase: Phase,
    /// Share of this phase's work that is done, 0 to 1.
    pub fraction: f64,
    /// Share of the whole proof's expected time that is done, 0 to 1; see [`Phase::weight`].
    pub overall: f64,
}

impl Progress {
    /// `fraction` of the work of `phase` is done, everything before it too. Values outside 0 to 1 are clamped.
    #[must_use]
    pub fn new(phase: Phase, fraction: f64) -> Self {
        let fraction = if fraction.is_nan() {
            0.0
        } else {
            fraction.clamp(0.0, 1.0)
        };
        let before: u16 = Phase::ALL
            .into_iter()
            .filter(|&other| other < phase)
            .map(Phase::weight)
            .sum();
        let overall = (f64::from(before) + fraction * f64::from(phase.weight())) / 1000.0;
        Self {
            phase,
            fraction,
            overall,
        }
    }

    /// The time that is left when the whole proof takes `total`.
    #[must_use]
    pub fn remaining(&self, total: Duration) -> Duration {
        total.mul_f64((1.0 - self.overall).clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_cover_the_whole_and_phases_follow_each_other() {
        assert_eq!(Phase::ALL.into_iter().map(Phase::weight).sum::<u16>(), 1000);
        assert!(Phase::ALL.is_sorted());
        let mut last = Progress::new(Phase::Witness, 0.0);
        assert_eq!(last.overall, 0.0);
        for phase in Phase::ALL {
            for fraction in [0.0, 0.5, 1.0] {
                let next = Progress::new(phase, fraction);
                assert!(next.overall >= last.overall);
                last = next;
            }
        }
        assert_eq!(last.overall, 1.0);
        assert_eq!(last.remaining(Duration::from_secs(9)), Duration::ZERO);
    }

    #[test]
    fn fractions_outside_the_range_are_clamped() {
        assert_eq!(Progress::new(Phase::H, 7.0), Progress::new(Phase::H, 1.0));
        assert_eq!(Progress::new(Phase::H, f64::NAN), Progress::new(Phase::H, 0.0));
    }
}
