//! Eight elements of a prime field at once, and how far their values may run ahead of reduction.
//!
//! Bounds are multiples of the modulus p. A value is a non-negative integer, at most its bound, that stands for its residue; each
//! operation says what it takes and what it gives. A backend may hold values reduced (the portable one does, but for splits): bounds are
//! what *every* backend keeps. `Tracked`, a backend of the tests, computes with the bounds themselves, and with those of the portable backend, and
//! fails where a kernel breaks one.
//!
//! Two encodings in memory. **Key form**: four 64-bit words of x·2^256 mod p, below p: what arkworks' elements hold, and
//! what key files hold. **Kernel form**: whatever the backend computes with, packed into four words; only a backend of the
//! same kind reads it. Zero is zero in both.

use ark_ff::{Fp, FpConfig};

use super::Line;

/// A bound on every value: no operation may be asked for a result that could pass it.
pub(crate) const CAPACITY: u32 = 84;
/// The bound of a value read from key form.
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "kernels state it, tests compute with it")
)]
pub(crate) const KEY_BOUND: u32 = 16;
/// The bound of a value that is packed, and of one that is read from kernel form.
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "kernels state it, tests compute with it")
)]
pub(crate) const PACKED_BOUND: u32 = 2;

/// Arithmetic of a prime field on as many elements as a value holds, each in its lane. See the module for bounds.
pub(crate) trait Arithmetic: Copy {
    /// a + b; the bounds add.
    fn add(self, other: Self) -> Self;

    /// a − b + K·p, for b up to K, K at most 64: bound a + K.
    fn sub<const K: usize>(self, other: Self) -> Self;

    /// K·p − a in the lanes of `mask`, the lowest bit for the first, a in the others, for a up to K, K at most 64: bound K.
    fn negate_where<const K: usize>(self, mask: u8) -> Self;

    /// a·b: bound 2 + ab/84.
    fn mul(self, other: Self) -> Self;

    /// a²: bound 2 + a²/84.
    fn square(self) -> Self;

    /// (a₀ + a₁u)(b₀ + b₁u) with u² = −1, where a₀ + a₁ and b₀ + b₁ stay within [`CAPACITY`] and a₁b₁ at or below
    /// 4 · 84: bounds 6 + a₀b₀/84 and 2 + (a₀b₁ + a₁b₀)/84.
    fn mul_pair(a: [Self; 2], b: [Self; 2]) -> [Self; 2];

    /// The same residue: bound [`PACKED_BOUND`]. Takes up to 64.
    fn reduce(self) -> Self;

    /// A butterfly of a split: (a + b·root, a − b·root), with bounds 4 more than a's, for b up to 84 and a root of a transform's table.
    ///
    /// The portable backend leaves more than its 2p here. Until it has been multiplied by a root or an element, such a value may go into
    /// another split, into memory (not kernel form) and to elements or integers, and nowhere else: no kernel adds it or asks whether it is zero.
    #[inline(always)]
    fn split_pair(a: Self, b: Self, root: Self) -> (Self, Self) {
        let product = b.mul(root);
        (a.add(product), a.sub::<4>(product))
    }

    /// A butterfly of a join: (a + b, (a − b)·root), with bounds a + b and 2 + (a + K)/42, for b up to K and a root of
    /// a transform's table.
    #[inline(always)]
    fn join_pair<const K: usize>(a: Self, b: Self, root: Self) -> (Self, Self) {
        (a.add(b), a.sub::<K>(b).mul(root))
    }
}

/// Eight elements of a prime field.
///
/// A backend computes with all of them at a time or, where it has no vectors, with one after the other. A chain of operations in the second
/// kind is best taken through for one lane before the next begins: what is between them stays in registers. So a kernel whose
/// time matters goes over the [`Part`](Self::Part)s of its operands, in a loop, and does everything with a part that it can.
pub(crate) trait Lanes: Arithmetic {
    /// The field.
    type Params: FpConfig<4>;

    /// What the backend computes with at a time.
    type Part: Arithmetic;

    /// Parts of eight elements: 1 or 8. In the operations that take the number of a part it is below that. The mask of part i is
    /// that of all lanes, shifted to the right by i.
    const PARTS: usize;

    /// Cache lines that [`write`](Self::write) fills.
    const LINES: usize;

    /// One part.
    fn part(&self, part: usize) -> Self::Part;

    /// Replaces one part.
    fn set_part(&mut self, part: usize, value: Self::Part);

    /// Eight zeros: bound 1.
    fn zero() -> Self;

    /// The same element in all lanes: bound 1. Costs a few multiplications: not for inner loops.
    fn splat(value: &Fp<Self::Params, 4>) -> Self;

    /// Eight elements: bound [`KEY_BOUND`].
    fn from_elements(elements: &[Fp<Self::Params, 4>; 8]) -> Self;

    /// The elements. Any bound.
    fn to_elements(self) -> [Fp<Self::Params, 4>; 8];

    /// The elements as integers below p, least significant word first: their canonical form, no Montgomery factor. Any bound.
    fn to_integers(self) -> [[u64; 4]; 8];

    /// The lanes whose residue is 0, the lowest bit for the first lane. Takes up to 64.
    fn zero_lanes(self) -> u8;

    /// `other` in the lanes of `mask`, `self` in the others.
    fn select(self, other: Self, mask: u8) -> Self;

    /// One coordinate for each lane, key form: bound [`KEY_BOUND`].
    fn load_key(rows: [&[u64; 4]; 8]) -> Self;

    /// Two neighbouring coordinates for each lane, key form: bound [`KEY_BOUND`].
    fn load_key_pair(rows: [&Line; 8]) -> [Self; 2];

    /// One coordinate for each lane, kernel form: bound [`PACKED_BOUND`].
    fn load(rows: [&[u64; 4]; 8]) -> Self;

    /// Two neighbouring coordinates for each lane, kernel form: bound [`PACKED_BOUND`].
    fn load_pair(rows: [&Line; 8]) -> [Self; 2];

    /// Two neighbouring coordinates for each lane, kernel form. Takes up to [`PACKED_BOUND`].
    fn store_pair(pair: [Self; 2]) -> [Line; 8];

    /// The same coordinate in every lane of a part, key form (bound [`KEY_BOUND`]) or, unless `KEY`, kernel form (bound [`PACKED_BOUND`]).
    fn load_row<const KEY: bool>(row: &[u64; 4]) -> Self::Part;

    /// The coordinate in the first lane of a part, kernel form. Takes up to [`PACKED_BOUND`].
    fn store_row(part: Self::Part) -> [u64; 4];

    /// Reads [`LINES`](Self::LINES) lines that [`write`](Self::write) has written: the bound that was written.
    fn read(lines: &[Line]) -> Self;

    /// One lane, below 8, of [`LINES`](Self::LINES) lines that [`write`](Self::write) has written, in all lanes: the bound that was
    /// written. Cheap, unlike [`splat`](Self::splat): tables of constants are read this way.
    fn broadcast(lines: &[Line], lane: usize) -> Self;

    /// Writes into [`LINES`](Self::LINES) lines. Any bound.
    fn write(self, lines: &mut [Line]);

    /// One part of what [`read`](Self::read) gives.
    fn read_part(lines: &[Line], part: usize) -> Self::Part;

    /// Writes one part of what [`write`](Self::write) writes.
    fn write_part(value: Self::Part, lines: &mut [Line], part: usize);

    /// An 8 × 8 matrix of elements with rows and lanes exchanged.
    fn transpose(rows: [Self; 8]) -> [Self; 8];
}
