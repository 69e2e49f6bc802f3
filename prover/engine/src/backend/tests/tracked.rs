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

/// What a split has left may go into another one, be multiplied by a root and be made an element; all else is named.
#[test]
fn what_a_split_leaves_is_tracked() {
    let root = || of(1);
    let loose = || Lane::split_pair(of(2), of(2), root());
    let (sum, difference) = loose();
    assert!(sum.portable() > Bound::of(2) && sum.portable() < difference.portable());
    assert!(difference.portable() > Bound::of(3) && difference.portable() < Bound::of(4));
    for value in [sum, difference] {
        let mut lines = [Line::default(); Lane::LINES];
        value.reduce().write(&mut lines);
        let read = Lane::transpose([Lane::read(&lines); 8])[0];
        assert_eq!(read.portable(), value.portable());
        assert_eq!(Lane::broadcast(&lines, 3).portable(), value.portable());
        assert!(read.mul(root()).portable() < Bound::of(2));
        let (a, b) = Lane::split_pair(read, read, root());
        assert!(a.portable().max(b.portable()) <= difference.portable());
        read.to_elements();
        read.to_integers();
    }
    let (sum, product) = Lane::join_pair::<2>(of(2), of(2), root());
    assert!(sum.portable() < Bound::of(2) && product.portable() < Bound::of(2));
    for (work, operation) in [
        (failure(move || loose().1.add(of(1))), "portable add"),
        (failure(move || of(1).add(loose().1)), "portable add"),
        (failure(move || of(1).sub::<8>(loose().1)), "portable sub"),
        (failure(move || loose().1.negate_where::<8>(1)), "portable negate"),
        (failure(move || loose().1.square()), "portable square"),
        (failure(move || loose().1.mul(loose().1)), "portable product"),
        (failure(move || loose().1.mul(of(2))), "portable product"),
        (
            failure(move || Lane::split_pair(of(1), loose().1, of(2))),
            "portable product",
        ),
        (
            failure(move || Lane::join_pair::<8>(loose().1, of(1), root())),
            "portable add",
        ),
        (
            failure(move || Lane::join_pair::<2>(of(2), of(2), of(2))),
            "portable product",
        ),
        (failure(move || loose().1.zero_lanes()), "portable zero"),
        (
            failure(move || Lane::mul_pair([loose().1, of(1)], [of(1), of(1)])),
            "portable mul_pair",
        ),
        (
            failure(move || Lane::store_pair([of(1), loose().1.reduce()])),
            "portable store",
        ),
    ] {
        let text = work.expect(operation);
        assert!(text.starts_with(operation), "{operation}: {text}");
    }
}
