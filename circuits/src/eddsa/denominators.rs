//! What the rows of a signature divide by, computed without a division.
//!
//! The ladder alone divides 508 times, each time by something that depends on the quotient before. Here the same points are
//! walked in extended coordinates, where each denominator is a fraction, and all are inverted together
//! ([`Inverses`](crate::r1cs::Inverses)). These are hints: nothing here need be right for a proof to be sound.

use super::constraints::{LADDER_BITS, SAFE_STEPS};
use super::fixed_base;
use crate::babyjubjub::Point;
use crate::babyjubjub::extended::Extended;
use crate::r1cs::Fraction;
use ark_bn254::Fr;
use ark_ff::Field;

/// Denominators of [`enforce_signature_valid`](super::constraints::enforce_signature_valid) in their order.
///
/// `shifted` are the bits of w, `scalar` those of S. About 8,500 multiplications.
pub(super) fn denominators(
    key: &Point,
    shifted: impl Fn(usize) -> bool,
    scalar: impl Fn(usize) -> bool,
) -> Vec<Fraction> {
    let mut list = Vec::with_capacity(16 + 2 * LADDER_BITS + fixed_base::WINDOWS);
    let negated = ladder(&mut list, key, shifted);
    let product = fixed_base::denominators(&mut list, scalar);
    list.extend(product.sub_cached(&negated.cached()).divisors());
    list
}

/// Conversion of the key, three doublings, the ladder, conversion of the result, which is returned.
fn ladder(list: &mut Vec<Fraction>, key: &Point, shifted: impl Fn(usize) -> bool) -> Extended {
    list.extend([(Fr::ONE - key.y, Fr::ONE), (key.x, Fr::ONE)]);
    let key = Extended::from(*key);
    let twice = key.double();
    let base = twice.double();
    // A doubling divides by 2·v.
    list.extend([key, twice, base].map(|point| {
        let (numerator, denominator) = point.v();
        (numerator + numerator, denominator)
    }));
    let mut point = base.double();
    for cached in Extended::affine_cached(&[base]) {
        for step in 0..LADDER_BITS {
            let chord = cached.u_minus(&point);
            if step >= SAFE_STEPS {
                list.push(chord);
            }
            let sum = if shifted(LADDER_BITS - 1 - step) {
                point.add_affine(&cached)
            } else {
                point.sub_affine(&cached)
            };
            let sum = sum.to_extended();
            list.extend([chord, point.u_minus(&sum)]);
            point = sum.add(&point);
        }
    }
    list.extend([point.v(), point.u_plus_one()]);
    point
}

#[cfg(test)]
mod tests {
    use super::super::SecretKey;
    use super::super::constraints::{enforce_signature_canonical, enforce_signature_valid};
    use crate::babyjubjub::constraints::EdwardsVar;
    use crate::hash::constraints::PoseidonGadget;
    use crate::r1cs::{Assignment, ConstraintSystem, FieldVar};
    use ark_bn254::Fr;

    /// Rows and hints walk in step: not one division of a signature inverts by itself.
    #[test]
    fn every_denominator_is_foreseen() {
        for seed in 0..8 {
            let secret = SecretKey::from_bytes(&[seed; 32]);
            let message = Fr::from(u64::from(seed) << 40);
            let signature = secret.sign(&message);
            let mut cs = Assignment::new(&[]);
            let key = secret.public_key();
            let key = EdwardsVar {
                x: cs.witness(key.x()),
                y: cs.witness(key.y()),
            };
            let message = cs.witness(message);
            let r8 = [signature.r8.x, signature.r8.y];
            let canonical =
                enforce_signature_canonical::<_, PoseidonGadget>(&mut cs, &key, &message, r8, signature.s);
            enforce_signature_valid(&mut cs, &FieldVar::one(), &key, &canonical);
            assert_eq!(cs.inverses().misses, 0, "seed {seed}");
            // None is left over either.
            assert_eq!(cs.inverses().remaining(), 0);
        }
    }
}
