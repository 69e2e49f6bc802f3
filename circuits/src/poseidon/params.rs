//! Constants of circomlib's Poseidon for t = 2..=17, generated, not copied.
//!
//! Source: the reference script `generate_parameters_grain.sage` of the Poseidon paper (eprint 2019/458, appendix E),
//! run as `generate_parameters_grain.sage 1 0 254 t 8 R_P r`: prime field (1), S-box x^α (0), 254-bit elements. One Grain
//! LFSR stream gives the round constants (rejection sampling) and after them the two halves of the Cauchy matrix (reduced).
//! circomlib keeps the first matrix of the stream for every t; `tests/known_answers.rs` pins a digest of all constants,
//! taken from circomlibjs' own files by `tests/vectors/make_poseidon.mjs`.

use std::sync::LazyLock;

use ark_bn254::Fr;
use ark_ff::{BigInt, BigInteger, Field, PrimeField};

/// Exponent of the S-box.
pub const ALPHA: u64 = 5;

/// Number of full rounds, for every t; half of them before the partial rounds and half after.
pub const FULL_ROUNDS: usize = 8;

/// Smallest state width.
pub const MIN_WIDTH: usize = 2;

/// Largest state width.
pub const MAX_WIDTH: usize = 17;

/// Number of partial rounds for t = 2, 3, ..., 17.
pub const PARTIAL_ROUNDS: [usize; 16] = [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68];

/// Constants of one permutation, in the form of the specification: each round adds `t` constants, applies the S-box
/// (to all elements in a full round, to element 0 in a partial one) and multiplies by the matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Params {
    /// State width t, 2..=17.
    pub t: usize,
    /// Number of full rounds, 8.
    pub full_rounds: usize,
    /// Number of partial rounds.
    pub partial_rounds: usize,
    /// `(full_rounds + partial_rounds) * t` constants, round by round.
    pub round_constants: Vec<Fr>,
    /// The t × t matrix: `new[i] = Σ_j mds[i][j] * old[j]`.
    pub mds: Vec<Vec<Fr>>,
}

impl Params {
    /// Constants of round `round`, counted from 0; `t` of them.
    #[must_use]
    pub fn constants_of_round(&self, round: usize) -> &[Fr] {
        &self.round_constants[round * self.t..(round + 1) * self.t]
    }

    /// Number of rounds.
    #[must_use]
    pub const fn rounds(&self) -> usize {
        self.full_rounds + self.partial_rounds
    }

    /// Whether round `round` applies the S-box to every element.
    #[must_use]
    pub const fn is_full(&self, round: usize) -> bool {
        round < self.full_rounds / 2 || round >= self.full_rounds / 2 + self.partial_rounds
    }
}

/// Constants for state width `t`, generated at first use (under 10 ms).
///
/// # Panics
///
/// If `t` is outside 2..=17: there is no such permutation.
#[must_use]
pub fn params(t: usize) -> &'static Params {
    static ALL: [LazyLock<Params>; 16] = [
        LazyLock::new(|| generate(2)),
        LazyLock::new(|| generate(3)),
        LazyLock::new(|| generate(4)),
        LazyLock::new(|| generate(5)),
        LazyLock::new(|| generate(6)),
        LazyLock::new(|| generate(7)),
        LazyLock::new(|| generate(8)),
        LazyLock::new(|| generate(9)),
        LazyLock::new(|| generate(10)),
        LazyLock::new(|| generate(11)),
        LazyLock::new(|| generate(12)),
        LazyLock::new(|| generate(13)),
        LazyLock::new(|| generate(14)),
        LazyLock::new(|| generate(15)),
        LazyLock::new(|| generate(16)),
        LazyLock::new(|| generate(17)),
    ];
    &ALL[t - MIN_WIDTH]
}

fn generate(t: usize) -> Params {
    let partial_rounds = PARTIAL_ROUNDS[t - MIN_WIDTH];
    let mut grain = Grain::new(t, partial_rounds);
    let round_constants = (0..(FULL_ROUNDS + partial_rounds) * t)
        .map(|_| grain.element())
        .collect();
    Params {
        t,
        full_rounds: FULL_ROUNDS,
        partial_rounds,
        round_constants,
        mds: grain.cauchy_matrix(t),
    }
}

/// Bits of a field element in the stream.
const ELEMENT_BITS: usize = 254;

/// The Grain LFSR in self-shrinking mode. Bit i of `state` is the i-th oldest of 80 bits.
struct Grain {
    state: u128,
}

impl Grain {
    fn new(t: usize, partial_rounds: usize) -> Self {
        // (value, bits) of each field, most significant bit first, then thirty ones.
        let seed = [
            (1, 2),
            (0, 4),
            (ELEMENT_BITS, 12),
            (t, 12),
            (FULL_ROUNDS, 10),
            (partial_rounds, 10),
        ];
        let bits = seed
            .iter()
            .flat_map(|&(value, bits)| (0..bits).rev().map(move |i| value >> i & 1 == 1));
        let mut state = 0;
        for (i, bit) in bits.chain(core::iter::repeat_n(true, 30)).enumerate() {
            state |= u128::from(bit) << i;
        }
        let mut grain = Self { state };
        for _ in 0..160 {
            grain.clock();
        }
        grain
    }

    fn clock(&mut self) -> bool {
        let tap = |i: u32| self.state >> i & 1;
        let bit = tap(62) ^ tap(51) ^ tap(38) ^ tap(23) ^ tap(13) ^ tap(0);
        self.state = self.state >> 1 | bit << 79;
        bit == 1
    }

    /// Of each pair of bits, the second is used if the first is one.
    fn bit(&mut self) -> bool {
        loop {
            let used = self.clock();
            let bit = self.clock();
            if used {
                return bit;
            }
        }
    }

    /// The next 254 bits as an integer, most significant bit first.
    fn integer(&mut self) -> BigInt<4> {
        let mut limbs = [0u64; 4];
        for i in (0..ELEMENT_BITS).rev() {
            limbs[i / 64] |= u64::from(self.bit()) << (i % 64);
        }
        BigInt(limbs)
    }

    /// The next integer below r.
    fn element(&mut self) -> Fr {
        loop {
            if let Some(element) = Fr::from_bigint(self.integer()) {
                return element;
            }
        }
    }

    /// The next integer, reduced modulo r.
    fn reduced(&mut self) -> Fr {
        Fr::from_le_bytes_mod_order(&self.integer().to_bytes_le())
    }

    fn cauchy_matrix(&mut self, t: usize) -> Vec<Vec<Fr>> {
        loop {
            let points: Vec<Fr> = (0..2 * t).map(|_| self.reduced()).collect();
            let distinct = points.iter().enumerate().all(|(i, p)| !points[..i].contains(p));
            let (x, y) = points.split_at(t);
            let rows: Option<Vec<Vec<Fr>>> = x
                .iter()
                .map(|x| y.iter().map(|y| (*x + y).inverse()).collect())
                .collect();
            if let (true, Some(rows)) = (distinct, rows) {
                return rows;
            }
        }
    }
}
