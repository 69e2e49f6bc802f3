//! Tracked lanes fail where the contract is broken, and nowhere else.

use std::panic;

use super::*;
use crate::backend::tracked::{Bound, Eight};

type Lane = Eight<crate::backend::FqParams>;

fn of(multiple: u32) -> Lane {
    Lane::zero().with_bound(multiple)
}

/// What a broken contract says.
fn failure<T>(work: impl FnOnce() -> T + panic::UnwindSafe) -> Option<String> {
    let error = panic::catch_unwind(work).err()?;
    error.downcast_ref::<String>().cloned()
}

#[test]
fn bounds_are_those_of_the_contract() {
    assert_eq!(of(3).add(of(4)).bound(), Bound::of(7));
    assert_eq!(of(3).sub::<5>(of(5)).bound(), Bound::of(8));
    assert_eq!(of(3).negate_where::<5>(0).bound(), Bound::of(5));
    assert_eq!(of(42).mul(of(4)).bound(), Bound::of(4));
    assert_eq!(of(42).square().bound(), Bound::of(23));
    let [real, imaginary] = Lane::mul_pair([of(42), of(4)], [of(4), of(42)]);
    assert!(Bound::of(8) == real.bound());
    assert!(imaginary.bound() > Bound::of(23) && imaginary.bound() < Bound::of(24));
    assert_eq!(of(64).reduce().bound(), Bound::of(2));
    assert_eq!(of(3).select(of(4), 0).bound(), Bound::of(4));
}

#[test]
fn broken_contracts_are_named() {
    for (work, operation) in [
        (failure(|| of(80).add(of(5))), "capacity"),
        (failure(|| of(1).sub::<3>(of(4))), "sub"),
        (failure(|| of(1).sub::<65>(of(4))), "sub"),
        (failure(|| of(4).negate_where::<3>(1)), "negate_where"),
        (failure(|| of(84).mul(of(84))), "capacity"),
        (failure(|| of(65).reduce()), "reduce"),
        (failure(|| of(65).zero_lanes()), "zero_lanes"),
        (failure(|| Lane::store_pair([of(2), of(3)])), "store_pair"),
        (
            failure(|| Lane::mul_pair([of(80), of(5)], [of(1), of(1)])),
            "mul_pair, a₀",
        ),
        (
            failure(|| Lane::mul_pair([of(1), of(1)], [of(80), of(5)])),
            "mul_pair, b₀",
        ),
        (
            failure(|| Lane::mul_pair([of(1), of(19)], [of(1), of(19)])),
            "mul_pair, a₁b₁",
        ),
        (failure(|| Lane::load_key([&[u64::MAX; 4]; 8])), "[ffff"),
    ] {
        let text = work.expect(operation);
        assert!(text.starts_with(operation), "{operation}: {text}");
    }
}
