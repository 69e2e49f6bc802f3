//! Idempotency keys: a repeated submission gets the first one's answer.

use quittance::operation::{IdempotencyKey, Remembered};
use quittance::store::{Acceptance, StoreError};

use crate::harness::{commit_keyed, create, execute, keyed, make_whole, new_operation, open, transfer};

fn known(store: &quittance::store::Store, key: &str) -> Option<Remembered> {
    let key = IdempotencyKey::new(key.as_bytes()).unwrap();
    store.snapshot().unwrap().remembered(&key).unwrap()
}

#[test]
fn a_repeated_key_gives_the_first_operation_and_another_content_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(&directory);
    let items = |nonces: &[(u32, &str, u8)]| {
        nonces
            .iter()
            .map(|(nonce, key, digest)| new_operation(transfer(0, 1, *nonce), Some(keyed(key, *digest))))
            .collect::<Vec<_>>()
    };
    let answers = store
        .accept(items(&[
            (0, "a", 1),
            (1, "b", 2),
            (0, "a", 1),
            (2, "b", 9),
            (2, "c", 3),
        ]))
        .unwrap();
    let ids: Vec<_> = answers
        .iter()
        .map(|answer| {
            answer
                .as_ref()
                .map(|Acceptance { operation, repeated }| (operation.id, *repeated))
        })
        .collect();
    let refused = answers[3].as_ref().unwrap_err();
    assert_eq!(
        (refused.key.as_bytes(), refused.remembered.first_operation),
        (&b"b"[..], 2)
    );
    assert_eq!(
        ids,
        [
            Ok((1, false)),
            Ok((2, false)),
            Ok((1, true)),
            Err(refused),
            Ok((3, false))
        ]
    );
    assert_eq!(store.snapshot().unwrap().head().queued, 3);

    // Later, after a restart, and when the first one is executed: the operation as it stands.
    execute(&store, 2, &[]);
    drop(store);
    let store = open(&directory).unwrap();
    let before = store.snapshot().unwrap().head();
    let answers = store.accept(items(&[(5, "a", 1), (5, "a", 2)])).unwrap();
    let first = answers[0].as_ref().unwrap();
    assert!(first.repeated);
    assert_eq!(first.operation, store.snapshot().unwrap().operation(1).unwrap());
    assert_eq!(
        answers[1].as_ref().unwrap_err().remembered,
        known(&store, "a").unwrap()
    );
    assert_eq!(store.snapshot().unwrap().head(), before);
    assert_eq!(known(&store, "d"), None);
}

#[test]
fn the_oldest_keys_are_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(&directory).with_idempotency_keys(3);
    let accept = |store: &quittance::store::Store, key: &str| {
        let item = new_operation(transfer(0, 1, 0), Some(keyed(key, 1)));
        store.accept(vec![item]).unwrap().remove(0).unwrap()
    };
    for key in ["z", "a", "m", "b"] {
        assert!(!accept(&store, key).repeated);
    }
    let remembered =
        |store: &quittance::store::Store, keys: [&str; 4]| keys.map(|key| known(store, key).is_some());
    assert_eq!(
        remembered(&store, ["z", "a", "m", "b"]),
        [false, true, true, true]
    );
    assert_eq!(accept(&store, "a").operation.id, 2);
    // A forgotten key is like a new one.
    let again = accept(&store, "z");
    assert_eq!((again.operation.id, again.repeated), (5, false));
    assert_eq!(
        remembered(&store, ["z", "a", "m", "b"]),
        [true, false, true, true]
    );
    drop(store);
    // A smaller number takes effect with the next key.
    let store = open(&directory).unwrap().with_idempotency_keys(1);
    accept(&store, "last");
    assert_eq!(
        remembered(&store, ["last", "z", "m", "b"]),
        [true, false, false, false]
    );
    let none = store.with_idempotency_keys(0);
    accept(&none, "more");
    assert_eq!(remembered(&none, ["more", "last", "m", "b"]), [false; 4]);
}

#[test]
fn a_whole_submission_has_its_key_too() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(&directory);
    let commit = |key: &str, nonce| {
        let (made, whole) = make_whole(&store, &[transfer(0, 1, nonce), transfer(0, 2, nonce + 1)]);
        commit_keyed(&store, &made, &whole, Some(&keyed(key, 4)))
    };
    commit("a", 0).unwrap();
    let remembered = Remembered {
        digest: [4; 32],
        first_operation: 1,
        operations: 2,
    };
    assert_eq!(known(&store, "a"), Some(remembered));
    let before = store.snapshot().unwrap().head();
    let refused = commit("a", 2);
    assert!(matches!(refused, Err(StoreError::KeyTaken { remembered: first }) if first == remembered));
    assert_eq!(store.snapshot().unwrap().head(), before);
    commit("b", 2).unwrap();
    // Both kinds of submission share their keys.
    let item = new_operation(transfer(1, 0, 0), Some(keyed("b", 5)));
    assert!(store.accept(vec![item]).unwrap()[0].is_err());
}
