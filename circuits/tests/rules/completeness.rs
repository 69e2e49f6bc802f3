//! Valid batches are accepted, padding included, and the planner finds them a shape.

use crate::support::*;
use quittance_circuits::batch::{AppliedBatch, AppliedDecodeError};
use quittance_circuits::shapes::{SHAPES, plan};

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
    let name = |transfers, fees| plan(&SHAPES, transfers, fees).map(|shape| shape.name());
    assert_eq!(name(1, 1).as_deref(), Some("t2f1"));
    assert_eq!(name(2, 2).as_deref(), Some("t10f2"));
    assert_eq!(name(3, 1).as_deref(), Some("t5f1"));
    assert_eq!(name(21, 2).as_deref(), Some("t21f2"));
    assert_eq!(name(22, 1).as_deref(), Some("t43f3"));
    assert_eq!(name(87, 4).as_deref(), Some("t87f4"));
    assert_eq!(name(88, 1), None);
    assert_eq!(name(1, 5), None);
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
    // Counts of 2^32 − 1 transfers and fee slots.
    let mut huge = bytes.clone();
    huge[102..110].fill(0xff);
    assert!(AppliedBatch::from_bytes(&huge).is_err());
    let mut version = bytes.clone();
    version[0] = 9;
    assert_eq!(
        AppliedBatch::from_bytes(&version),
        Err(AppliedDecodeError::Version { got: 9, expected: 1 })
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
