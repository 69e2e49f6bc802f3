//! A small proof, timed: how fast this machine is.

use std::time::Duration;

use quittance_verifier::Shape;

use crate::memory::Calibration;
use crate::{Control, Engine, ProveError, R1csError, SetupError, setup_development, synthetic};

/// Size of the circuit: the smallest whose time is not mostly start-up.
const LOG2: u32 = 12;
/// Proofs that are timed; the fastest counts, since other work on the machine can only slow one down.
const RUNS: u32 = 3;

/// Why the machine's speed could not be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CalibrateError {
    /// The circuit could not be made.
    #[error("the calibration circuit could not be made")]
    Circuit(#[from] R1csError),
    /// The key could not be made.
    #[error("the calibration key could not be made")]
    Setup(#[from] SetupError),
    /// The proof could not be made.
    #[error("the calibration proof could not be made")]
    Prove(#[from] ProveError),
}

impl Engine {
    /// Proves a synthetic circuit of 2^12 rows with a key made for it and dropped, and takes the time: well under
    /// a second of work. Callers keep the result; it is valid for this machine and this number of threads.
    ///
    /// # Errors
    /// [`CalibrateError`]; none of its variants can be caused by input.
    pub fn calibrate(&self) -> Result<Calibration, CalibrateError> {
        let (r1cs, assignment) = synthetic::circuit(LOG2, 1)?;
        // Any shape will do: nothing reads this key's.
        let shape = Shape {
            levels: 1,
            transfers: 1,
            fee_slots: 1,
        };
        let key = self.install(|| setup_development(&r1cs, shape, &|_| ()))?;
        let mut fastest = Duration::MAX;
        for _ in 0..RUNS {
            let report = self.prove(&key, &assignment, &Control::default())?.report;
            fastest = fastest.min(report.wall());
        }
        let domain = 1u32 << LOG2;
        Ok(Calibration {
            domain: domain.into(),
            seconds_per_element: fastest.as_secs_f64() / f64::from(domain),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::engine;

    #[test]
    fn the_machine_is_measured_and_time_grows_with_the_circuit() {
        let calibration = engine(2).calibrate().unwrap();
        assert!(calibration.seconds_per_element > 0.0 && calibration.seconds_per_element < 1.0);
        let times: Vec<_> = [1 << 10, 1 << 12, 1 << 18, 1 << 20]
            .map(|n| calibration.proof_time(n))
            .into();
        assert!(times.is_sorted());
        assert!(times[3] > 200 * times[1] / 2);
        assert_eq!(calibration.proof_time(0), calibration.proof_time(1));
    }
}
