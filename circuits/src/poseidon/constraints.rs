//! The Poseidon permutation in a circuit: the twin of [`permute`](super::permute).
//!
//! Three constraints for each S-box, none for linear layers. An S-box is `x·x = s`, `s·s = q`, `q·x = y`, where `y` is
//! written as a combination of variables that come next, so that A and B hold one term wherever possible.
//!
//! x ↦ x⁵ is a bijection of the field (5 does not divide r − 1). A caller who needs an input only inside the hash
//! may therefore hint the *output* of its first S-box instead: for any output there is exactly one input.
//!
//! Cost: `3·(inputs that are not constant) + 3·(7t + R_P)` for one output.

use super::params::{Params, params};
use super::partial::{Segment, invert, segments};
use crate::r1cs::{ConstraintSystem, FieldVar, Linear};
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use std::sync::LazyLock;

/// Poseidon of one width, ready to be written as rows.
#[derive(Debug)]
pub struct PoseidonRows {
    params: &'static Params,
    inverse_mds: Vec<Vec<Fr>>,
    segments: Vec<Segment>,
}

/// t = 4: three inputs (the signed message).
pub static WIDTH_4: LazyLock<PoseidonRows> = LazyLock::new(|| PoseidonRows::new(4));
/// t = 5: four inputs (tree nodes and leaves).
pub static WIDTH_5: LazyLock<PoseidonRows> = LazyLock::new(|| PoseidonRows::new(5));
/// t = 6: five inputs (the signature's challenge).
pub static WIDTH_6: LazyLock<PoseidonRows> = LazyLock::new(|| PoseidonRows::new(6));
/// t = 17: sixteen inputs (the sponge over the statement).
pub static WIDTH_17: LazyLock<PoseidonRows> = LazyLock::new(|| PoseidonRows::new(17));

impl PoseidonRows {
    fn new(t: usize) -> Self {
        let params = params(t);
        // Facts about constants, not about input: `twin_of_the_native_permutation_at_every_width` would meet them first.
        #[expect(
            clippy::expect_used,
            reason = "circomlib's linear layers are invertible, at every width"
        )]
        let (inverse_mds, segments) = invert(&params.mds)
            .zip(segments(params))
            .expect("Poseidon's linear layers are invertible");
        Self {
            params,
            inverse_mds,
            segments,
        }
    }

    /// The width t.
    pub fn width(&self) -> usize {
        self.params.t
    }

    /// The constant added to state element `index` before the first S-box.
    pub fn first_constant(&self, index: usize) -> Fr {
        self.params.round_constants[index]
    }

    /// What the first S-box makes of a constant input. No constraint.
    pub fn constant_box<L: Linear>(&self, index: usize, input: Fr) -> FieldVar<L> {
        FieldVar::constant(fifth_power(input + self.first_constant(index)))
    }

    /// The first S-box on `input` at place `index`. Three constraints.
    pub fn first_box<C: ConstraintSystem>(
        &self,
        cs: &mut C,
        index: usize,
        input: &FieldVar<C::L>,
    ) -> FieldVar<C::L> {
        sbox(cs, &input.plus_constant(self.first_constant(index)))
    }

    /// Poseidon with the capacity `capacity` (state element 0), output state element 0.
    /// `3·(t − 1) + 3·(7t + R_P)` constraints.
    pub fn hash<C: ConstraintSystem>(
        &self,
        cs: &mut C,
        capacity: Fr,
        inputs: &[FieldVar<C::L>],
    ) -> FieldVar<C::L> {
        let mut boxes = vec![self.constant_box(0, capacity)];
        for (index, input) in inputs.iter().enumerate() {
            boxes.push(self.first_box(cs, index + 1, input));
        }
        self.finish(cs, &boxes, 0)
    }

    /// The rest of the permutation after the first layer of S-boxes, up to one output.
    /// `3·(7t + R_P)` constraints.
    pub fn finish<C: ConstraintSystem>(
        &self,
        cs: &mut C,
        boxes: &[FieldVar<C::L>],
        output: usize,
    ) -> FieldVar<C::L> {
        let inputs = self.up_to_last_layer(cs, boxes);
        let t = self.width();
        let mut result = Fr::ZERO;
        let mut others = FieldVar::zero();
        let mut last = None;
        for (index, input) in inputs.iter().enumerate() {
            let fourth = fourth_power(cs, input);
            result += self.params.mds[output][index] * fourth.value() * input.value();
            if index == output {
                last = Some((fourth, input));
            } else {
                let boxed = cs.multiply(&fourth, input);
                others.add_scaled(&boxed, self.params.mds[output][index]);
            }
        }
        debug_assert_eq!(inputs.len(), t);
        // The last S-box defines the output itself: its y is (output − Σ others) / m.
        let result = cs.witness(result);
        if let Some((fourth, input)) = last {
            let factor = self.params.mds[output][output].inverse().unwrap_or(Fr::ZERO);
            cs.enforce(&fourth, input, &result.minus(&others).scaled(factor));
        }
        result
    }

    /// The rest of the permutation after the first layer of S-boxes, with the whole state as output.
    /// `3·(7t + R_P)` constraints.
    pub fn finish_all<C: ConstraintSystem>(
        &self,
        cs: &mut C,
        boxes: &[FieldVar<C::L>],
    ) -> Vec<FieldVar<C::L>> {
        let inputs = self.up_to_last_layer(cs, boxes);
        self.full_round(cs, &inputs, &vec![Fr::ZERO; self.width()])
    }

    /// Inputs of the last layer of S-boxes.
    fn up_to_last_layer<C: ConstraintSystem>(
        &self,
        cs: &mut C,
        boxes: &[FieldVar<C::L>],
    ) -> Vec<FieldVar<C::L>> {
        let half = self.params.full_rounds / 2;
        let mut state: Vec<_> = (0..self.width())
            .map(|i| {
                let terms = self.params.mds[i].iter().copied().zip(boxes);
                FieldVar::sum(terms).plus_constant(self.constants(1)[i])
            })
            .collect();
        for round in 1..half {
            state = self.full_round(cs, &state, self.constants(round + 1));
        }
        for segment in &self.segments {
            state = self.partial_rounds(cs, segment, state);
        }
        let second_half = half + self.params.partial_rounds;
        for round in second_half..second_half + half - 1 {
            state = self.full_round(cs, &state, self.constants(round + 1));
        }
        state
    }

    /// One full round from S-box inputs to the next round's S-box inputs, which become variables. 3t constraints.
    fn full_round<C: ConstraintSystem>(
        &self,
        cs: &mut C,
        inputs: &[FieldVar<C::L>],
        constants: &[Fr],
    ) -> Vec<FieldVar<C::L>> {
        let fourths: Vec<_> = inputs.iter().map(|input| fourth_power(cs, input)).collect();
        let outputs: Vec<Fr> = fourths
            .iter()
            .zip(inputs)
            .map(|(q, x)| q.value() * x.value())
            .collect();
        let next: Vec<_> = self
            .mix(&outputs, constants)
            .into_iter()
            .map(|value| cs.witness(value))
            .collect();
        for (i, (fourth, input)) in fourths.iter().zip(inputs).enumerate() {
            let output = FieldVar::with_value(outputs[i], || {
                let mut sum = FieldVar::zero();
                for (j, element) in next.iter().enumerate() {
                    sum.add_scaled(&element.plus_constant(-constants[j]), self.inverse_mds[i][j]);
                }
                sum
            });
            cs.enforce(fourth, input, &output);
        }
        next
    }

    /// One segment of partial rounds. Three constraints for each round.
    fn partial_rounds<C: ConstraintSystem>(
        &self,
        cs: &mut C,
        segment: &Segment,
        state: Vec<FieldVar<C::L>>,
    ) -> Vec<FieldVar<C::L>> {
        let t = self.width();
        let rounds = segment.rounds();
        let free = rounds - t;
        // Values first, by the plain rounds.
        let mut values: Vec<Fr> = state.iter().map(FieldVar::value).collect();
        let mut inputs = Vec::with_capacity(rounds);
        let mut outputs = Vec::with_capacity(rounds);
        for round in 0..rounds {
            inputs.push(values[0]);
            values[0] = fifth_power(values[0]);
            outputs.push(values[0]);
            values = self.mix(&values, self.constants(segment.first_round + round + 1));
        }
        // Then variables: S-box inputs while they are free, the outgoing state afterwards.
        let mut basis = vec![FieldVar::one()];
        basis.extend_from_slice(&state[1..]);
        basis.extend(inputs[1..=free].iter().map(|value| cs.witness(*value)));
        let next: Vec<_> = values.iter().map(|value| cs.witness(*value)).collect();
        basis.extend_from_slice(&next);
        let over_basis = |value: Fr, coefficients: &[Fr]| {
            FieldVar::with_value(value, || FieldVar::sum(coefficients.iter().copied().zip(&basis)))
        };
        for (round, output) in outputs.into_iter().enumerate() {
            let input = match round {
                0 => state[0].clone(),
                early if early <= free => basis[t + early - 1].clone(),
                late => over_basis(inputs[late], &segment.late_inputs[late - free - 1]),
            };
            let fourth = fourth_power(cs, &input);
            cs.enforce(&fourth, &input, &over_basis(output, &segment.outputs[round]));
        }
        next
    }

    fn constants(&self, round: usize) -> &[Fr] {
        &self.params.round_constants[round * self.width()..][..self.width()]
    }

    fn mix(&self, state: &[Fr], constants: &[Fr]) -> Vec<Fr> {
        let rows = self.params.mds.iter().zip(constants);
        rows.map(|(row, constant)| row.iter().zip(state).map(|(m, x)| *m * x).sum::<Fr>() + constant)
            .collect()
    }
}

/// `x⁵`. Three constraints.
pub fn sbox<C: ConstraintSystem>(cs: &mut C, input: &FieldVar<C::L>) -> FieldVar<C::L> {
    let fourth = fourth_power(cs, input);
    cs.multiply(&fourth, input)
}

/// `x⁵` of a value.
pub(crate) fn fifth_power(x: Fr) -> Fr {
    x.square().square() * x
}

fn fourth_power<C: ConstraintSystem>(cs: &mut C, input: &FieldVar<C::L>) -> FieldVar<C::L> {
    let square = cs.square(input);
    cs.square(&square)
}

#[cfg(test)]
mod tests {
    use super::super::hash_with_capacity;
    use super::*;
    use crate::r1cs::{Assignment, Structure};

    fn circuit<C: ConstraintSystem>(cs: &mut C, rows: &PoseidonRows, capacity: Fr, inputs: &[Fr]) -> Fr {
        let inputs: Vec<_> = inputs.iter().map(|value| cs.witness(*value)).collect();
        rows.hash(cs, capacity, &inputs).value()
    }

    #[test]
    fn twin_of_the_native_permutation_at_every_width() {
        for t in 3..=17 {
            let rows = PoseidonRows::new(t);
            let inputs: Vec<Fr> = (0..t as u64 - 1)
                .map(|i| Fr::from(1 << i) - Fr::from(5u64))
                .collect();
            let mut structure = Structure::new(1);
            circuit(&mut structure, &rows, Fr::ONE, &vec![Fr::ZERO; t - 1]);
            let matrices = structure.into_matrices();
            assert_eq!(
                matrices.num_constraints(),
                3 * (8 * t + rows.params.partial_rounds) - 3,
                "t = {t}"
            );
            let mut assignment = Assignment::new(&[]);
            let hash = circuit(&mut assignment, &rows, Fr::ONE, &inputs);
            assert_eq!(hash, hash_with_capacity(&inputs, Fr::ONE), "t = {t}");
            let mut values = assignment.into_values();
            assert_eq!(matrices.first_unsatisfied(&values), None, "t = {t}");
            // S17: no variable is free.
            for index in 1..values.len() {
                values[index] += Fr::ONE;
                assert!(
                    matrices.first_unsatisfied(&values).is_some(),
                    "t = {t}, variable {index} is free"
                );
                values[index] -= Fr::ONE;
            }
        }
    }

    #[test]
    fn the_rows_stay_sparse() {
        let mut structure = Structure::new(1);
        circuit(&mut structure, &WIDTH_5, Fr::ZERO, &[Fr::ZERO; 4]);
        let nonzeros = structure.into_matrices().nonzeros();
        // A plain transcription has about 7,600.
        assert!(nonzeros < 2_710, "{nonzeros}");
    }
}
