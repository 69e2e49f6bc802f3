//! Whether two field elements are a public key, as a bit: twin of [`PublicKey::new`](super::PublicKey::new).
//!
//! Nothing is refused here. Some operations must be refused for a bad key, others must become a no-op; both enforce what they want
//! on the bit, which has one value for each pair (x, y), on the curve or off it:
//!
//! 1. `on_curve` is 1 exactly when e = a·x² + y² − 1 − d·x²·y² is 0 ([`is_zero`](crate::range::is_zero)).
//! 2. v is the value of the Tate pairing with a point of order 8 up to eighth powers (`subgroup.rs`), a
//!    polynomial in x and y: on the curve, and where no line or vertical of Miller's algorithm vanishes, v is an eighth power
//!    if and only if (x, y) = 8·Q for a rational point Q (Koshelev, eprint 2022/037, section 2), that is, of order 1 or l.
//! 3. `vanishes` is 1 exactly when v is 0. On the curve this happens only at points of small order, none of them a key:
//!    - U·w = x²·(1 − y²): x = 0 at (0, 1), the identity, and (0, −1), of order 2; y = ±1 gives (a − d)·x² = 0, the same points;
//!    - M = 2·x·y: y = 0 besides, the two points of order 4;
//!    - L₁, the tangent at T: T and −2T, for its divisor is 2(T) + (−2T) − 3(O);
//!    - L₂, the tangent at 2T: 2T and −4T = 4T.
//!
//!    The other points of small order have v ≠ 0 and are told by their class like every point.
//! 4. v = 5^k·t⁸ with k of three boolean hints and t a hint. 5 is not a square, so the powers 5^0 … 5^7 are in the eight classes
//!    of Fr*/(Fr*)⁸, one in each. For v ≠ 0 exactly one k has a solution, with t ≠ 0, whatever the prover would like; t is one of eight
//!    roots, and nothing reads which. For v = 0 t must be 0, as 5^k ≠ 0; then k is not determined, and the bit does not
//!    depend on it: it is 0.
//! 5. The bit is `on_curve · (1 − vanishes) · (k = 0)`.
//!
//! For every pair hints exist: inverses, the class of v, a root; zeros for v = 0. Points by order: 1, 2 and 4 have v = 0; of
//! order 8, T has v = 0 and the others a class that is not 0; orders 2l, 4l and 8l have a class that is not 0; order l has class 0.
//! Off the curve step 1 decides, and rows 2 to 4 say nothing but hold.

use crate::babyjubjub::constraints::EdwardsVar;
use crate::babyjubjub::subgroup::{NON_SQUARE, eighth_root, tangent_coefficients};
use crate::babyjubjub::{A, D};
use crate::inversion::invert_all;
use crate::r1cs::{ConstraintSystem, FieldVar, Linear};
use crate::range::{is_zero_with, new_bit};
use ark_bn254::Fr;
use ark_ff::Field;

/// Constraints of [`is_key_valid`].
pub const KEY_VALID: u64 = CURVE + PAIRING + CLASS + CONJUNCTION;
/// Products x·y, x², y², x²·y²; whether the equation holds.
const CURVE: u64 = 4 + 2;
/// L₁·M and its square, L₂² and L₂³, the square root of what U·w is multiplied by, its square, v; whether v is 0.
const PAIRING: u64 = 7 + 2;
/// Bits of k, 5^k, t⁸, the equation.
const CLASS: u64 = 3 + 2 + 3 + 1;
/// Five factors.
const CONJUNCTION: u64 = 4;

/// Variables that [`is_key_valid`] makes: the equation for 5^k·t⁸ makes none, t is one more.
pub const KEY_VALID_VARIABLES: u64 = KEY_VALID;

/// A boolean variable that is 1 exactly when (x, y) is on the curve, of order l. Any two elements have one. 28 constraints.
pub fn is_key_valid<C: ConstraintSystem>(cs: &mut C, key: &EdwardsVar<C::L>) -> FieldVar<C::L> {
    is_key_valid_with(cs, key, Hints::new)
}

/// What a prover says about e, 1/e or 0, and about v: 1/v or 0, and k and t with v = 5^k·t⁸.
#[derive(Clone, Copy, Debug)]
struct Hints {
    inverses: [Fr; 2],
    class: u8,
    root: Fr,
}

impl Hints {
    /// The right ones.
    fn new(equation: Fr, value: Fr) -> Self {
        let mut inverses = [equation, value];
        invert_all(&mut inverses);
        let (class, root) = eighth_root(&value);
        Self {
            inverses,
            class,
            root,
        }
    }
}

/// [`is_key_valid`] with hints made from e and v.
fn is_key_valid_with<C: ConstraintSystem>(
    cs: &mut C,
    key: &EdwardsVar<C::L>,
    hints: impl FnOnce(Fr, Fr) -> Hints,
) -> FieldVar<C::L> {
    let EdwardsVar { x, y } = key;
    let product = cs.multiply(x, y);
    let xx = cs.square(x);
    let yy = cs.square(y);
    let xxyy = cs.square(&product);
    let equation = FieldVar::sum([(A, &xx), (Fr::ONE, &yy), (-D, &xxyy)]).plus_constant(-Fr::ONE);

    let [tangent, tangent_at_double] = tangent_coefficients().map(|[of_x, of_y, of_product, constant]| {
        FieldVar::sum([(of_x, x), (of_y, y), (of_product, &product)]).plus_constant(constant)
    });
    let lines = cs.multiply(&tangent, &product.scaled(Fr::from(2u64)));
    let lines_squared = cs.square(&lines);
    let squared = cs.square(&tangent_at_double);
    let cubed = cs.multiply(&squared, &tangent_at_double);
    let root = cs.multiply(&lines_squared, &cubed);
    let root_squared = cs.square(&root);
    // U·w = x²·(1 − y²)
    let value = cs.multiply(&xx.minus(&xxyy), &root_squared);

    let hints = hints(equation.value(), value.value());
    let on_curve = is_zero_with(cs, &equation, hints.inverses[0]);
    let vanishes = is_zero_with(cs, &value, hints.inverses[1]);
    let in_subgroup = is_eighth_power(cs, &value, hints.class, hints.root);

    let key = cs.multiply(&on_curve, &in_subgroup);
    cs.multiply(&key, &vanishes.complement())
}

/// A boolean variable that is 1 exactly when `value` is an eighth power, for a value that is not 0. For 0 it is 0 or 1 as the prover
/// likes: the caller excludes it.
fn is_eighth_power<C: ConstraintSystem>(
    cs: &mut C,
    value: &FieldVar<C::L>,
    class: u8,
    root: Fr,
) -> FieldVar<C::L> {
    let bits = [0, 1, 2].map(|i| new_bit(cs, class >> i & 1 == 1));
    let two = NON_SQUARE.square();
    let factors = [
        power(NON_SQUARE, &bits[0]),
        power(two, &bits[1]),
        power(two.square(), &bits[2]),
    ];
    let shift = cs.multiply(&factors[0], &factors[1]);
    let shift = cs.multiply(&shift, &factors[2]);

    let root = cs.witness(root);
    let squared = cs.square(&root);
    let fourth = cs.square(&squared);
    let eighth = cs.square(&fourth);
    cs.enforce(&shift, &eighth, value);

    let none = cs.multiply(&bits[0].complement(), &bits[1].complement());
    cs.multiply(&none, &bits[2].complement())
}

/// `base^bit`. No constraint.
fn power<L: Linear>(base: Fr, bit: &FieldVar<L>) -> FieldVar<L> {
    bit.scaled(base - Fr::ONE).plus_constant(Fr::ONE)
}

#[cfg(test)]
mod tests;
