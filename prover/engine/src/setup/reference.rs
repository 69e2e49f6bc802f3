//! ark-groth16's generator under our reduction: what the setup is compared with.

use ark_bn254::{Bn254, Fr, G1Projective, G2Projective};
use ark_ec::PrimeGroup;
use ark_groth16::Groth16;
use ark_relations::gr1cs::{
    ConstraintSynthesizer, ConstraintSystemRef, LinearCombination, SynthesisError, Variable,
};
use rand_core::RngCore;

use super::Trapdoor;
use crate::{Bases, MatrixName, R1cs, SnarkjsReduction};

/// ark-groth16's points for the same trapdoor and τ.
pub(crate) fn generate(
    r1cs: &R1cs,
    trapdoor: &Trapdoor,
    random: &mut impl RngCore,
) -> Result<Bases, SynthesisError> {
    Groth16::<Bn254, SnarkjsReduction>::generate_parameters_with_qap(
        Replay(r1cs),
        trapdoor.alpha,
        trapdoor.beta,
        trapdoor.gamma,
        trapdoor.delta,
        // The standard generators, as in ceremonies, so that "delta is the generator" means what it says.
        G1Projective::generator(),
        G2Projective::generator(),
        random,
    )
}

/// Replays matrices into arkworks' constraint system: the same rows in the same order, the same variables.
pub(crate) struct Replay<'a>(pub(crate) &'a R1cs);

impl ConstraintSynthesizer<Fr> for Replay<'_> {
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
        let Self(r1cs) = self;
        let mut variables = Vec::with_capacity(r1cs.num_variables());
        variables.push(Variable::One);
        // There are no values in setup mode: arkworks never asks.
        let unassigned = || Err(SynthesisError::AssignmentMissing);
        for _ in 1..r1cs.num_instance() {
            variables.push(cs.new_input_variable(unassigned)?);
        }
        for _ in 0..r1cs.num_witness() {
            variables.push(cs.new_witness_variable(unassigned)?);
        }
        for row in 0..r1cs.num_constraints() {
            let combination = |name: MatrixName| {
                let terms = r1cs.row(name, row);
                LinearCombination(
                    terms
                        .map(|(coefficient, column)| (*coefficient, variables[column]))
                        .collect(),
                )
            };
            cs.enforce_r1cs_constraint(
                || combination(MatrixName::A),
                || combination(MatrixName::B),
                || combination(MatrixName::C),
            )?;
        }
        Ok(())
    }
}
