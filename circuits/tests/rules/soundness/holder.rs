//! Keys that no leaf may have, for openings, rotations and deposits.

use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, MontFp};
use quittance_circuits::babyjubjub::{ORDER, Point};

/// (0, −1).
pub(super) const ORDER_TWO: Point = Point::new(Fr::ZERO, MontFp!("-1"));

/// The key of somebody who was not asked.
pub(super) fn thief() -> [Fr; 2] {
    let key = key(50).public_key();
    [key.x(), key.y()]
}

/// All eight points of the torsion subgroup, the identity included.
pub(super) fn small_orders() -> Vec<Point> {
    // l times a point of the curve is of small order; some y has one of order 8.
    let generator = (2u64..)
        .filter_map(|y| on_curve(Fr::from(y)))
        .map(|point| point.mul(&ORDER))
        .find(|point| point.mul(&[4, 0, 0, 0]) != Point::IDENTITY)
        .unwrap();
    let mut points = vec![Point::IDENTITY];
    for index in 1..8 {
        points.push(points[index - 1].add(&generator));
    }
    assert_eq!(points[7].add(&generator), Point::IDENTITY);
    points
}

/// A point with this y: 168700·x² + y² = 1 + 168696·x²·y².
fn on_curve(y: Fr) -> Option<Point> {
    let denominator = Fr::from(168_700u64) - Fr::from(168_696u64) * y.square();
    let x = ((Fr::ONE - y.square()) * denominator.inverse()?).sqrt()?;
    let point = Point::new(x, y);
    point.is_on_curve().then_some(point)
}
