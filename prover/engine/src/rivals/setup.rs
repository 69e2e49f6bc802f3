//! ark-groth16's generator under our reduction beside the engine's setup: the same matrices, trapdoor and τ.
//!
//! Threads are shared out as for proofs, see [`ArkGroth16`](super::ArkGroth16). The generator takes no matrices: it is given a circuit that
//! replays them, and synthesises it in its time. What that costs is measured apart, so that nobody takes it for arithmetic.

use std::num::NonZeroUsize;

use ark_relations::gr1cs::{
    ConstraintSynthesizer as _, ConstraintSystem, OptimizationGoal, SynthesisError, SynthesisMode,
};
use ark_std::rand::SeedableRng;
use ark_std::rand::rngs::StdRng;
use quittance_verifier::Shape;
use rand_core::{OsRng, RngCore as _};
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::{Cost, Side};
use crate::entropy::{self, EntropyError};
use crate::setup::reference::{Replay, generate};
use crate::setup::{Trapdoor, setup};
use crate::{Engine, EngineError, R1cs, SetupError};

/// ark-groth16's generator with threads of its own.
#[derive(Debug)]
pub struct ArkSetup {
    pool: ThreadPool,
}

/// What a key of each cost. The keys are equal.
#[derive(Clone, Copy, Debug)]
pub struct SetupRound {
    /// The engine's, with its check of every point.
    pub engine: Cost,
    /// ark-groth16's, which checks nothing.
    pub rival: Cost,
    /// The part of the rival's that is synthesis, measured by itself.
    pub synthesis: Cost,
}

/// Why there is no comparison.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupRivalError {
    /// The engine made no key.
    #[error("the engine made no key")]
    Engine(#[from] SetupError),
    /// ark-groth16 made no key.
    #[error("ark-groth16 made no key")]
    Rival(#[from] SynthesisError),
    /// The two keys differ, although everything secret was the same.
    #[error("the engine's key differs from ark-groth16's for the same trapdoor")]
    Different,
    /// The operating system gave no randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl ArkSetup {
    /// Starts threads.
    ///
    /// # Errors
    /// [`EngineError`] if the operating system refuses them.
    pub fn new(threads: NonZeroUsize) -> Result<Self, EngineError> {
        let threads = threads.get();
        ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("rival-{index}"))
            .build()
            .map(|pool| Self { pool })
            .map_err(|source| EngineError::Threads { threads, source })
    }

    /// One key by the engine, one by ark-groth16, from the same fresh trapdoor; both are dropped. `next` hears who is about to work.
    ///
    /// # Errors
    /// [`SetupRivalError`], also if the keys differ.
    pub fn round(
        &self,
        engine: &Engine,
        r1cs: &R1cs,
        shape: Shape,
        next: &dyn Fn(Side),
    ) -> Result<SetupRound, SetupRivalError> {
        let trapdoor = Trapdoor {
            alpha: entropy::scalar()?,
            beta: entropy::scalar()?,
            gamma: entropy::scalar()?,
            delta: entropy::scalar()?,
        };
        // Both draw τ from it, in the same way.
        let random = StdRng::seed_from_u64(OsRng.next_u64());
        next(Side::Engine);
        let (engine_cost, ours) =
            Cost::of(|| engine.install(|| setup(r1cs, shape, trapdoor, random.clone(), &|_| ())));
        let ours = ours?;
        next(Side::Rival);
        let (rival, theirs) = Cost::of(|| {
            self.pool
                .install(|| generate(r1cs, &trapdoor, &mut random.clone()))
        });
        if ours.to_arkworks() != theirs? {
            return Err(SetupRivalError::Different);
        }
        drop(ours);
        let (synthesis, done) = Cost::of(|| self.pool.install(|| synthesise(r1cs)));
        done?;
        Ok(SetupRound {
            engine: engine_cost,
            rival,
            synthesis,
        })
    }
}

/// What the generator does before it computes anything.
fn synthesise(r1cs: &R1cs) -> Result<(), SynthesisError> {
    let cs = ConstraintSystem::new_ref();
    cs.set_optimization_goal(OptimizationGoal::Constraints);
    cs.set_mode(SynthesisMode::Setup);
    Replay(r1cs).generate_constraints(cs.clone())?;
    cs.finalize();
    cs.to_matrices().map(drop)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::synthetic;
    use crate::testing::{SHAPE, engine};

    #[test]
    fn both_make_the_same_key_in_turn() {
        let (r1cs, _) = synthetic::circuit(8, 1).unwrap();
        let turns = Mutex::new(Vec::new());
        let rival = ArkSetup::new(NonZeroUsize::MIN).unwrap();
        for _ in 0..2 {
            rival
                .round(&engine(1), &r1cs, SHAPE, &|side| turns.lock().unwrap().push(side))
                .unwrap();
        }
        let turns = turns.into_inner().unwrap();
        assert_eq!(turns, [Side::Engine, Side::Rival, Side::Engine, Side::Rival]);
    }
}
