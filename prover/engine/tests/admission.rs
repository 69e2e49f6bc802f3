//! Proofs at the same time, where there is memory for one of them. They are alone in this program: other tests take memory meanwhile.

#![cfg(target_os = "linux")]

use std::num::NonZeroUsize;
use std::sync::Mutex;

use ark_bn254::Fr;
use quittance_engine::{
    Backend, CancelFlag, CircuitSize, Control, Engine, Phase, Progress, ProveError, ProvingKey, Shortage,
    setup_development, synthetic,
};
use quittance_verifier::Shape;

const SHAPE: Shape = Shape::transfers_only(2, 2, 1);

/// What the first proof does when it has been promised its memory and has taken none.
#[derive(Clone, Copy, Debug)]
enum Then {
    GoOn,
    Cancel,
    Panic,
}

#[test]
fn a_proof_is_not_promised_what_another_one_was() {
    let (r1cs, assignment) = synthetic::circuit(12, 1).unwrap();
    let key = setup_development(&r1cs, SHAPE, &|_| ()).unwrap();
    let engine = || Engine::on(Backend::Portable, NonZeroUsize::MIN).unwrap();
    let planned = engine().plan_memory(&CircuitSize::from(&*key)).workspace_bytes;
    for then in [Then::GoOn, Then::Cancel, Then::Panic] {
        let alone = needed(&engine(), &key, &assignment).unwrap();
        let limit = alone + planned / 2;
        let (engine, other) = (
            engine().with_memory_limit(Some(limit)),
            engine().with_memory_limit(Some(limit)),
        );
        let flag = CancelFlag::new();
        // What another engine and the same one said when the first proof began, and what was needed when it had its memory.
        let (began, later) = (Mutex::new(Vec::new()), Mutex::new(None));
        let report = |progress: Progress| {
            if progress.phase == Phase::WitnessMap && began.lock().unwrap().is_empty() {
                for engine in [&other, &engine] {
                    let outcome = engine.prove(&key, &assignment, &Control::default());
                    began.lock().unwrap().push(outcome.map(|_| ()));
                }
                match then {
                    Then::GoOn => {}
                    Then::Cancel => flag.cancel(),
                    // Without the hook, whose backtrace takes memory that stays.
                    Then::Panic => std::panic::resume_unwind(Box::new("told to")),
                }
            }
            if progress.phase == Phase::A {
                let needed = needed(&other, &key, &assignment);
                later.lock().unwrap().get_or_insert(needed);
            }
        };
        let control = Control::new(flag.clone()).with_progress(&report);
        let outcome = engine.prove(&key, &assignment, &control);
        match (then, &outcome) {
            (Then::GoOn, Ok(_))
            | (Then::Cancel, Err(ProveError::Cancelled { .. }))
            | (Then::Panic, Err(ProveError::Panicked { .. })) => {}
            _ => panic!("{then:?}: {outcome:?}"),
        }
        let began = began.into_inner().unwrap();
        assert_eq!(began.len(), 2);
        for outcome in began {
            match outcome {
                Err(ProveError::Memory(Shortage { needed, available })) => {
                    assert_eq!(available, limit);
                    assert!(needed > alone + planned / 2, "{needed} {alone} {planned}");
                }
                other => panic!("{then:?}: {other:?}"),
            }
        }
        // What the first proof has taken is not counted a second time.
        if let Some(needed) = later.into_inner().unwrap() {
            let needed = needed.unwrap();
            assert!(
                needed > alone + planned / 2 && needed < alone + planned + planned / 2,
                "{needed} {alone} {planned}"
            );
        }
        // Whatever became of the first proof, its promise has ended.
        let after = engine.prove(&key, &assignment, &Control::default());
        assert!(after.is_ok(), "{then:?}: {after:?}");
    }
}

/// What a proof would need, which is never there.
fn needed(engine: &Engine, key: &ProvingKey, assignment: &[Fr]) -> Option<u64> {
    let threads = NonZeroUsize::new(engine.threads())?;
    let engine = Engine::on(engine.backend(), threads).ok()?;
    let engine = engine.with_memory_limit(Some(1));
    match engine.prove(key, assignment, &Control::default()) {
        Err(ProveError::Memory(shortage)) => Some(shortage.needed),
        _ => None,
    }
}
