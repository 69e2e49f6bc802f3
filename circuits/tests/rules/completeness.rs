//! Valid batches are accepted, padding included, and the planner finds them a shape.

use crate::support::*;
use quittance_circuits::batch::{AppliedBatch, AppliedDecodeError, Operations};
use quittance_circuits::shapes::{Counts, SHAPES, plan};
use quittance_circuits::tx::Priority;
use quittance_verifier::Section;

#[test]
fn a_batch_of_two_tokens_with_padding_is_satisfied() {
    let (_, batch) = example();
    assert_satisfied(&batch);
}

#[test]
fn an_empty_batch_is_satisfied() {
    let batch = World::new().apply(&[], &[]).unwrap();
    assert_eq!(batch.old_root, batch.new_root);
    assert_satisfied(&batch);
}

#[test]
fn a_batch_opens_the_leaf_that_takes_its_fees() {
    let by_deposit = deposit(12, 900);
    let mut operations = Operations {
        fees: vec![fee_slot(12, 1)],
        ..Operations::default()
    };
    operations.push(signed(0, 1, 500, 20, 0).into());
    let world = World::new();
    let error = world.apply_all(&operations).unwrap_err();
    assert_eq!(error.rule(), Some("recipient_exists"));
    operations.push(Priority::Deposit(by_deposit).into());
    let batch = world.apply_all(&operations).unwrap();
    assert_satisfied(&batch);
    assert_eq!(batch.fees[0].amount, 20);
}

#[test]
fn several_transfers_of_one_account_in_one_batch() {
    let transfers = [
        signed(0, 1, 500, 20, 0),
        signed(0, 2, 500, 20, 1),
        signed(1, 0, 100, 0, 0),
    ];
    let batch = World::new().apply(&transfers, &[fee_slot(0, 1)]).unwrap();
    assert_satisfied(&batch);
}

#[test]
fn the_planner_takes_the_smallest_shape() {
    let name = |counts: Counts| plan(&SHAPES, &counts).map(|shape| shape.name());
    let of = |transfers, fee_slots| {
        name(Counts {
            transfers,
            fee_slots,
            ..Counts::default()
        })
    };
    assert_eq!(of(1, 1).as_deref(), Some("t2f1"));
    assert_eq!(of(2, 2).as_deref(), Some("t10f2"));
    assert_eq!(of(3, 1).as_deref(), Some("t5f1"));
    assert_eq!(of(21, 2).as_deref(), Some("t21f2"));
    assert_eq!(of(87, 4).as_deref(), Some("t87f4"));
    assert_eq!(of(88, 1), None);
    assert_eq!(of(1, 5), None);
    let mut one_of_each = Counts::default();
    for section in Section::ALL {
        *one_of_each.of_mut(section) = 1;
    }
    assert_eq!(name(one_of_each).as_deref(), Some("p1o1t2w1r1f1"));
}

#[test]
fn an_applied_batch_survives_its_encoding() {
    let (_, batch) = example();
    let bytes = batch.to_bytes();
    assert_eq!(AppliedBatch::from_bytes(&bytes), Ok(batch));
}

#[test]
fn s38_a_damaged_encoding_is_refused_without_taking_memory() {
    let (_, batch) = example();
    let bytes = batch.to_bytes();
    for length in 0..bytes.len() {
        assert!(matches!(
            AppliedBatch::from_bytes(&bytes[..length]),
            Err(AppliedDecodeError::Truncated { .. })
        ));
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(
        AppliedBatch::from_bytes(&longer),
        Err(AppliedDecodeError::Trailing { got: 1 })
    );
    // Counts of 2^32 − 1 in all sections.
    let mut huge = bytes.clone();
    huge[134..158].fill(0xff);
    assert!(AppliedBatch::from_bytes(&huge).is_err());
    let mut version = bytes.clone();
    version[0] = 9;
    assert_eq!(
        AppliedBatch::from_bytes(&version),
        Err(AppliedDecodeError::Version { got: 9, expected: 2 })
    );
    // Whatever byte is changed: no panic, and nothing decodes to what was written.
    for index in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[index] ^= 0x55;
        assert_ne!(
            AppliedBatch::from_bytes(&changed).as_ref(),
            Ok(&batch),
            "byte {index}"
        );
    }
}
