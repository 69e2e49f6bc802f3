//! Whole proofs on every backend, the one that fails where a bound is broken included: byte for byte ark-groth16's.

use ark_relations::utils::matrix::Matrix;

use super::*;
use crate::testing::backends;

/// Proves on every backend and compares with ark-groth16's proof. Gives the identities in the A query and in the B queries.
fn check(r1cs: &R1cs, assignment: &[Fr], seed: u64, what: &str) -> [usize; 2] {
    assert_eq!(r1cs.first_unsatisfied(assignment), None, "{what}");
    let key = key(r1cs, seed);
    let blinding = blinding(seed);
    let expected = reference(&key, assignment, blinding).to_bytes();
    for (backend, threads) in backends().into_iter().zip([1, 3, 2]) {
        let engine = Engine::on(backend, NonZeroUsize::new(threads).unwrap()).unwrap();
        // Twice: the second proof finds the room that the first has used.
        for _ in 0..2 {
            let ours = engine
                .prove_blinded(&key, assignment, &Control::default(), blinding)
                .unwrap();
            assert_eq!(ours.proof.to_bytes(), expected, "{what}, {backend}");
        }
    }
    let bases = key.to_arkworks();
    let of_a = bases.a_query.iter().filter(|point| point.is_zero()).count();
    let of_b = bases.b_g2_query.iter().filter(|point| point.is_zero()).count();
    [of_a, of_b]
}

#[test]
fn proofs_of_random_circuits_are_the_same_on_every_backend() {
    let mut identities = [0; 2];
    for seed in 100..140 {
        let (r1cs, assignment) = random_circuit(seed);
        let found = check(&r1cs, &assignment, seed, &format!("seed {seed}"));
        identities = [identities[0] + found[0], identities[1] + found[1]];
    }
    assert!(identities.iter().all(|&count| count > 100), "{identities:?}");
}

/// Scalars that a bucket method can get wrong: none, the smallest, the largest, those around the sign's change.
fn values() -> Vec<(&'static str, Fr)> {
    let half = -Fr::ONE / Fr::from(2u64);
    vec![
        ("0", Fr::ZERO),
        ("1", Fr::ONE),
        ("2", Fr::from(2u64)),
        ("r − 1", -Fr::ONE),
        ("r − 2", -Fr::from(2u64)),
        ("(r − 1) / 2", half),
        ("(r + 1) / 2", half + Fr::ONE),
        ("2^253", Fr::from(2u64).pow([253])),
        ("any", Fr::from(3u64).pow([1000])),
    ]
}

/// wᵢ · 1 = wᵢ₊₁: every variable has the same value. B names the constant alone, or A does.
fn equal_values(rows: usize, value: Fr, a_is_constant: bool) -> (R1cs, Vec<Fr>) {
    let assignment: Vec<Fr> = [Fr::ONE]
        .into_iter()
        .chain(std::iter::repeat_n(value, rows + 4))
        .collect();
    let named = |column: usize| vec![(Fr::ONE, column)];
    let mut matrices: [Matrix<Fr>; 3] = [const { Vec::new() }; 3];
    for row in 0..rows {
        let (left, right) = if a_is_constant { (0, 4 + row) } else { (4 + row, 0) };
        matrices[0].push(named(left));
        matrices[1].push(named(right));
        matrices[2].push(named(5 + row));
    }
    let r1cs = R1cs::from_matrices(&matrices, 4, rows + 1).unwrap();
    (r1cs, assignment)
}

#[test]
fn variables_of_one_value_are_proved_on_every_backend() {
    for (what, value) in values() {
        for rows in [1, 37] {
            for a_is_constant in [false, true] {
                let (r1cs, assignment) = equal_values(rows, value, a_is_constant);
                let identities = check(&r1cs, &assignment, 7, &format!("{rows} rows of {what}"));
                // The query of the side that names the constant alone holds the constant's point, and the inputs' in A.
                let absent = identities[usize::from(!a_is_constant)];
                assert!(absent >= rows, "{what}: {identities:?}");
            }
        }
    }
    let (r1cs, assignment) = equal_values(1501, -Fr::ONE, false);
    check(&r1cs, &assignment, 7, "1501 rows of r − 1");
}

/// (a + b − c) · (a + b − c) = d: in both queries the points of a and b are equal, that of c is opposite, and values that are
/// equal bring them into one bucket.
#[test]
fn equal_and_opposite_bases_are_proved_on_every_backend() {
    for rows in [1, 100, 701] {
        for (what, value) in values() {
            let mut assignment = vec![Fr::ONE; 4];
            let mut matrices: [Matrix<Fr>; 3] = [const { Vec::new() }; 3];
            for row in 0..rows {
                let first = assignment.len();
                let of_row = match row % 3 {
                    0 => [value, value, value],
                    1 => [value, value, Fr::ZERO],
                    _ => [value, Fr::ONE, value],
                };
                let sum = of_row[0] + of_row[1] - of_row[2];
                assignment.extend(of_row);
                assignment.push(sum * sum);
                let terms = vec![(Fr::ONE, first), (Fr::ONE, first + 1), (-Fr::ONE, first + 2)];
                matrices[0].push(terms.clone());
                matrices[1].push(terms);
                matrices[2].push(vec![(Fr::ONE, first + 3)]);
            }
            let r1cs = R1cs::from_matrices(&matrices, 4, assignment.len() - 4).unwrap();
            check(&r1cs, &assignment, 8, &format!("{rows} rows of {what}"));
            if rows > 100 {
                break;
            }
        }
    }
}

#[test]
fn the_first_unsatisfied_row_is_named_on_every_backend() {
    let (r1cs, assignment) = synthetic::circuit(9, 3).unwrap();
    let key = key(&r1cs, 3);
    for backend in backends() {
        let engine = Engine::on(backend, NonZeroUsize::MIN).unwrap();
        for wire in [1, 4, 99, 300, assignment.len() - 1] {
            let mut wrong = assignment.clone();
            wrong[wire] += Fr::ONE;
            let first = r1cs.first_unsatisfied(&wrong).unwrap();
            let refused = engine.prove(&key, &wrong, &Control::default());
            assert!(
                matches!(refused, Err(ProveError::Unsatisfied { row }) if row == first),
                "{backend}, variable {wire}: {refused:?}"
            );
        }
        assert!(engine.prove(&key, &assignment, &Control::default()).is_ok());
    }
}
