//! Fixed amounts of base field arithmetic, for those who time it. Operands lie in the first-level cache.

use std::array;
use std::hint::black_box;

use ark_bn254::Fq;
use ark_ff::{AdditiveGroup, Field};

use super::{Arithmetic, Backend, Kernel, Lanes, Line, Machine};

/// An operation of the base field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldOperation {
    /// a + b.
    Add,
    /// a − b.
    Subtract,
    /// a · b.
    Multiply,
    /// a².
    Square,
    /// (a₀ + a₁u)(b₀ + b₁u): a product in the quadratic extension.
    MultiplyPair,
    /// The representative that kernels store.
    Reduce,
    /// Two coordinates of a point, from the key file's encoding and to the backend's.
    Convert,
}

impl Backend {
    /// Performs an operation on 256 independent operands, `rounds` times over, in this thread.
    pub fn exercise(self, operation: FieldOperation, rounds: usize) {
        // A loop for each operation: the switch lies outside.
        match operation {
            FieldOperation::Add => self.run(Loop::<ADD> { rounds }),
            FieldOperation::Subtract => self.run(Loop::<SUBTRACT> { rounds }),
            FieldOperation::Multiply => self.run(Loop::<MULTIPLY> { rounds }),
            FieldOperation::Square => self.run(Loop::<SQUARE> { rounds }),
            FieldOperation::MultiplyPair => self.run(Loop::<MULTIPLY_PAIR> { rounds }),
            FieldOperation::Reduce => self.run(Loop::<REDUCE> { rounds }),
            FieldOperation::Convert => self.run(Loop::<CONVERT> { rounds }),
        }
    }
}

const ADD: u8 = 0;
const SUBTRACT: u8 = 1;
const MULTIPLY: u8 = 2;
const SQUARE: u8 = 3;
const MULTIPLY_PAIR: u8 = 4;
const REDUCE: u8 = 5;
const CONVERT: u8 = 6;

struct Loop<const OPERATION: u8> {
    rounds: usize,
}

/// Groups of eight operands.
const GROUPS: usize = 32;

impl<const OPERATION: u8> Kernel for Loop<OPERATION> {
    type Output = ();

    #[inline(always)]
    fn run<M: Machine>(self) {
        let mut element = Fq::ONE;
        let mut draw = || {
            element.double_in_place();
            element += Fq::ONE;
            element
        };
        let mut a = [M::Fq::zero(); GROUPS];
        let mut b = [M::Fq::zero(); GROUPS];
        for i in 0..GROUPS {
            a[i] = M::Fq::from_elements(&array::from_fn(|_| draw())).reduce();
            b[i] = M::Fq::from_elements(&array::from_fn(|_| draw())).reduce();
        }
        let mut out = [M::Fq::zero(); GROUPS];
        let mut lines = [Line::default(); 8 * GROUPS];
        for _ in 0..self.rounds {
            black_box((&mut a, &mut b, &mut out, &mut lines));
            for i in 0..GROUPS {
                match OPERATION {
                    CONVERT => {
                        let own = &mut lines[8 * i..][..8];
                        let rows = array::from_fn(|lane| &own[lane]);
                        let [x, y] = M::Fq::load_key_pair(rows);
                        own.copy_from_slice(&M::Fq::store_pair([x.reduce(), y.reduce()]));
                    }
                    _ => {
                        for part in 0..M::Fq::PARTS {
                            let (x, y) = (a[i].part(part), b[i].part(part));
                            let value = match OPERATION {
                                ADD => x.add(y),
                                SUBTRACT => x.sub::<2>(y),
                                MULTIPLY => x.mul(y),
                                SQUARE => x.square(),
                                REDUCE => x.reduce(),
                                _ => {
                                    let pair = [y, b[GROUPS - 1 - i].part(part)];
                                    let [real, imaginary] =
                                        Arithmetic::mul_pair([x, out[i].part(part)], pair);
                                    a[i].set_part(part, real.reduce());
                                    imaginary.reduce()
                                }
                            };
                            out[i].set_part(part, value);
                        }
                    }
                }
            }
        }
        black_box((&a, &out, &lines));
    }
}
