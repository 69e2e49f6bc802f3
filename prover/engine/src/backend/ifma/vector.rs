//! Eight 64-bit words: the instructions of this backend, each wrapped once.
//!
//! The functions are safe to call by this argument: lanes are made of vectors, nothing outside `backend::ifma` can name
//! either, and the only code inside that runs kernels on them is `enter`, which needs the features detected.
//! They are `#[inline(always)]` without features of their own, so that they become part of `enter`, where intrinsics are
//! single instructions.

use std::arch::x86_64::*;

use super::limbs::MASK;

/// Eight 64-bit words.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Vector(__m512i);

/// One wrapper for each instruction: `name(operands) = intrinsic<immediate>`.
macro_rules! instructions {
    ($($(#[$doc:meta])* $name:ident($($operand:ident),*) = $intrinsic:ident $(<$immediate:literal>)?;)*) => {$(
        $(#[$doc])*
        #[inline(always)]
        pub(super) fn $name(self $(, $operand: Self)*) -> Self {
            // SAFETY: the features that the intrinsic needs are there, by the module's argument.
            Self(unsafe { $intrinsic $(::<$immediate>)? (self.0 $(, $operand.0)*) })
        }
    )*};
}

impl Vector {
    instructions! {
        /// VPADDQ.
        add(other) = _mm512_add_epi64;
        /// VPSUBQ.
        sub(other) = _mm512_sub_epi64;
        /// VPMULLQ: the low 64 bits of each product.
        multiply(other) = _mm512_mullo_epi64;
        /// VPMADD52LUQ: adds the low 52 bits of a·b, of whose factors it reads 52 bits.
        add_low(a, b) = _mm512_madd52lo_epu64;
        /// VPMADD52HUQ: adds the high 52 bits of a·b, of whose factors it reads 52 bits.
        add_high(a, b) = _mm512_madd52hi_epu64;
        /// VPANDQ.
        and(other) = _mm512_and_si512;
        /// VPORQ.
        or(other) = _mm512_or_si512;
        /// VPXORQ.
        xor(other) = _mm512_xor_si512;
        /// VPSRAQ: the bits above the low 52, with their sign.
        above_limb() = _mm512_srai_epi64<52>;
        /// VPUNPCKLQDQ: words 0, 2, 4, 6 of both in turn.
        even(other) = _mm512_unpacklo_epi64;
        /// VPUNPCKHQDQ: words 1, 3, 5, 7 of both in turn.
        odd(other) = _mm512_unpackhi_epi64;
        /// VSHUFI64X2: pairs 0, 2 of both.
        even_pairs(other) = _mm512_shuffle_i64x2<0x88>;
        /// VSHUFI64X2: pairs 1, 3 of both.
        odd_pairs(other) = _mm512_shuffle_i64x2<0xdd>;
    }

    /// VPXORQ.
    #[inline(always)]
    pub(super) fn zero() -> Self {
        // SAFETY: the module's argument.
        Self(unsafe { _mm512_setzero_si512() })
    }

    /// VPBROADCASTQ: the same word eight times.
    #[inline(always)]
    pub(super) fn splat(word: u64) -> Self {
        // SAFETY: the module's argument.
        Self(unsafe { _mm512_set1_epi64(word.cast_signed()) })
    }

    /// VMOVDQU64.
    #[inline(always)]
    pub(super) fn load(words: &[u64; 8]) -> Self {
        // SAFETY: the module's argument; the pointer is to 64 readable bytes and needs no alignment.
        Self(unsafe { _mm512_loadu_si512(words.as_ptr().cast()) })
    }

    /// VMOVDQU and VINSERTI64X4: `low`, then `high`.
    #[inline(always)]
    pub(super) fn load_halves(low: &[u64; 4], high: &[u64; 4]) -> Self {
        // SAFETY: the module's argument; both pointers are to 32 readable bytes and need no alignment.
        Self(unsafe {
            let low = _mm256_loadu_si256(low.as_ptr().cast());
            let high = _mm256_loadu_si256(high.as_ptr().cast());
            _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
        })
    }

    /// VMOVDQU64.
    #[inline(always)]
    pub(super) fn store(self, words: &mut [u64; 8]) {
        // SAFETY: the module's argument; the pointer is to 64 writable bytes and needs no alignment.
        unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), self.0) }
    }

    /// The low 52 bits.
    #[inline(always)]
    pub(super) fn limb(self) -> Self {
        self.and(Self::splat(MASK))
    }

    /// VPSRLQ.
    #[inline(always)]
    pub(super) fn right<const BITS: u32>(self) -> Self {
        // SAFETY: the module's argument.
        Self(unsafe { _mm512_srli_epi64::<BITS>(self.0) })
    }

    /// VPSLLQ.
    #[inline(always)]
    pub(super) fn left<const BITS: u32>(self) -> Self {
        // SAFETY: the module's argument.
        Self(unsafe { _mm512_slli_epi64::<BITS>(self.0) })
    }

    /// VPSHRDQ: the low 64 bits of (high · 2^64 + self) / 2^BITS.
    #[inline(always)]
    pub(super) fn right_across<const BITS: i32>(self, high: Self) -> Self {
        // SAFETY: the module's argument.
        Self(unsafe { _mm512_shrdi_epi64::<BITS>(self.0, high.0) })
    }

    /// VPERMT2Q: words of the pair (self, other) by index.
    #[inline(always)]
    pub(super) fn permute(self, indices: &[u64; 8], other: Self) -> Self {
        // SAFETY: the module's argument.
        Self(unsafe { _mm512_permutex2var_epi64(self.0, Self::load(indices).0, other.0) })
    }

    /// VPBLENDMQ: `other` where `mask` has a bit.
    #[inline(always)]
    pub(super) fn select(self, other: Self, mask: u8) -> Self {
        // SAFETY: the module's argument.
        Self(unsafe { _mm512_mask_mov_epi64(self.0, mask, other.0) })
    }

    /// VPSUBQ under a mask: `from` − self where `mask` has a bit.
    #[inline(always)]
    pub(super) fn subtract_from_where(self, from: Self, mask: u8) -> Self {
        // SAFETY: the module's argument.
        Self(unsafe { _mm512_mask_sub_epi64(self.0, mask, from.0, self.0) })
    }

    /// VPTESTNMQ: the words that are 0.
    #[inline(always)]
    pub(super) fn zeros(self) -> u8 {
        // SAFETY: the module's argument.
        unsafe { _mm512_testn_epi64_mask(self.0, self.0) }
    }

    /// VPMOVQ2M: the words whose highest bit is set.
    #[inline(always)]
    pub(super) fn negatives(self) -> u8 {
        // SAFETY: the module's argument.
        unsafe { _mm512_movepi64_mask(self.0) }
    }
}

/// An 8 × 8 matrix of words with rows and columns exchanged.
#[inline(always)]
pub(super) fn transpose(rows: [Vector; 8]) -> [Vector; 8] {
    let [a, b, c, d, e, f, g, h] = rows;
    // Columns 0, 2, 4, 6 of two rows in pairs, then columns 1, 3, 5, 7.
    let (ab, cd, ef, gh) = (a.even(b), c.even(d), e.even(f), g.even(h));
    let [c0, c4, c2, c6] = gather(ab, cd, ef, gh);
    let (ab, cd, ef, gh) = (a.odd(b), c.odd(d), e.odd(f), g.odd(h));
    let [c1, c5, c3, c7] = gather(ab, cd, ef, gh);
    [c0, c1, c2, c3, c4, c5, c6, c7]
}

/// Of four vectors of four pairs: pairs 0, pairs 2, pairs 1, pairs 3.
#[inline(always)]
fn gather(ab: Vector, cd: Vector, ef: Vector, gh: Vector) -> [Vector; 4] {
    let (low, high) = (ab.even_pairs(cd), ef.even_pairs(gh));
    let (low_odd, high_odd) = (ab.odd_pairs(cd), ef.odd_pairs(gh));
    [
        low.even_pairs(high),
        low.odd_pairs(high),
        low_odd.even_pairs(high_odd),
        low_odd.odd_pairs(high_odd),
    ]
}

/// The four words of eight rows: word 0 of every row, word 1, and so on.
#[inline(always)]
pub(super) fn columns(rows: [&[u64; 4]; 8]) -> [Vector; 4] {
    let [a, b, c, d, e, f, g, h] = rows;
    // Rows k and k + 4 side by side, so that lanes come out in order.
    let (ae, bf) = (Vector::load_halves(a, e), Vector::load_halves(b, f));
    let (cg, dh) = (Vector::load_halves(c, g), Vector::load_halves(d, h));
    let (even_low, odd_low) = (ae.even(bf), ae.odd(bf));
    let (even_high, odd_high) = (cg.even(dh), cg.odd(dh));
    const FIRST: [u64; 8] = [0, 1, 8, 9, 4, 5, 12, 13];
    const SECOND: [u64; 8] = [2, 3, 10, 11, 6, 7, 14, 15];
    [
        even_low.permute(&FIRST, even_high),
        odd_low.permute(&FIRST, odd_high),
        even_low.permute(&SECOND, even_high),
        odd_low.permute(&SECOND, odd_high),
    ]
}
