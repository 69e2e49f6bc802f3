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
use super::partial::{Segment, cuts, invert, segments};
use super::run::{PowersOf, Run};
use super::sparse::square;
use crate::r1cs::{ConstraintSystem, FieldVar, Linear};
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use std::sync::{LazyLock, OnceLock};

/// Poseidon of width T, ready to be written as rows.
#[derive(Debug)]
pub struct PoseidonRows<const T: usize> {
    params: &'static Params,
    mds: [[Fr; T]; T],
    /// The partial rounds by value, cut into segments.
    runs: Vec<Run<T>>,
    /// What only rows need; values do not wait for it.
    coefficients: OnceLock<Coefficients<T>>,
}

/// The inverses of linear layers, from which rows are made.
#[derive(Debug)]
struct Coefficients<const T: usize> {
    inverse_mds: [[Fr; T]; T],
    segments: Vec<Segment>,
}

/// t = 4: three inputs (the signed message).
pub static WIDTH_4: LazyLock<PoseidonRows<4>> = LazyLock::new(PoseidonRows::new);
/// t = 5: four inputs (tree nodes and leaves).
pub static WIDTH_5: LazyLock<PoseidonRows<5>> = LazyLock::new(PoseidonRows::new);
/// t = 6: five inputs (the signature's challenge).
pub static WIDTH_6: LazyLock<PoseidonRows<6>> = LazyLock::new(PoseidonRows::new);
/// t = 17: sixteen inputs (the sponge over the statement).
pub static WIDTH_17: LazyLock<PoseidonRows<17>> = LazyLock::new(PoseidonRows::new);

impl<const T: usize> PoseidonRows<T> {
    fn new() -> Self {
        // Facts about constants, not about input: `twin_of_the_native_permutation_at_the_widths_in_use` would meet them first.
        #[expect(clippy::expect_used, reason = "circomlib's linear layers are invertible")]
        Self::of(params(T)).expect("Poseidon's linear layers are invertible")
    }

    fn of(params: &'static Params) -> Option<Self> {
        let runs = cuts(params)
            .into_iter()
            .map(|(first_round, rounds)| Run::new(params, first_round, rounds));
        Some(Self {
            params,
            mds: square(&params.mds)?,
            runs: runs.collect::<Option<_>>()?,
            coefficients: OnceLock::new(),
        })
    }

    fn coefficients(&self) -> &Coefficients<T> {
        #[expect(clippy::expect_used, reason = "circomlib's linear layers are invertible")]
        self.coefficients
            .get_or_init(|| Coefficients::of(self.params).expect("Poseidon's linear layers are invertible"))
    }

    /// The width t.
    pub fn width(&self) -> usize {
        T
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

    /// Poseidon with the capacity `capacity` (state element 0), output state element 0; inputs that are missing are 0.
    /// `3·inputs + 3·(7t + R_P)` constraints.
    pub fn hash<C: ConstraintSystem>(
        &self,
        cs: &mut C,
        capacity: Fr,
        inputs: &[FieldVar<C::L>],
    ) -> FieldVar<C::L> {
        let boxes = core::array::from_fn(|place| {
            let input = place.checked_sub(1).map(|index| inputs.get(index));
            match input {
                None => self.constant_box(place, capacity),
                Some(None) => self.constant_box(place, Fr::ZERO),
                Some(Some(input)) => self.first_box(cs, place, input),
            }
        });
        self.finish(cs, &boxes, 0)
    }

    /// The rest of the permutation after the first layer of S-boxes, up to one output.
    /// `3·(7t + R_P)` constraints.
    pub fn finish<C: ConstraintSystem>(
        &self,
        cs: &mut C,
        boxes: &[FieldVar<C::L>; T],
        output: usize,
    ) -> FieldVar<C::L> {
        let inputs = self.up_to_last_layer(cs, boxes);
        let mut outputs = [Fr::ZERO; T];
        let mut last = None;
        let boxed: [_; T] = core::array::from_fn(|index| {
            let input = &inputs[index];
            let fourth = fourth_power(cs, input);
            outputs[index] = fourth.value() * input.value();
            if index == output {
                last = Some(fourth);
                FieldVar::zero()
            } else {
                let boxed = cs.witness(outputs[index]);
                cs.enforce(&fourth, input, &boxed);
                boxed
            }
        });
        // The last S-box defines the output itself: its y is (output − Σ others) / m.
        let row = &self.mds[output];
        let result = cs.witness(Fr::sum_of_products(row, &outputs));
        if let Some(fourth) = last {
            let y = FieldVar::with_value(outputs[output], || {
                let factor = row[output].inverse().unwrap_or(Fr::ZERO);
                let others = FieldVar::sum(row.iter().copied().zip(&boxed));
                result.minus(&others).scaled(factor)
            });
            cs.enforce(&fourth, &inputs[output], &y);
        }
        result
    }

    /// The rest of the permutation after the first layer of S-boxes, with the whole state as output.
    /// `3·(7t + R_P)` constraints.
    pub fn finish_all<C: ConstraintSystem>(
        &self,
        cs: &mut C,
        boxes: &[FieldVar<C::L>; T],
    ) -> [FieldVar<C::L>; T] {
        let inputs = self.up_to_last_layer(cs, boxes);
        self.full_round(cs, &inputs, &[Fr::ZERO; T])
    }

    /// Inputs of the last layer of S-boxes.
    fn up_to_last_layer<C: ConstraintSystem>(
        &self,
        cs: &mut C,
        boxes: &[FieldVar<C::L>; T],
    ) -> [FieldVar<C::L>; T] {
        let half = self.params.full_rounds / 2;
        let values = self.mix(&boxes.each_ref().map(FieldVar::value), self.constants(1));
        let mut state = core::array::from_fn(|i| {
            FieldVar::with_value(values[i], || {
                let terms = self.mds[i].iter().copied().zip(boxes);
                FieldVar::sum(terms).plus_constant(self.constants(1)[i])
            })
        });
        for round in 1..half {
            state = self.full_round(cs, &state, self.constants(round + 1));
        }
        let mut powers = Vec::new();
        for segment in 0..self.runs.len() {
            state = self.partial_rounds(cs, segment, &state, &mut powers);
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
        inputs: &[FieldVar<C::L>; T],
        constants: &[Fr],
    ) -> [FieldVar<C::L>; T] {
        let fourths = inputs.each_ref().map(|input| fourth_power(cs, input));
        let outputs: [Fr; T] = core::array::from_fn(|i| fourths[i].value() * inputs[i].value());
        let next = self.mix(&outputs, constants).map(|value| cs.witness(value));
        for (i, (fourth, input)) in fourths.iter().zip(inputs).enumerate() {
            let output = FieldVar::with_value(outputs[i], || {
                let mut sum = FieldVar::zero();
                let factors = &self.coefficients().inverse_mds[i];
                for ((element, constant), factor) in next.iter().zip(constants).zip(factors) {
                    sum.add_scaled(&element.plus_constant(-*constant), *factor);
                }
                sum
            });
            cs.enforce(fourth, input, &output);
        }
        next
    }

    /// One segment of partial rounds. Three constraints for each round.
    ///
    /// `powers` is room for what goes through the S-boxes.
    fn partial_rounds<C: ConstraintSystem>(
        &self,
        cs: &mut C,
        segment: usize,
        state: &[FieldVar<C::L>; T],
        powers: &mut Vec<PowersOf>,
    ) -> [FieldVar<C::L>; T] {
        let run = &self.runs[segment];
        let free = run.rounds() - T;
        let rows = || &self.coefficients().segments[segment];
        // Values first.
        let mut values = state.each_ref().map(FieldVar::value);
        powers.clear();
        run.apply(&mut values, powers);
        // Then variables: S-box inputs while they are free, the outgoing state afterwards.
        let early: Vec<_> = powers[1..=free]
            .iter()
            .map(|powers| cs.witness(powers.input))
            .collect();
        let next = values.map(|value| cs.witness(value));
        let one = FieldVar::one();
        let basis = || {
            let outgoing = early.iter().chain(&next);
            core::iter::once(&one).chain(&state[1..]).chain(outgoing)
        };
        let over_basis = |coefficients: &[Fr]| FieldVar::sum(coefficients.iter().copied().zip(basis()));
        for (round, powers) in powers.iter().enumerate() {
            let late;
            let input = match round.checked_sub(1) {
                None => &state[0],
                Some(index) if index < free => &early[index],
                Some(index) => {
                    late =
                        FieldVar::with_value(powers.input, || over_basis(&rows().late_inputs[index - free]));
                    &late
                }
            };
            let square = cs.witness(powers.square);
            cs.enforce(input, input, &square);
            let fourth = cs.witness(powers.fourth);
            cs.enforce(&square, &square, &fourth);
            let fifth = FieldVar::with_value(powers.fifth, || over_basis(&rows().outputs[round]));
            cs.enforce(&fourth, input, &fifth);
        }
        next
    }

    fn constants(&self, round: usize) -> &[Fr] {
        self.params.constants_of_round(round)
    }

    fn mix(&self, state: &[Fr; T], constants: &[Fr]) -> [Fr; T] {
        core::array::from_fn(|i| Fr::sum_of_products(&self.mds[i], state) + constants[i])
    }
}

impl<const T: usize> Coefficients<T> {
    fn of(params: &Params) -> Option<Self> {
        Some(Self {
            inverse_mds: square(&invert(&params.mds)?)?,
            segments: segments(params)?,
        })
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

    fn circuit<C: ConstraintSystem, const T: usize>(
        cs: &mut C,
        rows: &PoseidonRows<T>,
        capacity: Fr,
        inputs: &[Fr],
    ) -> Fr {
        let inputs: Vec<_> = inputs.iter().map(|value| cs.witness(*value)).collect();
        rows.hash(cs, capacity, &inputs).value()
    }

    #[test]
    fn twin_of_the_native_permutation_at_the_widths_in_use() {
        fn check<const T: usize>() {
            let t = T;
            let rows = PoseidonRows::<T>::new();
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
        check::<4>();
        check::<5>();
        check::<6>();
        check::<17>();
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
