//! ark-groth16 under our reduction beside the engine: the same matrices, assignment, key, r and s.
//!
//! Threads: the engine has a pool of N threads, and so has ark-groth16: everything of it runs on a pool of its own, so that
//! the global pool is never touched. Its multi-scalar multiplications start further pools of at most two threads,
//! N/2 of them at a time, while the threads of its own pool wait; no more than N threads compute. With an odd N above 1 one
//! of them stays idle during multiplications: compare wall times with an even N, or on one thread.

use std::num::NonZeroUsize;

use ark_bn254::{Bn254, Fr};
use ark_groth16::Groth16;
use ark_relations::gr1cs::SynthesisError;
use ark_relations::utils::matrix::Matrix;
use quittance_verifier::{DecodeError, Proof, VerifyError};
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::Cost;
use crate::entropy::{self, EntropyError};
use crate::prove::Blinding;
use crate::{Bases, Control, Engine, EngineError, ProveError, ProvingKey, SnarkjsReduction};

/// ark-groth16 with a key, matrices and threads of its own.
#[derive(Debug)]
pub struct ArkGroth16<'a> {
    key: &'a ProvingKey,
    bases: Bases,
    matrices: [Matrix<Fr>; 3],
    pool: ThreadPool,
}

/// Who proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The engine.
    Engine,
    /// ark-groth16.
    Rival,
}

/// What a proof of each cost. Both proofs verify, and are equal.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// The engine's, with its check of every row and its verification of the finished proof.
    pub engine: Cost,
    /// ark-groth16's, which does neither; its proof is verified after the clock has stopped.
    pub rival: Cost,
}

/// Why there is no comparison.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RivalError {
    /// The engine made no proof.
    #[error("the engine made no proof")]
    Engine(#[from] ProveError),
    /// ark-groth16 made no proof.
    #[error("ark-groth16 made no proof")]
    Rival(#[from] SynthesisError),
    /// A point of ark-groth16's proof is not acceptable.
    #[error("a point of ark-groth16's proof is not acceptable")]
    Decode(#[from] DecodeError),
    /// ark-groth16's proof does not verify.
    #[error("ark-groth16's proof does not verify")]
    Verify(#[from] VerifyError),
    /// The two proofs differ, although r and s were the same.
    #[error("the engine's proof differs from ark-groth16's for the same r and s")]
    Different,
    /// The operating system gave no randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl<'a> ArkGroth16<'a> {
    /// Unpacks the key and the matrices into arkworks' types, and starts threads.
    ///
    /// # Errors
    /// [`EngineError`] if the operating system refuses the threads.
    pub fn new(key: &'a ProvingKey, threads: NonZeroUsize) -> Result<Self, EngineError> {
        let threads = threads.get();
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("rival-{index}"))
            .build()
            .map_err(|source| EngineError::Threads { threads, source })?;
        Ok(Self {
            key,
            bases: key.to_arkworks(),
            matrices: key.r1cs().to_matrices(),
            pool,
        })
    }

    /// One proof by the engine, one by ark-groth16, for the same fresh r and s. `next` hears who is about to prove.
    ///
    /// # Errors
    /// [`RivalError`], also if the proofs differ.
    pub fn round(
        &self,
        engine: &Engine,
        assignment: &[Fr],
        next: &dyn Fn(Side),
    ) -> Result<Round, RivalError> {
        let blinding = Blinding {
            r: entropy::scalar()?,
            s: entropy::scalar()?,
        };
        next(Side::Engine);
        let (engine, ours) =
            Cost::of(|| engine.prove_blinded(self.key, assignment, &Control::default(), blinding));
        let ours = ours?.proof;
        next(Side::Rival);
        let (rival, theirs) = Cost::of(|| self.prove(assignment, blinding));
        let theirs = theirs?;
        let theirs = Proof::new(theirs.a, theirs.b, theirs.c)?;
        let inputs = assignment
            .get(1..self.key.r1cs().num_instance())
            .unwrap_or_default();
        self.key.verifier().verify_inputs(inputs, &theirs)?;
        if ours.to_bytes() != theirs.to_bytes() {
            return Err(RivalError::Different);
        }
        Ok(Round { engine, rival })
    }

    fn prove(
        &self,
        assignment: &[Fr],
        Blinding { r, s }: Blinding,
    ) -> Result<ark_groth16::Proof<Bn254>, SynthesisError> {
        let r1cs = self.key.r1cs();
        self.pool.install(|| {
            Groth16::<Bn254, SnarkjsReduction>::create_proof_with_reduction_and_matrices(
                &self.bases,
                r,
                s,
                &self.matrices,
                r1cs.num_instance(),
                r1cs.num_constraints(),
                assignment,
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use ark_ff::Field;

    use super::*;
    use crate::testing::{engine, key, random_circuit};

    #[test]
    fn a_round_proves_on_both_sides_and_takes_their_times() {
        let (r1cs, assignment) = crate::synthetic::circuit(9, 1).unwrap();
        let key = key(&r1cs, 1);
        for threads in [1, 2] {
            let rival = ArkGroth16::new(&key, NonZeroUsize::new(threads).unwrap()).unwrap();
            let order = Mutex::new(Vec::new());
            let next = |side| order.lock().unwrap().push(side);
            let round = rival.round(&engine(threads), &assignment, &next).unwrap();
            assert_eq!(*order.lock().unwrap(), [Side::Engine, Side::Rival]);
            for cost in [round.engine, round.rival] {
                assert!(!cost.wall.is_zero());
                assert!(cfg!(not(unix)) || !cost.cpu.is_zero());
            }
        }
    }

    #[test]
    fn an_assignment_that_is_wrong_is_no_round() {
        let (r1cs, mut assignment) = random_circuit(1);
        let key = key(&r1cs, 1);
        let rival = ArkGroth16::new(&key, NonZeroUsize::MIN).unwrap();
        *assignment.last_mut().unwrap() += Fr::ONE;
        let round = rival.round(&engine(1), &assignment, &|_| ());
        assert!(matches!(
            round,
            Err(RivalError::Engine(ProveError::Unsatisfied { .. }))
        ));
    }
}
