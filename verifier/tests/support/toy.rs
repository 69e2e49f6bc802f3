//! A real circuit with three public inputs, small enough to set up and prove in milliseconds, and ark-groth16's
//! key and proof for it.

use ark_bn254::{Bn254, Fr};
use ark_ff::UniformRand;
use ark_groth16::Groth16;
use ark_relations::gr1cs::{
    ConstraintSynthesizer, ConstraintSystemRef, LinearCombination, SynthesisError, Variable,
};
use quittance_verifier::*;

/// Three public inputs h, z, y and witnesses hz and hzy: satisfiable for all inputs.
struct Toy {
    inputs: [Fr; 3],
}

impl ConstraintSynthesizer<Fr> for Toy {
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
        let [h, z, y] = self.inputs;
        let variables = [h, z, y].map(|input| cs.new_input_variable(|| Ok(input)).unwrap());
        let hz = cs.new_witness_variable(|| Ok(h * z))?;
        let hzy = cs.new_witness_variable(|| Ok(h * z * y))?;
        let [h, z, y] = variables;
        let single = |variable: Variable| move || LinearCombination::from(variable);
        cs.enforce_r1cs_constraint(single(h), single(z), single(hz))?;
        cs.enforce_r1cs_constraint(single(hz), single(y), single(hzy))
    }
}

/// Slots in every section.
pub(crate) const SHAPE: &str = "p4o1t8w1r1f1";

/// A development key of [`SHAPE`] from `seed`, and a bundle that ark-groth16 proved with it.
pub(crate) fn prove(seed: u64, facts: Facts) -> (VerifyingKey, Bundle) {
    let mut rng = crate::simulator::rng(seed);
    let toy = Toy {
        inputs: [Fr::from(1); 3],
    };
    let pk = Groth16::<Bn254>::generate_random_parameters_with_reduction(toy, &mut rng).unwrap();
    let points = KeyPoints {
        alpha_g1: pk.vk.alpha_g1,
        beta_g2: pk.vk.beta_g2,
        gamma_g2: pk.vk.gamma_g2,
        delta_g2: pk.vk.delta_g2,
        ic: pk.vk.gamma_abc_g1.clone().try_into().unwrap(),
    };
    let shape = Shape::parse_name(SHAPE).unwrap();
    let key = VerifyingKey::new(Provenance::Development, shape, points).unwrap();
    let h = Fr::rand(&mut rng);
    let inputs = public_inputs(&key.key_id(), &shape, &facts, &h).unwrap();
    let proof = Groth16::<Bn254>::create_random_proof_with_reduction(Toy { inputs }, &pk, &mut rng).unwrap();
    let proof = Proof::new(proof.a, proof.b, proof.c).unwrap();
    let bundle = Bundle {
        key_id: key.key_id(),
        facts,
        h,
        proof,
    };
    (key, bundle)
}
