//! Groth16 over BN254: keys, setup and proving for any R1CS.
//!
//! Matrices, an assignment and a proving key go in, a proof comes out. Matrices are extracted from a circuit once,
//! at setup, and travel with the key: proving evaluates rows, it never synthesises. The reduction is snarkjs'
//! ([`SnarkjsReduction`]), so keys and proofs interoperate with ark-groth16 under the same reduction, with
//! snarkjs and with the EVM's precompiles; for equal (r, s) the proof equals ark-groth16's byte for byte.
//!
//! What this crate must never reach: circuits and their rules, sockets, async runtimes. It is synchronous, runs on
//! its own threads, and knows a statement only as public inputs. Of ours it depends on the verifier alone.

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod memory;
pub mod ntt;
#[cfg(feature = "rivals")]
pub mod rivals;
pub mod synthetic;

mod backend;
mod calibrate;
mod control;
mod digest;
mod entropy;
mod image;
mod key;
mod msm;
mod panics;
mod plan;
mod progress;
mod prove;
mod r1cs;
mod reduction;
mod setup;
#[cfg(test)]
mod testing;
mod witness_map;

pub use backend::{Avx512Ifma, Backend, BackendError, FieldOperation};
pub use calibrate::{CalibrateError, Calibration};
pub use control::{CancelFlag, Control};
pub use digest::{Digest, DigestTextError};
pub use entropy::EntropyError;
pub use key::dir::{
    Expected, KeyDir, KeyError, LoadedKey, MANIFEST_FILE, PROVING_KEY_FILE, VERIFYING_KEY_FILE,
};
pub use key::file::{KeyFileError, Section};
pub use key::manifest::{MANIFEST_FORMAT, Manifest, ManifestFile, ManifestShape};
pub use key::sizes::{CircuitSizes, ExitCircuit};
pub use key::{Bases, CircuitKey, ProvingKey, ProvingKeyError, QueryName};
pub use memory::Shortage;
pub use msm::{G1Bases, G2Bases, Multiplier, msm_g1, msm_g2};
pub use plan::{CircuitSize, MemoryPlan, Plan};
pub use progress::{Phase, Progress};
pub use prove::{Engine, EngineError, PhaseTime, ProofReport, ProveError, Proven, Stopwatch};
pub use r1cs::{MatrixName, R1cs, R1csEncodingError, R1csError};
pub use reduction::SnarkjsReduction;
pub use setup::{SetupError, SetupPhase, setup_development};
pub use witness_map::{Quotient, QuotientError, WitnessMap, WitnessMapBuffers};
