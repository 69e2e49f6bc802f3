//! Hashes, keys and signatures against independent implementations.

use ark_bn254::Fr;
use ark_ff::MontFp;
use light_poseidon::PoseidonHasher;
use quittance_circuits::poseidon::hash_with_capacity;

fn numbers(n: u64) -> Vec<Fr> {
    (1..=n).map(Fr::from).collect()
}

/// Published by circomlibjs in its own tests (`test/poseidon.js`).
#[test]
fn poseidon_equals_published_vectors() {
    let zero = Fr::from(0u64);
    assert_eq!(
        hash_with_capacity(&numbers(2), zero),
        MontFp!("7853200120776062878684798364095072458815029376092732009249414926327459813530")
    );
    assert_eq!(
        hash_with_capacity(&numbers(4), zero),
        MontFp!("18821383157269793795438455681495246036402687001665670618754263018637548127333")
    );
    assert_eq!(
        hash_with_capacity(&numbers(16), zero),
        MontFp!("9989051620750914585850546081941653841776809718687451684622678807385399211877")
    );
}

#[test]
fn poseidon_equals_light_poseidon() {
    for n in 1..=12 {
        let inputs: Vec<Fr> = (0..n).map(|i| -Fr::from(i * i + 3)).collect();
        let mut reference = light_poseidon::Poseidon::<Fr>::new_circom(usize::try_from(n).unwrap()).unwrap();
        assert_eq!(
            hash_with_capacity(&inputs, Fr::from(0u64)),
            reference.hash(&inputs).unwrap(),
            "{n} inputs"
        );
    }
}
