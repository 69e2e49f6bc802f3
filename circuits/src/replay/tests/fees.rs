//! Fees of one token that two slots share, beyond 128 bits together.
//!
//! Our own service routes all fees of a token to the first slot of it and refuses what does not fit there. The circuit lets each
//! operation pay into either, so a proved batch of somebody else's can credit two slots with almost 2^128 each.

use super::*;

/// The largest fee that can be written.
const FEE: u128 = 2047 * 10u128.pow(31);
/// How often an account can pay it.
const TIMES: u32 = 16_623;
/// What that is.
const SUM: u128 = FEE * TIMES as u128;

/// Two payers that hold all that an account can hold, and two empty fee accounts, of one token, after so many payments.
fn leaves(paid: u32, credited: u128) -> Vec<(AccountIndex, Leaf)> {
    let leaf = |seed: u8, balance, nonce| {
        let key = secret(seed.into()).public_key();
        let leaf = Leaf::new(key, balance, nonce, 7, owner(seed)).unwrap();
        (AccountIndex(seed.into()), leaf)
    };
    let left = u128::MAX - FEE * u128::from(paid);
    vec![
        leaf(0, left, paid),
        leaf(1, left, paid),
        leaf(2, credited, 0),
        leaf(3, credited, 0),
    ]
}

/// Each payer pays to itself again and again; the slots credit these sums.
fn facts(credited: [u128; 2]) -> Facts {
    let root = |leaves| MemoryState::genesis(LEVELS, leaves).unwrap().current_root();
    let fee = FloatFee::encode_exact(FEE).unwrap().get();
    let pays = |index| TransferData {
        from: index,
        to: index,
        amount: 0,
        fee,
    };
    Facts {
        rollup_id: [0; 32],
        batch_number: 1,
        old_root: root(leaves(0, 0)),
        new_root: root(leaves(TIMES, SUM)),
        queue: EMPTY_QUEUE,
        priority: vec![],
        openings: vec![],
        transfers: (0..2 * TIMES).map(|index| pays(index % 2)).collect(),
        withdrawals: vec![],
        rotations: vec![],
        fees: (2..4)
            .zip(credited)
            .map(|(leaf, amount)| FeeData {
                leaf,
                token: 7,
                amount,
            })
            .collect(),
    }
}

#[test]
fn fees_of_a_token_may_exceed_128_bits_in_two_slots() {
    assert!(SUM.checked_add(FEE).is_none(), "as full as an account can be");
    let mut replay = Replay::new(LEVELS, leaves(0, 0)).unwrap();
    replay.apply(&facts([SUM, SUM])).unwrap();
    assert_eq!(
        replay.state().leaf(AccountIndex(3)).unwrap().unwrap().balance,
        SUM
    );
}

#[test]
fn s24_s45_a_sum_that_wraps_around_is_no_sum() {
    // Paid is 2·SUM; credited one less, one more, and 2^128 less.
    let wrapped = SUM.wrapping_add(SUM);
    for credited in [[SUM, SUM - 1], [SUM + 1, SUM], [wrapped, 0]] {
        let mut replay = Replay::new(LEVELS, leaves(0, 0)).unwrap();
        let error = replay.apply(&facts(credited)).unwrap_err();
        let both = |[a, b]: [u128; 2]| Fr::from(a) + Fr::from(b);
        let ReplayError::FeeSum {
            token: TokenId(7),
            paid,
            credited: sum,
            ..
        } = error
        else {
            panic!("{error}")
        };
        assert_eq!((paid, sum), (both([SUM, SUM]), both(credited)));
    }
}
