//! One proof: rows, quotient, five multi-scalar multiplications, three points, and a check of the result.
//!
//! The sums run on [`Backend`]'s kernels; the few points of the end are put together in arkworks' arithmetic. With w the assignment,
//! h the quotient's values and r, s fresh from the operating system:
//!
//! ```text
//! A = α + Σ wᵢ·Aᵢ + r·δ        B = β + Σ wᵢ·Bᵢ + s·δ
//! C = Σ wᵢ·Lᵢ + Σ hᵢ·Hᵢ + s·A + r·B − r·s·δ
//! ```

mod phases;
mod relay;
mod report;
mod workspace;

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ark_bn254::Fr;
use ark_ff::Field;
use quittance_verifier::{DecodeError, Proof, VerifyError};
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

pub use self::report::{PhaseTime, ProofReport, Stopwatch};

use self::phases::Run;
use self::workspace::Shelf;
use crate::backend::{Backend, BackendError};
use crate::entropy::{self, EntropyError};
use crate::memory::{self, KeyPages, PROMISES, Promise, Promises, Shortage};
use crate::ntt::NttError;
use crate::plan::workspace_bytes;
use crate::witness_map::QuotientError;
use crate::{CircuitKey, CircuitSize, Control, Phase, R1csError, panics};

/// Makes proofs on threads of its own; the global rayon pool is never used.
#[derive(Debug)]
pub struct Engine {
    backend: Backend,
    pool: ThreadPool,
    shelf: Shelf,
    memory_limit: Option<u64>,
}

/// A proof that verifies, and what it cost.
#[derive(Clone, Debug)]
pub struct Proven {
    /// The proof.
    pub proof: Proof,
    /// Times of its phases.
    pub report: ProofReport,
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The operating system refuses the threads.
    #[error("cannot start {threads} proving threads")]
    Threads {
        /// Threads asked for.
        threads: usize,
        /// What the operating system or rayon said.
        source: ThreadPoolBuildError,
    },
    /// The backend that the environment asks for does not run here.
    #[error("cannot use the backend that {} names", Backend::VARIABLE)]
    Backend(#[from] BackendError),
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProveError {
    /// The assignment does not have one value for each variable of the circuit.
    #[error("the assignment has {got} values, the circuit has {expected} variables")]
    AssignmentLength {
        /// Number of values.
        got: usize,
        /// Number of variables, the constant included.
        expected: usize,
    },
    /// A value of the assignment is no field element: arkworks' type lets a program put any four words into it.
    #[error("variable {variable} of the assignment is not below the field's modulus")]
    AssignmentValue {
        /// The first such variable, from 0, the constant.
        variable: usize,
    },
    /// The first value of the assignment, the constant, is not 1.
    #[error("the first value of the assignment is not 1")]
    ConstantNotOne,
    /// The assignment does not satisfy the circuit.
    #[error("the assignment does not satisfy row {row}")]
    Unsatisfied {
        /// The first row that it does not satisfy, from 0.
        row: usize,
    },
    /// The caller cancelled.
    #[error("cancelled during {phase}")]
    Cancelled {
        /// The phase that was cut short.
        phase: Phase,
    },
    /// The proof would need more memory than there is; none was taken.
    #[error("a proof finds too little memory")]
    Memory(#[source] Shortage),
    /// The operating system gave no randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The domain is too large for the field.
    #[error("the domain has no roots of unity")]
    Domain(#[source] NttError),
    /// The key's lists do not belong to its circuit: key or program is broken.
    #[error("the proving key's lists do not belong to its circuit")]
    Layout,
    /// A point of the proof is not one that a verifier takes: the key is broken.
    #[error("a point of the proof is not acceptable: the proving key is damaged")]
    Degenerate(#[source] DecodeError),
    /// The finished proof does not verify: key, memory or program is broken. The proof was dropped.
    #[error("the finished proof does not verify: the proving key or the machine is damaged")]
    SelfCheck(#[source] VerifyError),
    /// A proving thread panicked.
    #[error("proving panicked: {message}")]
    Panicked {
        /// What it said.
        message: String,
    },
}

impl ProveError {
    /// The same error, cancelled during this phase if it was cancelled.
    fn during(self, phase: Phase) -> Self {
        match self {
            Self::Cancelled { .. } => Self::Cancelled { phase },
            other => other,
        }
    }

    /// Whether the same call may succeed later: only for a lack of memory or of entropy. A cancelled proof was unwanted; a
    /// panic or a failed self-check says that something is broken.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Memory(_) | Self::Entropy(_))
    }
}

impl From<NttError> for ProveError {
    fn from(error: NttError) -> Self {
        Self::Domain(error)
    }
}

impl From<QuotientError> for ProveError {
    fn from(error: QuotientError) -> Self {
        match error {
            QuotientError::Unsatisfied { row } => Self::Unsatisfied { row },
            QuotientError::Cancelled => Self::Cancelled {
                phase: Phase::WitnessMap,
            },
            QuotientError::Size(error) => Self::Domain(error),
            QuotientError::Assignment(R1csError::AssignmentLength { got, expected }) => {
                Self::AssignmentLength { got, expected }
            }
            QuotientError::Assignment(R1csError::AssignmentValue { variable }) => {
                Self::AssignmentValue { variable }
            }
            QuotientError::Assignment(_) => Self::Layout,
        }
    }
}

/// The two secret scalars that make a proof zero-knowledge. Outside tests they come from the operating system.
#[derive(Clone, Copy)]
pub(crate) struct Blinding {
    pub(crate) r: Fr,
    pub(crate) s: Fr,
}

/// Memory that no other proof of the process is promised, until this proof has taken it or has ended.
#[derive(Debug)]
pub(crate) struct Reservation {
    /// Bytes of the proof's workspace at its largest.
    most: u64,
    promise: Promise,
}

impl Reservation {
    /// The workspace has so many bytes by now, all of them in use: the system counts them.
    fn taken(&self, bytes: u64) {
        self.promise.keep(self.most.saturating_sub(bytes));
    }
}

impl Engine {
    /// Starts `threads` proving threads on the fastest backend of this processor, or on the one that the environment names
    /// ([`Backend::detect`]). They sleep when there is nothing to prove.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn new(threads: NonZeroUsize) -> Result<Self, EngineError> {
        Self::on(Backend::detect()?, threads)
    }

    /// The same on a backend of the caller's choice.
    ///
    /// # Errors
    /// [`EngineError::Threads`].
    pub fn on(backend: Backend, threads: NonZeroUsize) -> Result<Self, EngineError> {
        let threads = threads.get();
        ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("prove-{index}"))
            .build()
            .map(|pool| Self {
                backend,
                pool,
                shelf: Shelf::default(),
                memory_limit: None,
            })
            .map_err(|source| EngineError::Threads { threads, source })
    }

    /// The same engine, which lets its process hold at most so many bytes: keys and proofs that need more are refused. Without a limit,
    /// what the system has decides alone.
    #[must_use]
    pub fn with_memory_limit(self, bytes: Option<u64>) -> Self {
        Self {
            memory_limit: bytes,
            ..self
        }
    }

    /// The limit of [`with_memory_limit`](Self::with_memory_limit).
    #[must_use]
    pub fn memory_limit(&self) -> Option<u64> {
        self.memory_limit
    }

    /// Bytes that the engine keeps for the next proof.
    #[must_use]
    pub fn workspace_bytes(&self) -> u64 {
        self.shelf.bytes()
    }

    /// What the arithmetic runs on.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Number of proving threads.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Runs `work` on the proving threads: setup, loading of keys, digests.
    pub fn install<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.pool.install(work)
    }

    /// Proves that `assignment` (1, public inputs, witness) satisfies the key's circuit. Blocks until done.
    ///
    /// Whether there is memory is looked at first, for each proof anew; what other proofs of this process were promised and have not
    /// taken yet counts as taken. The assignment is checked row by row, and the proof is verified before it is returned. `control` may
    /// cancel between chunks of work. Calls from several threads share the proving threads; phase times then include each other's
    /// work.
    ///
    /// # Errors
    /// [`ProveError`].
    pub fn prove(
        &self,
        key: &CircuitKey,
        assignment: &[Fr],
        control: &Control<'_>,
    ) -> Result<Proven, ProveError> {
        let blinding = Blinding {
            r: entropy::scalar()?,
            s: entropy::scalar()?,
        };
        self.prove_blinded(key, assignment, control, blinding)
    }

    /// Makes sure of the memory that a proof takes beyond what it is handed: better to say so than to be killed for it.
    /// `book` has what other proofs were promised, `held` bytes of what the process says are its `own` are a workspace.
    pub(crate) fn reserve(
        &self,
        book: &'static Promises,
        key: &CircuitKey,
        held: u64,
        own: impl FnOnce() -> Option<u64>,
    ) -> Result<Reservation, ProveError> {
        let most = workspace_bytes(self.backend, self.threads(), &CircuitSize::at_most_of(key));
        let rest = most.saturating_sub(held);
        let bytes = key.as_bytes();
        let pages = KeyPages {
            address: bytes.as_ptr().addr(),
            bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        };
        let promise = book.promise(rest, pages, |promised| match own() {
            Some(own) if rest > 0 => self.check_available(own.saturating_add(promised)),
            _ => Ok(()),
        });
        let promise = promise.map_err(ProveError::Memory)?;
        Ok(Reservation { most, promise })
    }

    /// [`prove`](Self::prove) for given r and s. Outside tests only `prove` calls this: two proofs of one witness
    /// with related blinding reveal the witness.
    pub(crate) fn prove_blinded(
        &self,
        key: &CircuitKey,
        assignment: &[Fr],
        control: &Control<'_>,
        blinding: Blinding,
    ) -> Result<Proven, ProveError> {
        let expected = key.r1cs().num_variables();
        if assignment.len() != expected {
            return Err(ProveError::AssignmentLength {
                got: assignment.len(),
                expected,
            });
        }
        if assignment.first() != Some(&Fr::ONE) {
            return Err(ProveError::ConstantNotOne);
        }
        let size = CircuitSize::at_most_of(key);
        let mut workspace = match self.shelf.take() {
            Some((kept, workspace)) if kept == size => workspace,
            // Another circuit's buffers are no room for this one's: what they hold here, they lack there.
            Some((_, workspace)) => {
                self.pool.install(|| workspace.discard());
                Box::default()
            }
            None => Box::default(),
        };
        let reservation = self.reserve(&PROMISES, key, workspace.bytes(), memory::own)?;
        let mut run = Run::new(self.backend, &self.pool, control);
        let work = AssertUnwindSafe(|| run.prove(key, assignment, blinding, &mut workspace, &reservation));
        // A proof that was cancelled or failed gives its memory back.
        match catch_unwind(work) {
            Ok(Ok(proof)) => {
                self.shelf.put(size, workspace);
                Ok(Proven {
                    proof,
                    report: run.into_report(),
                })
            }
            Ok(Err(error)) => {
                self.pool.install(|| workspace.discard());
                Err(error)
            }
            Err(payload) => Err(ProveError::Panicked {
                message: panics::message(payload.as_ref()),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
