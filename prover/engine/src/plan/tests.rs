use super::*;
use crate::backend::Backend;
use crate::memory::Promises;
use crate::testing::{backends, engine, key};
use crate::{Control, Engine, Phase, ProveError, synthetic};

/// Sizes of a circuit like the synthetic one.
fn size(log2: u32) -> CircuitSize {
    CircuitSize {
        constraints: (1 << log2) - 8,
        variables: (1 << log2) + 3,
        instance: 4,
        booleans: 1 << log2 >> 5,
        nonzeros: 9 << log2,
        coefficients: 7_000,
        domain: 1 << log2,
        a_points: (1 << log2) - 8,
        b_points: 3 << log2 >> 2,
    }
}

#[test]
fn the_length_of_a_key_is_predicted() {
    for log2 in [6, 9] {
        let (r1cs, _) = synthetic::circuit(log2, 1).unwrap();
        let key = key(&r1cs, 1);
        let size = CircuitSize::from(&r1cs);
        assert_eq!(size, CircuitSize::from(&*key));
        let memory = engine(1).plan_memory(&size);
        assert_eq!(u64::try_from(key.as_bytes().len()), Ok(memory.key_bytes));
    }
}

/// The buffers that a proof leaves behind are those of the plan, on every backend and for every number of threads.
#[test]
fn the_workspace_is_as_large_as_planned() {
    for log2 in [9, 12, 14] {
        let (r1cs, assignment) = synthetic::circuit(log2, 1).unwrap();
        let key = key(&r1cs, 1);
        for backend in Backend::available() {
            for threads in [1, 3] {
                let engine = Engine::on(backend, threads.try_into().unwrap()).unwrap();
                engine.prove(&key, &assignment, &Control::default()).unwrap();
                let planned = engine.plan_memory(&CircuitSize::from(&*key)).workspace_bytes;
                let held = engine.workspace_bytes();
                // What threads work in has a bound, which small sums do not reach.
                let slack = u64::try_from(threads).unwrap() * (3 << 20);
                assert!(
                    held <= planned + planned / 20,
                    "{backend} 2^{log2}: {held} of {planned}"
                );
                assert!(
                    planned <= held + held / 20 + slack,
                    "{backend} 2^{log2}: {held} of {planned}"
                );
            }
        }
    }
}

/// The largest circuits that can be held do not overflow the formulas.
#[test]
fn memory_grows_with_the_circuit_and_the_threads() {
    for backend in backends() {
        let engine = |threads: usize| Engine::on(backend, threads.try_into().unwrap()).unwrap();
        let (one, four) = (engine(1), engine(4));
        let peaks: Vec<u64> = (5..28)
            .map(|log2| one.plan_memory(&size(log2)).peak_bytes())
            .collect();
        assert!(peaks.is_sorted(), "{peaks:?}");
        for log2 in 5..28 {
            let memory = |engine: &Engine| engine.plan_memory(&size(log2)).peak_bytes();
            assert!(memory(&four) > memory(&one));
        }
    }
}

#[test]
fn time_grows_with_the_circuit_and_has_every_phase_of_the_engine() {
    let engine = engine(2);
    let calibration = engine.calibrate().unwrap();
    let times: Vec<_> = (10..24)
        .map(|log2| engine.plan(&size(log2), &calibration).time)
        .collect();
    for pair in times.windows(2) {
        assert!(pair[1].wall() > pair[0].wall() && pair[1].cpu() > pair[0].cpu());
        assert!(pair[1].wall() < 3 * pair[0].wall());
    }
    let phases: Vec<Phase> = times[0].phases.iter().map(|time| time.phase).collect();
    assert_eq!(phases, Phase::ALL[1..]);
}

#[test]
fn booleans_cost_next_to_nothing() {
    let engine = engine(1);
    let calibration = engine.calibrate().unwrap();
    let (all, none) = (
        size(16),
        CircuitSize {
            booleans: 0,
            ..size(16)
        },
    );
    let booleans = CircuitSize {
        booleans: all.variables,
        ..all
    };
    let cpu = |size| engine.plan(&size, &calibration).time.cpu();
    assert!(cpu(all) < cpu(none) && cpu(booleans) < cpu(none) / 2);
}

/// What a proof adds to what the process holds: the rest of the workspace, and the key's pages, which are not counted as held.
#[test]
fn the_key_counts_where_a_proof_looks_for_memory() {
    let (r1cs, _) = synthetic::circuit(9, 1).unwrap();
    let key = key(&r1cs, 1);
    let with_limit = |limit| engine(2).with_memory_limit(Some(limit));
    // Not the process' book: other tests prove, too.
    static BOOK: Promises = Promises::new();
    let check = |engine: &Engine, held, own| engine.reserve(&BOOK, &key, held, || own);
    let most = workspace_bytes(Backend::detect().unwrap(), 2, &CircuitSize::at_most_of(&key));
    let key_bytes = u64::try_from(key.as_bytes().len()).unwrap();
    assert!(key_bytes > 0);
    for (own, held) in [(0, 0), (5 << 20, 0), (5 << 20, 1 << 20), (9 << 20, most - 1)] {
        let needed = own + (most - held) + key_bytes;
        assert!(check(&with_limit(needed), held, Some(own)).is_ok());
        let available = needed - 1;
        match check(&with_limit(available), held, Some(own)) {
            Err(ProveError::Memory(shortage)) => assert_eq!(shortage, Shortage { needed, available }),
            other => panic!("{other:?}"),
        }
    }
    // The workspace is there already, or nobody knows.
    for held in [most, most + 1] {
        assert!(check(&with_limit(1), held, Some(held)).is_ok());
    }
    assert!(check(&with_limit(1), 0, None).is_ok());
}

/// Sizes are anybody's to make.
#[test]
fn sizes_that_nothing_holds_are_planned_and_refused() {
    let engine = engine(2);
    let calibration = engine.calibrate().unwrap();
    let fields: [fn(&mut CircuitSize) -> &mut u64; 9] = [
        |size| &mut size.constraints,
        |size| &mut size.variables,
        |size| &mut size.instance,
        |size| &mut size.booleans,
        |size| &mut size.nonzeros,
        |size| &mut size.coefficients,
        |size| &mut size.domain,
        |size| &mut size.a_points,
        |size| &mut size.b_points,
    ];
    let mut all = size(10);
    for field in fields {
        for count in [0, 1 << 40, 1 << 60, u64::MAX] {
            let mut one = size(10);
            *field(&mut one) = count;
            *field(&mut all) = count;
            for size in [one, all] {
                let _ = engine.plan(&size, &calibration);
                let _ = engine.check_memory(&size);
            }
        }
    }
    let available = 1 << 40;
    let limited = self::engine(1).with_memory_limit(Some(available));
    assert!(limited.check_memory(&all).is_err());
}

/// A limit that the expected assignment keeps and another one would not: a proof would be refused, so the circuit is.
#[test]
fn memory_is_looked_for_as_if_no_value_were_boolean() {
    let size = size(20);
    let engine = engine(2);
    let peak = |size| engine.plan_memory(size).peak_bytes();
    let (expected, most) = (peak(&size), peak(&size.at_most()));
    assert!(expected < most);
    for (limit, enough) in [(expected, false), (most - 1, false), (most, true)] {
        let engine = self::engine(2).with_memory_limit(Some(limit));
        assert_eq!(engine.check_memory(&size).is_ok(), enough, "{limit}");
    }
}

#[test]
fn what_does_not_fit_is_refused_with_both_numbers_and_before_any_memory_is_taken() {
    let (r1cs, assignment) = synthetic::circuit(9, 1).unwrap();
    let key = key(&r1cs, 1);
    let size = CircuitSize::from(&r1cs);
    let limit = 1 << 20;
    let engine = engine(1).with_memory_limit(Some(limit));
    assert_eq!(
        (engine.memory_limit(), engine.available_memory()),
        (Some(limit), Some(limit))
    );
    let needed = engine.plan_memory(&size.at_most()).peak_bytes();
    let available = limit;
    assert_eq!(engine.check_memory(&size), Err(Shortage { needed, available }));
    if cfg!(target_os = "linux") {
        match engine.prove(&key, &assignment, &Control::default()) {
            Err(error @ ProveError::Memory(Shortage { needed, available })) => {
                assert!(needed > available && available == limit);
                assert!(error.is_transient());
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(engine.workspace_bytes(), 0);
    }
    let engine = engine.with_memory_limit(Some(64 << 30));
    assert_eq!(engine.check_memory(&size), Ok(()));
    let _ = engine.prove(&key, &assignment, &Control::default()).unwrap();
    assert!(engine.workspace_bytes() > 0);
}
