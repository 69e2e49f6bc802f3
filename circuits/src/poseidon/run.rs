//! A run of partial rounds by value: what enters each S-box, and the whole state at the end.
//!
//! As in [`sparse`](super::sparse), all but the S-box of element 0 is linear and may be moved. There it moves ahead of the rounds
//! and leaves a scaled state between them; rows need the true inputs of the S-boxes, and the true state after a run, so here
//! it moves behind them. Let M = [[m, v], [w, N]], and (x, z) be the state at the S-boxes. A round is
//!
//! `y = x⁵,  x' = m·y + v·z + c,  z' = w·y + N·z + d`.
//!
//! With `z = N^j·ζ + o` after j rounds, where o holds what the constants made,
//!
//! `x' = m·y + (v·N^j)·ζ + (v·o + c),  ζ' = ζ + (N^-(j+1)·w)·y,  o' = N·o + d`:
//!
//! 2t − 1 multiplications for a round besides the S-box instead of t², and (t − 1)² to leave the run.

use super::params::Params;
use super::partial::invert;
use super::sparse::{product, square, sum_of_products};
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

/// Coefficients of one run.
#[derive(Debug)]
pub(super) struct Run<const T: usize> {
    rounds: Vec<Round<T>>,
    /// (o, N^k) in the rows and columns from 1; row 0 is not used.
    exit: [[Fr; T]; T],
}

#[derive(Debug)]
struct Round<const T: usize> {
    /// (m, v·N^j).
    row: [Fr; T],
    /// v·o + c.
    constant: Fr,
    /// (0, N^-(j+1)·w).
    column: [Fr; T],
}

/// The values of one S-box.
#[derive(Clone, Copy, Debug)]
pub(super) struct PowersOf {
    /// x.
    pub(super) input: Fr,
    /// x².
    pub(super) square: Fr,
    /// x⁴.
    pub(super) fourth: Fr,
    /// x⁵.
    pub(super) fifth: Fr,
}

impl PowersOf {
    fn new(input: Fr) -> Self {
        let square = input.square();
        let fourth = square.square();
        Self {
            input,
            square,
            fourth,
            fifth: fourth * input,
        }
    }
}

impl<const T: usize> Run<T> {
    /// A run of `rounds` partial rounds, the first of which is `first_round` of all rounds. `None` if N is singular,
    /// which no width in use meets.
    pub(super) fn new(params: &Params, first_round: usize, rounds: usize) -> Option<Self> {
        let (first, below) = params.mds.split_first()?;
        let (m, v) = first.split_first()?;
        let inner: Vec<Vec<Fr>> = below.iter().map(|row| row[1..].to_vec()).collect();
        let inverse = invert(&inner)?;
        let mut row = vec![v.to_vec()];
        let mut column: Vec<Vec<Fr>> = below.iter().map(|row| row[..1].to_vec()).collect();
        let mut offset = vec![vec![Fr::ZERO]; T - 1];
        let mut power: Vec<Vec<Fr>> = (1..T)
            .map(|i| (1..T).map(|j| Fr::from(i == j)).collect())
            .collect();
        let mut list = Vec::with_capacity(rounds);
        for round in 0..rounds {
            let (c, d) = params.constants_of_round(first_round + round + 1).split_first()?;
            column = product(&inverse, &column);
            list.push(Round {
                row: core::array::from_fn(|i| if i == 0 { *m } else { row[0][i - 1] }),
                constant: sum_of_products(v, &offset.concat()) + c,
                column: core::array::from_fn(|i| if i == 0 { Fr::ZERO } else { column[i - 1][0] }),
            });
            row = product(&row, &inner);
            offset = product(&inner, &offset);
            offset.iter_mut().zip(d).for_each(|(o, d)| o[0] += d);
            power = product(&inner, &power);
        }
        let mut exit = vec![vec![Fr::ZERO; T]];
        exit.extend(offset.into_iter().zip(power).map(|(mut row, power)| {
            row.extend(power);
            row
        }));
        Some(Self {
            rounds: list,
            exit: square(&exit)?,
        })
    }

    /// Number of rounds.
    pub(super) fn rounds(&self) -> usize {
        self.rounds.len()
    }

    /// Takes the state from the first round's S-boxes to those of the round after the run, and appends what went through
    /// the S-boxes.
    pub(super) fn apply(&self, state: &mut [Fr; T], boxes: &mut Vec<PowersOf>) {
        for round in &self.rounds {
            // What the others add does not wait for the S-box.
            let others = sum_of_products(&round.row[1..], &state[1..]) + round.constant;
            let powers = PowersOf::new(state[0]);
            boxes.push(powers);
            state[0] = round.row[0] * powers.fifth + others;
            for (element, w) in state[1..].iter_mut().zip(&round.column[1..]) {
                *element += *w * powers.fifth;
            }
        }
        *state = core::array::from_fn(|i| {
            if i == 0 {
                state[0]
            } else {
                sum_of_products(&self.exit[i][1..], &state[1..]) + self.exit[i][0]
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::params::params;
    use super::*;

    /// Against the rounds as the specification has them.
    #[test]
    fn a_run_equals_plain_rounds() {
        fn check<const T: usize>() {
            let params = params(T);
            let (first, rounds) = (params.full_rounds / 2, params.partial_rounds);
            let run = Run::<T>::new(params, first, rounds).unwrap();
            let mut state: [Fr; T] = core::array::from_fn(|i| Fr::from(i as u64 * 1_000_003) - Fr::ONE);
            let mut plain = state;
            let mut boxes = Vec::new();
            run.apply(&mut state, &mut boxes);
            assert_eq!(boxes.len(), rounds);
            for (round, powers) in boxes.iter().enumerate() {
                assert_eq!(powers.input, plain[0]);
                assert_eq!(powers.square, plain[0].pow([2]));
                assert_eq!(powers.fourth, plain[0].pow([4]));
                plain[0] = plain[0].pow([5]);
                assert_eq!(powers.fifth, plain[0]);
                let constants = params.constants_of_round(first + round + 1);
                plain = core::array::from_fn(|i| sum_of_products(&params.mds[i], &plain) + constants[i]);
            }
            assert_eq!(state, plain, "t = {T}");
        }
        check::<2>();
        check::<3>();
        check::<4>();
        check::<5>();
        check::<6>();
        check::<17>();
    }
}
