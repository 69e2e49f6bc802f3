//! BabyJubjub in a circuit: Montgomery arithmetic where its exceptions are excluded, complete Edwards additions else.
//!
//! The Montgomery form is `v² = u³ + 168698·u² + u`, related to the Edwards form by `u = (1+y)/(1−y)`, `v = u/x`. Its
//! additions cost three rows but leave the slope free when both points are equal. Each caller of [`add`] and
//! [`double_and_add`] therefore says why they cannot be. Reference: Okeya, Kurumatani, Sakurai, PKC 2000; Bernstein,
//! Birkner, Joye, Lange, Peters, "Twisted Edwards Curves" (2008), theorem 3.2.

use super::{A, D, MONTGOMERY_A};
use crate::r1cs::{ConstraintSystem, FieldVar};
use ark_bn254::Fr;

/// An affine point in Edwards form.
#[derive(Clone, Debug)]
pub struct EdwardsVar<L> {
    /// x.
    pub x: FieldVar<L>,
    /// y.
    pub y: FieldVar<L>,
}

/// An affine point in Montgomery form; never the identity.
#[derive(Clone, Debug)]
pub struct MontgomeryVar<L> {
    /// u.
    pub u: FieldVar<L>,
    /// v.
    pub v: FieldVar<L>,
}

/// Edwards to Montgomery. Two constraints.
///
/// For a point of odd order other than the identity (x ≠ 0, y ≠ 1) the result is determined. The identity has no
/// solution.
pub fn to_montgomery<C: ConstraintSystem>(cs: &mut C, point: &EdwardsVar<C::L>) -> MontgomeryVar<C::L> {
    let u = cs.divide(&point.y.plus(&FieldVar::one()), &point.y.complement());
    let v = cs.divide(&u, &point.x);
    MontgomeryVar { u, v }
}

/// Montgomery to Edwards. Two constraints.
///
/// Determined for a point of odd order: then v ≠ 0, and u ≠ −1 (points with u = −1 have order 4).
pub fn to_edwards<C: ConstraintSystem>(cs: &mut C, point: &MontgomeryVar<C::L>) -> EdwardsVar<C::L> {
    let x = cs.divide(&point.u, &point.v);
    let y = cs.divide(&point.u.minus(&FieldVar::one()), &point.u.plus(&FieldVar::one()));
    EdwardsVar { x, y }
}

/// `P + Q` for P ≠ ±Q, which the caller excludes. Three constraints.
pub fn add<C: ConstraintSystem>(
    cs: &mut C,
    p: &MontgomeryVar<C::L>,
    q: &MontgomeryVar<C::L>,
) -> MontgomeryVar<C::L> {
    let slope = cs.divide(&q.v.minus(&p.v), &q.u.minus(&p.u));
    chord(cs, &slope, p, q)
}

/// `2·P` for a point of odd order (v ≠ 0). Four constraints.
pub fn double<C: ConstraintSystem>(cs: &mut C, p: &MontgomeryVar<C::L>) -> MontgomeryVar<C::L> {
    let square = cs.square(&p.u);
    let mut numerator = square.scaled(Fr::from(3u64)).plus(&FieldVar::one());
    numerator.add_scaled(&p.u, MONTGOMERY_A + MONTGOMERY_A);
    let slope = cs.divide(&numerator, &p.v.scaled(Fr::from(2u64)));
    chord(cs, &slope, p, p)
}

/// `2·P + Q` as `(P + Q) + P`. Five constraints.
///
/// The caller excludes P = Q. P = −Q and 2·P = −Q have no solution: their rows read 0 = 2v with v ≠ 0.
pub fn double_and_add<C: ConstraintSystem>(
    cs: &mut C,
    p: &MontgomeryVar<C::L>,
    q: &MontgomeryVar<C::L>,
) -> MontgomeryVar<C::L> {
    let slope = cs.divide(&q.v.minus(&p.v), &q.u.minus(&p.u));
    let sum_u = third_u(cs, &slope, &p.u, &q.u);
    // The line through P + Q and P has the slope 2v/(u_P − u_{P+Q}) − slope; v_{P+Q} is never needed.
    let both = cs.divide(&p.v.scaled(Fr::from(2u64)), &p.u.minus(&sum_u));
    let slope = both.minus(&slope);
    let u = third_u(cs, &slope, &sum_u, &p.u);
    let v = cs.multiply_minus(&slope, &p.u.minus(&u), &p.v);
    MontgomeryVar { u, v }
}

/// Complete addition in Edwards form, for all points of the curve. Six constraints.
///
/// Complete because a is a square and d is not (Bernstein and Lange): the denominators are never zero on the curve.
pub fn add_complete<C: ConstraintSystem>(
    cs: &mut C,
    p: &EdwardsVar<C::L>,
    q: &EdwardsVar<C::L>,
) -> EdwardsVar<C::L> {
    let beta = cs.multiply(&p.x, &q.y);
    let gamma = cs.multiply(&p.y, &q.x);
    let delta = cs.multiply(&p.y.minus(&p.x.scaled(A)), &q.x.plus(&q.y));
    let tau = cs.multiply(&beta, &gamma).scaled(D);
    let x = cs.divide(&beta.plus(&gamma), &tau.plus(&FieldVar::one()));
    // delta = y_p y_q − a x_p x_q + gamma − a·beta
    let numerator = delta.plus(&beta.scaled(A)).minus(&gamma);
    let y = cs.divide(&numerator, &tau.complement());
    EdwardsVar { x, y }
}

fn third_u<C: ConstraintSystem>(
    cs: &mut C,
    slope: &FieldVar<C::L>,
    p: &FieldVar<C::L>,
    q: &FieldVar<C::L>,
) -> FieldVar<C::L> {
    let known = p.plus(q).plus_constant(MONTGOMERY_A);
    cs.multiply_minus(slope, slope, &known)
}

fn chord<C: ConstraintSystem>(
    cs: &mut C,
    slope: &FieldVar<C::L>,
    p: &MontgomeryVar<C::L>,
    q: &MontgomeryVar<C::L>,
) -> MontgomeryVar<C::L> {
    let u = third_u(cs, slope, &p.u, &q.u);
    let v = cs.multiply_minus(slope, &p.u.minus(&u), &p.v);
    MontgomeryVar { u, v }
}

#[cfg(test)]
mod tests {
    use super::super::{BASE8, Point};
    use super::*;
    use crate::r1cs::{Assignment, LabelledMatrices, Structure};

    fn edwards<C: ConstraintSystem>(cs: &mut C, point: &Point) -> EdwardsVar<C::L> {
        EdwardsVar {
            x: cs.witness(point.x),
            y: cs.witness(point.y),
        }
    }

    /// 2P + Q, P + Q and 2P by the Montgomery form, P + Q by the complete law.
    fn circuit<C: ConstraintSystem>(cs: &mut C, p: &Point, q: &Point) -> [Point; 4] {
        let (p, q) = (edwards(cs, p), edwards(cs, q));
        let complete = add_complete(cs, &p, &q);
        let (p, q) = (to_montgomery(cs, &p), to_montgomery(cs, &q));
        let montgomery = [double_and_add(cs, &p, &q), add(cs, &p, &q), double(cs, &p)];
        let [a, b, c] = montgomery.map(|point| to_edwards(cs, &point));
        [a, b, c, complete].map(|point| Point::new(point.x.value(), point.y.value()))
    }

    fn matrices() -> LabelledMatrices {
        let mut structure = Structure::new(1);
        circuit(&mut structure, &BASE8, &BASE8.double());
        structure.into_matrices()
    }

    fn run(p: &Point, q: &Point) -> ([Point; 4], Vec<Fr>) {
        let mut assignment = Assignment::new(&[]);
        let points = circuit(&mut assignment, p, q);
        (points, assignment.into_values())
    }

    #[test]
    fn twins_of_native_addition() {
        let matrices = matrices();
        assert_eq!(matrices.num_constraints(), 6 + 2 * 2 + (5 + 3 + 4) + 3 * 2);
        for (i, j) in [(1u64, 2u64), (5, 1), (77, 1 << 40), (3, u64::MAX)] {
            let p = BASE8.mul(&[i, 0, 0, 0]);
            let q = BASE8.mul(&[j, 0, 0, 0]);
            let (points, values) = run(&p, &q);
            assert_eq!(matrices.first_unsatisfied(&values), None);
            assert_eq!(points, [p.double().add(&q), p.add(&q), p.double(), p.add(&q)]);
        }
    }

    #[test]
    fn s20_the_complete_law_has_no_exception() {
        fn circuit<C: ConstraintSystem>(cs: &mut C, p: &Point, q: &Point) -> Point {
            let (p, q) = (edwards(cs, p), edwards(cs, q));
            let sum = add_complete(cs, &p, &q);
            Point::new(sum.x.value(), sum.y.value())
        }
        let mut structure = Structure::new(1);
        circuit(&mut structure, &BASE8, &BASE8);
        let matrices = structure.into_matrices();
        let order_two = Point::new(Fr::from(0u64), -Fr::from(1u64));
        let points = [
            BASE8,
            BASE8.neg(),
            BASE8.double(),
            Point::IDENTITY,
            order_two,
            BASE8.add(&order_two),
        ];
        for p in &points {
            for q in &points {
                let mut assignment = Assignment::new(&[]);
                assert_eq!(circuit(&mut assignment, p, q), p.add(q));
                assert_eq!(matrices.first_unsatisfied(&assignment.into_values()), None);
            }
        }
    }

    #[test]
    fn s20_the_identity_has_no_montgomery_form() {
        let matrices = matrices();
        let (_, values) = run(&Point::IDENTITY, &BASE8);
        assert!(matrices.first_unsatisfied(&values).is_some());
        let (_, values) = run(&BASE8, &BASE8.neg());
        assert!(
            matrices.first_unsatisfied(&values).is_some(),
            "opposite points have no sum in this form"
        );
    }
}
