mod backends;

use std::sync::Mutex;

use ark_bn254::{Bn254, G1Affine};
use ark_ec::AffineRepr;
use ark_ff::{AdditiveGroup, BigInt, BigInteger, PrimeField, UniformRand, Zero};
use ark_groth16::Groth16;
use ark_relations::utils::matrix::Matrix;
use ark_std::rand::SeedableRng;
use ark_std::rand::rngs::StdRng;
use rayon::prelude::*;

use super::*;
use crate::key::points::Subgroup;
use crate::setup::Trapdoor;
use crate::setup::reference::generate;
use crate::testing::{SHAPE, engine, key, off_subgroup, random_circuit};
use crate::{CancelFlag, Progress, ProvingKey, R1cs, SnarkjsReduction, setup_development, synthetic};

fn blinding(seed: u64) -> Blinding {
    let mut rng = StdRng::seed_from_u64(seed);
    Blinding {
        r: Fr::rand(&mut rng),
        s: Fr::rand(&mut rng),
    }
}

/// The proof that ark-groth16 makes from the same key, matrices, assignment, r and s.
fn reference(key: &CircuitKey, assignment: &[Fr], Blinding { r, s }: Blinding) -> Proof {
    let r1cs = key.r1cs();
    let proof = Groth16::<Bn254, SnarkjsReduction>::create_proof_with_reduction_and_matrices(
        &key.to_arkworks(),
        r,
        s,
        &r1cs.to_matrices(),
        r1cs.num_instance(),
        r1cs.num_constraints(),
        assignment,
    )
    .unwrap();
    Proof::new(proof.a, proof.b, proof.c).unwrap()
}

#[test]
fn proofs_equal_those_of_ark_groth16_for_equal_randomness() {
    let engine = engine(2);
    let mut identities = [0; 3];
    for seed in 0..40 {
        let (r1cs, assignment) = random_circuit(seed);
        assert_eq!(r1cs.first_unsatisfied(&assignment), None);
        let key = key(&r1cs, seed);
        let bases = key.to_arkworks();
        identities[0] += bases.a_query.iter().filter(|point| point.is_zero()).count();
        identities[1] += bases.b_g1_query.iter().filter(|point| point.is_zero()).count();
        identities[2] += bases.b_g2_query.iter().filter(|point| point.is_zero()).count();
        let blinding = match seed {
            0 => Blinding {
                r: Fr::ZERO,
                s: Fr::ZERO,
            },
            1 => Blinding {
                r: Fr::ZERO,
                ..blinding(seed)
            },
            _ => blinding(seed),
        };
        let ours = engine
            .prove_blinded(&key, &assignment, &Control::default(), blinding)
            .unwrap();
        assert_eq!(
            ours.proof.to_bytes(),
            reference(&key, &assignment, blinding).to_bytes(),
            "seed {seed}"
        );
    }
    assert!(identities.iter().all(|&count| count > 100), "{identities:?}");
}

#[test]
fn proofs_equal_ark_groth16_on_a_circuit_like_a_real_one() {
    let (r1cs, assignment) = synthetic::circuit(12, 7).unwrap();
    let key = key(&r1cs, 7);
    for threads in [1, 3] {
        let ours = engine(threads)
            .prove_blinded(&key, &assignment, &Control::default(), blinding(9))
            .unwrap();
        assert_eq!(ours.proof, reference(&key, &assignment, blinding(9)));
    }
}

#[test]
fn s33_randomness_is_fresh_for_each_proof_and_each_key() {
    let (r1cs, assignment) = random_circuit(1);
    let engine = engine(1);
    let first = setup_development(&r1cs, SHAPE, &|_| ()).unwrap();
    let second = setup_development(&r1cs, SHAPE, &|_| ()).unwrap();
    assert_ne!(first.verifying_key(), second.verifying_key());
    let proofs: Vec<_> = (0..2)
        .map(|_| {
            engine
                .prove(&first, &assignment, &Control::default())
                .unwrap()
                .proof
        })
        .collect();
    assert_ne!(proofs[0].a(), proofs[1].a());
    assert_ne!(proofs[0].b(), proofs[1].b());
    assert_ne!(proofs[0].c(), proofs[1].c());
}

#[test]
fn s29_a_proof_is_accepted_for_its_own_statement_and_key_only() {
    let engine = engine(1);
    let (r1cs, assignment) = random_circuit(3);
    let key_a = key(&r1cs, 1);
    let key_b = key(&r1cs, 2);
    let proof = engine
        .prove(&key_a, &assignment, &Control::default())
        .unwrap()
        .proof;
    let inputs = &assignment[1..4];
    assert_eq!(key_a.verifier().verify_inputs(inputs, &proof), Ok(()));
    assert_eq!(
        key_b.verifier().verify_inputs(inputs, &proof),
        Err(VerifyError::ProofRejected)
    );
    for index in 0..3 {
        let mut other = inputs.to_vec();
        other[index] += Fr::ONE;
        assert_eq!(
            key_a.verifier().verify_inputs(&other, &proof),
            Err(VerifyError::ProofRejected)
        );
    }
}

/// Also where no row of the circuit names the input: the reduction's own rows bind it.
#[test]
fn s34_every_public_input_counts_even_if_no_row_names_it() {
    let one_row = [
        vec![vec![(Fr::ONE, 4)]],
        vec![vec![(Fr::ONE, 4)]],
        vec![vec![(Fr::ONE, 4)]],
    ];
    let r1cs = R1cs::from_matrices(&one_row, 4, 1).unwrap();
    let assignment = [Fr::ONE, Fr::from(5u64), Fr::from(6u64), Fr::from(7u64), Fr::ONE];
    let key = key(&r1cs, 4);
    let proof = engine(1)
        .prove(&key, &assignment, &Control::default())
        .unwrap()
        .proof;
    assert_eq!(key.verifier().verify_inputs(&assignment[1..4], &proof), Ok(()));
    for index in 0..3 {
        let mut inputs = assignment[1..4].to_vec();
        inputs[index] += Fr::ONE;
        assert_eq!(
            key.verifier().verify_inputs(&inputs, &proof),
            Err(VerifyError::ProofRejected)
        );
    }
}

#[test]
fn bad_assignments_are_refused_with_the_reason() {
    let (r1cs, assignment) = synthetic::circuit(7, 1).unwrap();
    let key = key(&r1cs, 1);
    let engine = engine(1);
    let prove = |assignment: &[Fr]| engine.prove(&key, assignment, &Control::default()).unwrap_err();
    let expected = assignment.len();
    match prove(&assignment[1..]) {
        ProveError::AssignmentLength {
            got,
            expected: wanted,
        } => assert_eq!((got, wanted), (expected - 1, expected)),
        error => panic!("{error}"),
    }
    let mut wrong = assignment.clone();
    wrong[0] = Fr::from(2u64);
    assert!(matches!(prove(&wrong), ProveError::ConstantNotOne));
    // Words at or above the modulus: as many as it takes to be no field element, and all of them.
    let no_element = |value: &mut Fr| {
        value.0.add_with_carry(&Fr::MODULUS);
    };
    for wire in [1, 4, 40, expected - 1] {
        let mut wrong = assignment.clone();
        no_element(&mut wrong[wire]);
        assert!(
            matches!(prove(&wrong), ProveError::AssignmentValue { variable } if variable == wire),
            "{wire}"
        );
        wrong[expected - 1] = Fr::new_unchecked(BigInt([u64::MAX; 4]));
        assert!(
            matches!(prove(&wrong), ProveError::AssignmentValue { variable } if variable == wire),
            "{wire}"
        );
    }
    let mut wrong = assignment.clone();
    no_element(&mut wrong[0]);
    assert!(matches!(prove(&wrong), ProveError::ConstantNotOne));
    for wire in [4, 40, expected - 1] {
        let mut wrong = assignment.clone();
        wrong[wire] += Fr::ONE;
        let first = r1cs.first_unsatisfied(&wrong).unwrap();
        match prove(&wrong) {
            ProveError::Unsatisfied { row } => assert_eq!(row, first),
            error => panic!("{error}"),
        }
    }
}

#[test]
fn a_damaged_key_gives_no_proof() {
    let (r1cs, assignment) = random_circuit(5);
    let good = key(&r1cs, 5);
    let engine = engine(1);
    let mut bases = good.to_arkworks();
    let index = bases.h_query.len() - 1;
    bases.h_query[index] = G1Affine::generator();
    let provenance = good.verifying_key().provenance();
    let damaged = ProvingKey::new(provenance, SHAPE, bases, r1cs.clone()).unwrap();
    let error = engine
        .prove(&damaged, &assignment, &Control::default())
        .unwrap_err();
    assert!(
        matches!(error, ProveError::SelfCheck(VerifyError::ProofRejected)),
        "{error}"
    );

    // S36: the one list whose subgroup is not looked at when a key is opened. Its damage cannot leave the engine.
    let mut bases = good.to_arkworks();
    let index = bases
        .b_g2_query
        .iter()
        .zip(&assignment)
        .position(|(point, value)| !point.is_zero() && !value.is_zero())
        .unwrap();
    bases.b_g2_query[index] = off_subgroup();
    let damaged = ProvingKey::from_arkworks(provenance, SHAPE, bases, &r1cs, Subgroup::Known).unwrap();
    let error = engine
        .prove(&damaged, &assignment, &Control::default())
        .unwrap_err();
    assert!(
        matches!(
            error,
            ProveError::Degenerate(DecodeError::NotInSubgroup { .. }) | ProveError::SelfCheck(_)
        ),
        "{error}"
    );
}

#[test]
fn progress_runs_through_the_phases_in_order() {
    let (r1cs, assignment) = synthetic::circuit(8, 1).unwrap();
    let key = key(&r1cs, 1);
    let seen = Mutex::new(Vec::<Progress>::new());
    let report = |progress| seen.lock().unwrap().push(progress);
    let control = Control::default().with_progress(&report);
    let proven = engine(2).prove(&key, &assignment, &control).unwrap();
    let seen = seen.into_inner().unwrap();
    assert!(seen.is_sorted_by(|a, b| a.overall <= b.overall));
    let mut phases: Vec<Phase> = seen.iter().map(|progress| progress.phase).collect();
    phases.dedup();
    assert_eq!(phases, Phase::ALL[1..]);
    assert_eq!(seen.last().unwrap().overall, 1.0);
    let reported: Vec<Phase> = proven.report.phases.iter().map(|time| time.phase).collect();
    assert_eq!(reported, Phase::ALL[1..]);
    assert!(proven.report.wall() > std::time::Duration::ZERO);
    assert!(cfg!(not(unix)) || proven.report.cpu() > std::time::Duration::ZERO);
}

#[test]
fn a_proof_is_cancelled_in_every_phase() {
    let (r1cs, assignment) = synthetic::circuit(7, 1).unwrap();
    let key = key(&r1cs, 1);
    let engine = engine(1);
    for stop in &Phase::ALL[1..8] {
        let flag = CancelFlag::new();
        let raise = flag.clone();
        let report = move |progress: Progress| {
            if progress.phase == *stop {
                raise.cancel();
            }
        };
        let control = Control::new(flag).with_progress(&report);
        match engine.prove(&key, &assignment, &control) {
            // Phases without a chunk of their own end at the start of the next.
            Err(ProveError::Cancelled { phase }) => assert!(phase >= *stop),
            other => panic!("{other:?}"),
        }
    }
}

/// Once cancelled, a multiplication sums up nothing more: one thread reports no further task. Of several, each ends the one that it is
/// at, and the others may have gone on while the flag was not up yet: then at most each list's start, end and a share are told.
#[test]
fn a_cancel_is_heard_within_each_multiplication() {
    let (r1cs, assignment) = synthetic::circuit(11, 1).unwrap();
    let key = key(&r1cs, 1);
    for threads in [1, 3] {
        let engine = engine(threads);
        for stop in [Phase::H, Phase::L, Phase::A, Phase::B1, Phase::B2] {
            let flag = CancelFlag::new();
            let raise = flag.clone();
            let after = Mutex::new(None);
            let report = |progress: Progress| {
                let mut after = after.lock().unwrap();
                if let Some(after) = after.as_mut() {
                    *after += 1;
                } else if progress.phase == stop && progress.fraction > 0.0 {
                    // Of several threads, the first report of a list may be that of its last task.
                    assert!(threads > 1 || progress.fraction < 0.5, "{stop} has too few tasks");
                    raise.cancel();
                    *after = Some(0);
                }
            };
            match engine.prove(&key, &assignment, &Control::new(flag).with_progress(&report)) {
                Err(ProveError::Cancelled { phase }) if threads == 1 => assert_eq!(phase, stop),
                Err(ProveError::Cancelled { .. }) => {}
                other => panic!("{other:?}"),
            }
            let after = after.into_inner().unwrap().unwrap();
            let most = if threads == 1 { 0 } else { 3 * 4 };
            assert!(after <= most, "{stop}: {after} more reports");
        }
    }
}

/// A callback may wait for the proving threads: the one that waits there takes up tasks of the same proof, which report, too.
#[test]
fn a_callback_may_use_the_proving_threads() {
    let (r1cs, assignment) = synthetic::circuit(14, 1).unwrap();
    let key = key(&r1cs, 1);
    let (done, proved) = std::sync::mpsc::channel();
    // Not joined: should it hang, the test has to end all the same.
    std::thread::spawn(move || {
        for threads in [2, 4] {
            let (engine, other) = (engine(threads), engine(threads));
            for pool in [&engine, &other] {
                let report = |_: Progress| {
                    let parts = pool.install(|| (0..64u64).into_par_iter().map(slow).sum::<u64>());
                    assert_eq!(parts, 64 * 63 / 2);
                };
                let control = Control::default().with_progress(&report);
                let proof = engine.prove(&key, &assignment, &control);
                done.send(proof.is_ok()).unwrap();
            }
        }
    });
    for _ in 0..4 {
        let proved = proved.recv_timeout(std::time::Duration::from_secs(300));
        assert_eq!(proved, Ok(true), "a proof that does not end");
    }
}

/// Leaves the core for a moment: the caller has to wait for other threads, and a waiting thread takes up what there is.
fn slow(value: u64) -> u64 {
    std::thread::sleep(std::time::Duration::from_micros(50));
    value
}

/// Buffers of one circuit are no room for another's, whatever they come to together.
#[test]
fn memory_that_another_circuit_has_left_is_given_back() {
    let engine = engine(2);
    let kept = |log2| {
        let (r1cs, assignment) = synthetic::circuit(log2, 1).unwrap();
        let _ = engine
            .prove(&key(&r1cs, 1), &assignment, &Control::default())
            .unwrap();
        engine.workspace_bytes()
    };
    let (large, small) = (kept(11), kept(8));
    assert!(0 < small && small < large, "{small} {large}");
}

/// A multiplication that is cancelled before its first task begins none: cutting and sorting end it.
#[test]
fn a_cancel_at_the_start_of_a_multiplication_leaves_it_undone() {
    let (r1cs, assignment) = synthetic::circuit(10, 1).unwrap();
    let key = key(&r1cs, 1);
    let engine = engine(3);
    for stop in [Phase::H, Phase::L] {
        let flag = CancelFlag::new();
        let raise = flag.clone();
        let last = Mutex::new(None);
        let report = |progress: Progress| {
            if progress.phase == stop {
                raise.cancel();
            }
            *last.lock().unwrap() = Some((progress.phase, progress.fraction));
        };
        match engine.prove(&key, &assignment, &Control::new(flag).with_progress(&report)) {
            Err(ProveError::Cancelled { phase }) => assert_eq!(phase, stop),
            other => panic!("{other:?}"),
        }
        assert_eq!(last.into_inner().unwrap(), Some((stop, 0.0)));
    }
}

/// The n-th report cancels, for every n: the proof ends, its memory is given back, and the next proof is as good as ever.
#[test]
fn a_proof_is_cancelled_at_every_report() {
    let (r1cs, assignment) = synthetic::circuit(10, 1).unwrap();
    let key = key(&r1cs, 1);
    for threads in [1, 3] {
        let engine = engine(threads);
        let prove = |control: &Control<'_>| engine.prove_blinded(&key, &assignment, control, blinding(3));
        let expected = prove(&Control::default()).unwrap().proof;
        let mut last_phase = Phase::WitnessMap;
        for last in 0.. {
            assert!(engine.shelf.bytes() > 0);
            let flag = CancelFlag::new();
            let raise = flag.clone();
            let reports = Mutex::new(Vec::new());
            let report = |progress: Progress| {
                let mut reports = reports.lock().unwrap();
                if reports.len() == last {
                    raise.cancel();
                }
                reports.push(progress.phase);
            };
            let result = prove(&Control::new(flag).with_progress(&report));
            let reports = reports.into_inner().unwrap();
            match result {
                Err(ProveError::Cancelled { phase }) => {
                    assert!(phase >= reports[last], "{phase} after {:?}", reports[last]);
                    last_phase = phase;
                    assert_eq!(engine.shelf.bytes(), 0, "report {last}");
                }
                // The last phase is not cut short: what remains is less than a chunk.
                Ok(proven) => {
                    assert_eq!(reports[last.min(reports.len() - 1)], Phase::Verify);
                    assert_eq!(proven.proof, expected);
                    break;
                }
                Err(error) => panic!("{error}"),
            }
            assert_eq!(prove(&Control::default()).unwrap().proof, expected);
        }
        // Several threads do not report equally often each time.
        assert!(threads > 1 || last_phase == Phase::Verify, "{last_phase}");
    }
}

/// Circuits without a row, with one, two, three; domains of 1, 2, 4 and 8, and odd sizes around powers of two; on any number of threads.
#[test]
fn the_smallest_circuits_are_proved_on_every_number_of_threads() {
    let engines = [1, 2, 3, 7].map(engine);
    let mut domains = std::collections::BTreeSet::new();
    for (instance, rows) in [1, 2, 4]
        .into_iter()
        .flat_map(|instance| [0, 1, 2, 3, 4, 5, 7, 9, 29, 61, 63, 65].map(|rows| (instance, rows)))
    {
        let (r1cs, assignment) = squares(instance, rows);
        domains.insert(r1cs.domain_size());
        let seed = (16 * rows + instance) as u64;
        let mut rng = StdRng::seed_from_u64(seed);
        let trapdoor = Trapdoor {
            alpha: Fr::rand(&mut rng),
            beta: Fr::rand(&mut rng),
            gamma: Fr::rand(&mut rng),
            delta: Fr::rand(&mut rng),
        };
        let key = CircuitKey::new(generate(&r1cs, &trapdoor, &mut rng).unwrap(), &r1cs).unwrap();
        let expected = reference(&key, &assignment, blinding(seed));
        for engine in &engines {
            let ours = engine
                .prove_blinded(&key, &assignment, &Control::default(), blinding(seed))
                .unwrap();
            assert_eq!(ours.proof, expected, "{instance} instance variables, {rows} rows");
        }
    }
    assert_eq!(
        domains.into_iter().collect::<Vec<_>>(),
        [1, 2, 4, 8, 16, 32, 64, 128]
    );
}

/// Each witness variable is the square of the one before.
fn squares(instance: usize, rows: usize) -> (R1cs, Vec<Fr>) {
    let one = |variable: usize| vec![(Fr::ONE, variable)];
    let left: Matrix<Fr> = (0..rows).map(|row| one(instance + row)).collect();
    let right = (0..rows).map(|row| one(instance + row + 1)).collect();
    let witness = if rows == 0 { 0 } else { rows + 1 };
    let r1cs = R1cs::from_matrices(&[left.clone(), left, right], instance, witness).unwrap();
    let mut assignment: Vec<Fr> = (1u64..).take(instance).map(Fr::from).collect();
    let mut value = Fr::from(3u64);
    for _ in 0..witness {
        assignment.push(value);
        value = value.square();
    }
    (r1cs, assignment)
}

#[test]
fn a_panic_is_an_error_and_the_engine_lives_on() {
    let (r1cs, assignment) = random_circuit(8);
    let key = key(&r1cs, 8);
    let engine = engine(1);
    let report = |progress: Progress| assert_ne!(progress.phase, Phase::B1, "callback says no");
    let control = Control::default().with_progress(&report);
    match engine.prove(&key, &assignment, &control) {
        Err(ProveError::Panicked { message }) => assert!(message.contains("callback says no"), "{message}"),
        other => panic!("{other:?}"),
    }
    assert!(engine.prove(&key, &assignment, &Control::default()).is_ok());
}

#[test]
fn several_threads_prove_with_one_engine() {
    let (r1cs, assignment) = random_circuit(9);
    let key = key(&r1cs, 9);
    let engine = engine(2);
    std::thread::scope(|scope| {
        let proofs: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| engine.prove(&key, &assignment, &Control::default()).is_ok()))
            .collect();
        assert!(proofs.into_iter().all(|proof| proof.join().unwrap()));
    });
}
