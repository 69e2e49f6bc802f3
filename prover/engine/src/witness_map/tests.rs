use std::sync::atomic::{AtomicUsize, Ordering};

use ark_ff::{Field, UniformRand};
use ark_relations::utils::matrix::Matrix;
use ark_std::rand::rngs::StdRng;
use ark_std::rand::{Rng, SeedableRng};

use super::rows::FirstWrong;
use super::*;
use crate::CancelFlag;
use crate::testing::{backends, in_pools, random_circuit};

/// What `src/reduction.rs` computes, as integers.
fn expected(r1cs: &R1cs, assignment: &[Fr]) -> Vec<[u64; 4]> {
    let mut a = vec![Fr::ZERO; r1cs.domain_size()];
    let mut b = a.clone();
    r1cs.evaluate_into(MatrixName::A, assignment, &mut a).unwrap();
    r1cs.evaluate_into(MatrixName::B, assignment, &mut b).unwrap();
    let rows = r1cs.num_constraints();
    a[rows..][..r1cs.num_instance()].copy_from_slice(&assignment[..r1cs.num_instance()]);
    quotient_on_odd_coset::<Fr, Radix2EvaluationDomain<Fr>, SynthesisError>(a, b, &mut |_| Ok(()))
        .unwrap()
        .into_iter()
        .map(|value| value.into_bigint().0)
        .collect()
}

fn quotient(
    backend: Backend,
    r1cs: &R1cs,
    assignment: &[Fr],
    buffers: &mut WitnessMapBuffers,
) -> Result<Vec<[u64; 4]>, QuotientError> {
    let map = WitnessMap::new(backend, r1cs.domain_size())?;
    let quotient = map.quotient(r1cs, assignment, buffers, &Control::default())?;
    Ok((0..quotient.len()).map(|index| quotient.get(index)).collect())
}

/// `rows` rows w_i · w_j·k = w_new over values that `value` gives, with coefficients of every kind.
fn circuit(rows: usize, seed: u64, value: impl Fn(&mut StdRng) -> Fr) -> (R1cs, Vec<Fr>) {
    circuit_with(Fr::ONE, rows, seed, value)
}

/// The same with this value of variable 0.
fn circuit_with(constant: Fr, rows: usize, seed: u64, value: impl Fn(&mut StdRng) -> Fr) -> (R1cs, Vec<Fr>) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut assignment = vec![constant];
    assignment.extend((0..6).map(|_| value(&mut rng)));
    let mut matrices: [Matrix<Fr>; 3] = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..rows {
        let mut side = || -> Vec<(Fr, usize)> {
            let coefficient = |rng: &mut StdRng| match rng.gen_range(0..6) {
                0 | 1 => Fr::ONE,
                2 => -Fr::ONE,
                3 => Fr::from(rng.r#gen::<u16>()),
                4 => -Fr::from(rng.r#gen::<u64>()),
                _ => Fr::rand(rng),
            };
            (0..rng.gen_range(0..5))
                .map(|_| (coefficient(&mut rng), rng.gen_range(0..assignment.len())))
                .collect()
        };
        let (a, b) = (side(), side());
        let inner = |terms: &[(Fr, usize)]| terms.iter().map(|(k, i)| *k * assignment[*i]).sum::<Fr>();
        assignment.push(inner(&a) * inner(&b));
        matrices[0].push(a);
        matrices[1].push(b);
        matrices[2].push(vec![(Fr::ONE, assignment.len() - 1)]);
    }
    let r1cs = R1cs::from_matrices(&matrices, 4, assignment.len() - 4).unwrap();
    (r1cs, assignment)
}

#[test]
fn quotients_equal_those_of_the_reduction_for_every_size() {
    for backend in backends() {
        let mut buffers = WitnessMapBuffers::default();
        // From large to small too: buffers keep what an earlier proof has left.
        for log2 in (2..=14).chain((2..14).rev()) {
            let rows = (1usize << log2) - 4;
            for (seed, value) in [
                (0, Fr::rand as fn(&mut StdRng) -> Fr),
                (1, |_| Fr::ZERO),
                (2, |_| -Fr::ONE),
            ] {
                let (r1cs, assignment) = circuit(rows, seed, value);
                assert_eq!(r1cs.domain_size(), 1 << log2);
                let found = quotient(backend, &r1cs, &assignment, &mut buffers).unwrap();
                assert!(
                    found == expected(&r1cs, &assignment),
                    "{backend}, 2^{log2}, {seed}"
                );
            }
        }
        for seed in 0..20 {
            let (r1cs, assignment) = random_circuit(seed);
            let found = quotient(backend, &r1cs, &assignment, &mut buffers).unwrap();
            assert!(found == expected(&r1cs, &assignment), "{backend}, {seed}");
        }
    }
}

/// The engine proves with w₀ = 1 only; the map takes any, and then a constant is a product like others.
#[test]
fn the_first_variable_need_not_be_one() {
    for constant in [Fr::ZERO, -Fr::ONE, Fr::from(7u64)] {
        for rows in [300, 3000] {
            // Few rows name variable 0 by chance: these do, with a coefficient of their own.
            let (r1cs, mut assignment) = circuit_with(constant, rows, 6, Fr::rand);
            let mut matrices = r1cs.to_matrices();
            for (side, coefficient) in [(0, 11u64), (1, 13)] {
                matrices[side].push(vec![(Fr::from(coefficient), 0)]);
            }
            assignment.push(Fr::from(143u64) * constant.square());
            matrices[2].push(vec![(Fr::ONE, assignment.len() - 1)]);
            let r1cs = R1cs::from_matrices(&matrices, 4, assignment.len() - 4).unwrap();
            for backend in backends() {
                let mut buffers = WitnessMapBuffers::default();
                let found = quotient(backend, &r1cs, &assignment, &mut buffers).unwrap();
                assert!(found == expected(&r1cs, &assignment), "{backend}, {rows} rows");
            }
        }
    }
}

/// No rows at all: a domain of one element, and of two and four.
#[test]
fn systems_without_rows_have_a_quotient() {
    for backend in backends() {
        for instance in 1..=4 {
            let r1cs = R1cs::from_matrices(&[const { Vec::new() }; 3], instance, 0).unwrap();
            let assignment: Vec<Fr> = (1u64..).take(instance).map(Fr::from).collect();
            let found = quotient(backend, &r1cs, &assignment, &mut WitnessMapBuffers::default());
            assert_eq!(found.unwrap(), expected(&r1cs, &assignment));
        }
    }
}

#[test]
fn every_number_of_threads_gives_the_same() {
    let (r1cs, assignment) = circuit((1 << 13) + 77, 5, Fr::rand);
    let expected = expected(&r1cs, &assignment);
    for backend in backends() {
        in_pools(|| {
            let mut buffers = WitnessMapBuffers::default();
            let found = quotient(backend, &r1cs, &assignment, &mut buffers).unwrap();
            assert!(found == expected);
        });
    }
}

#[test]
fn the_first_wrong_row_is_found() {
    for rows in [5, 3000] {
        let (r1cs, assignment) = circuit(rows, 3, Fr::rand);
        for wrong in [
            vec![0],
            vec![rows - 1],
            vec![rows / 2],
            vec![rows - 1, rows / 3],
            vec![7 % rows, 2],
        ] {
            // Rows as free as possible: each has a product variable of its own, but later rows may name it.
            let mut matrices = r1cs.to_matrices();
            for &row in &wrong {
                matrices[2][row].push((Fr::ONE, 0));
            }
            let changed = R1cs::from_matrices(&matrices, 4, assignment.len() - 4).unwrap();
            let expected = wrong.iter().copied().min();
            assert_eq!(changed.first_unsatisfied(&assignment), expected);
            for backend in backends() {
                in_pools(|| {
                    let mut buffers = WitnessMapBuffers::default();
                    let found = quotient(backend, &changed, &assignment, &mut buffers);
                    assert_eq!(
                        found,
                        Err(QuotientError::Unsatisfied {
                            row: expected.unwrap()
                        })
                    );
                    // The same buffers serve the next proof.
                    assert!(quotient(backend, &r1cs, &assignment, &mut buffers).is_ok());
                });
            }
        }
    }
}

/// Tasks end in any order: a later row may be found first, or last, and tasks after it are passed over, those before it never.
#[test]
fn the_first_wrong_row_does_not_depend_on_the_order_of_finding() {
    for rows in [[700, 3, 5000], [3, 700, 5000], [5000, 700, 3], [700, 5000, 3]] {
        let wrong = FirstWrong::new();
        assert_eq!(wrong.row(), None);
        assert!(!wrong.is_before(usize::MAX));
        let mut least = usize::MAX;
        for row in rows {
            wrong.hear(row);
            least = least.min(row);
            assert_eq!(wrong.row(), Some(least));
            assert!(wrong.is_before(least + 1) && !wrong.is_before(least));
        }
    }
}

/// Every task has wrong rows, on more threads than there are cores.
#[test]
fn of_many_wrong_rows_the_first_is_named() {
    let (r1cs, assignment) = circuit(16 * ROWS_PER_TASK, 8, Fr::rand);
    let mut matrices = r1cs.to_matrices();
    // A task's first rows are right: the earlier tasks take the longest to find their wrong ones.
    for (task, rows) in matrices[2].chunks_mut(ROWS_PER_TASK).enumerate() {
        for row in &mut rows[17 * (16 - task)..] {
            row.push((Fr::ONE, 0));
        }
    }
    let row = 17 * 16;
    let changed = R1cs::from_matrices(&matrices, 4, assignment.len() - 4).unwrap();
    for backend in backends() {
        in_pools(|| {
            let mut buffers = WitnessMapBuffers::default();
            for _ in 0..20 {
                let found = quotient(backend, &changed, &assignment, &mut buffers);
                assert_eq!(found, Err(QuotientError::Unsatisfied { row }));
            }
        });
    }
}

#[test]
fn a_cancelled_map_ends_wherever_it_is() {
    let (r1cs, assignment) = circuit(5000, 4, Fr::rand);
    for backend in backends() {
        let map = WitnessMap::new(backend, r1cs.domain_size()).unwrap();
        let mut buffers = WitnessMapBuffers::default();
        // Cancelled before the first report, at the first, at the second, …
        for calls in 0..5 {
            let cancel = CancelFlag::new();
            let heard = AtomicUsize::new(0);
            let progress = |_| {
                if heard.fetch_add(1, Ordering::Relaxed) + 1 == calls {
                    cancel.cancel();
                }
            };
            if calls == 0 {
                cancel.cancel();
            }
            let control = Control::new(cancel.clone()).with_progress(&progress);
            let found = map.quotient(&r1cs, &assignment, &mut buffers, &control);
            assert_eq!(found.map(|found| found.len()), Err(QuotientError::Cancelled));
        }
        let found = map.quotient(&r1cs, &assignment, &mut buffers, &Control::default());
        assert!(found.is_ok());
    }
}

#[test]
fn tables_are_not_made_to_their_end_once_cancelled() {
    for backend in backends() {
        in_pools(|| {
            // Tasks of 2^12 elements each.
            for (log2, tasks) in [(6, 1), (12, 1), (15, 8)] {
                let asked = AtomicUsize::new(0);
                let stop = || asked.fetch_add(1, Ordering::Relaxed) >= 3;
                assert!(Domain::new(backend, 1 << log2, &stop).is_ok());
                assert_eq!(asked.into_inner(), tasks);
            }
            let cancel = CancelFlag::new();
            let control = Control::new(cancel.clone());
            assert!(WitnessMap::under(backend, 1 << 13, &control).is_ok());
            cancel.cancel();
            let cancelled = WitnessMap::under(backend, 1 << 13, &control);
            assert_eq!(cancelled.err(), Some(QuotientError::Cancelled));
        });
    }
}

#[test]
fn another_length_or_size_is_refused() {
    let (r1cs, assignment) = circuit(100, 4, Fr::rand);
    let buffers = &mut WitnessMapBuffers::default();
    let map = WitnessMap::new(Backend::Portable, 128).unwrap();
    let control = Control::default();
    let refused = map.quotient(&r1cs, &assignment[1..], buffers, &control);
    assert!(matches!(refused, Err(QuotientError::Assignment(_))));
    let map = WitnessMap::new(Backend::Portable, 256).unwrap();
    let refused = map.quotient(&r1cs, &assignment, buffers, &control);
    assert!(matches!(refused, Err(QuotientError::Size(_))));
    for got in [0, 3, R1cs::MAX_DOMAIN + 1, 2 * R1cs::MAX_DOMAIN, usize::MAX] {
        let refused = WitnessMap::new(Backend::Portable, got);
        assert_eq!(refused.err(), Some(NttError::Length { got }));
    }
}
