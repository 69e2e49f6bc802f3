//! Every request of `quittance.v1`: prost's decoder, then the service's conversions and checks, as far as they go without a
//! store. The first byte of the input says which request.

use arbitrary::Unstructured;
use prost::Message;
use quittance::grpc::{ApiError, fuzzing};
use quittance::operation::IdempotencyKey;
use quittance_circuits::float::FloatAmount;
use quittance_circuits::tx::SignedOperation;
use quittance_proto::v1;

use crate::memory::Budget;
use crate::operations::{arbitrary_priority, arbitrary_signed};
use crate::{points, recipe};

/// An empty operation takes two bytes in a list and two hundred in memory, and the list grows by doubling. The service bounds
/// the bytes of a message.
const BUDGET: Budget = Budget {
    base: 8192,
    for_each: 512,
};

/// A decoded request is the request of its own encoding; an operation, key, token or filter that the service accepts is written
/// back as the same message.
pub fn check(data: &[u8]) {
    if let Some((kind, message)) = data.split_first() {
        request(*kind, message);
    }
    if let Some(mut recipe) = recipe(data) {
        let _ = build(&mut recipe);
    }
}

fn request(kind: u8, data: &[u8]) {
    match kind {
        0 => {
            if let Some(message) = decode::<v1::SubmitBatchRequest>(data) {
                batch(&message);
            }
        }
        1 => {
            if let Some(message) = decode::<v1::SubmitOperationRequest>(data) {
                submission(message.operation.as_ref(), &message.idempotency_key);
            }
        }
        2 => {
            if let Some(message) = decode::<v1::SubmitOperationsRequest>(data) {
                submission(message.operation.as_ref(), &message.idempotency_key);
            }
        }
        3 => drop(decode::<v1::GetOperationRequest>(data)),
        4 => {
            if let Some(message) = decode::<v1::ListOperationsRequest>(data) {
                operations_token(&message.page_token);
                let known = v1::OperationState::try_from(message.state).is_ok();
                assert_eq!(fuzzing::operation_stage(message.state).is_ok(), known);
            }
        }
        5 => drop(decode::<v1::WatchOperationRequest>(data)),
        6 => drop(decode::<v1::GetPolicyRequest>(data)),
        7 => drop(decode::<v1::GetBatchRequest>(data)),
        8 => {
            if let Some(message) = decode::<v1::ListBatchesRequest>(data) {
                token(&message.page_token);
                let known = v1::BatchState::try_from(message.state).is_ok();
                assert_eq!(fuzzing::stage(message.state).is_ok(), known);
            }
        }
        9 => drop(decode::<v1::WatchBatchRequest>(data)),
        10 => drop(decode::<v1::CancelBatchRequest>(data)),
        11 => drop(decode::<v1::ResumeBatchRequest>(data)),
        12 => drop(decode::<v1::GetProofRequest>(data)),
        13 => drop(decode::<v1::GetAccountRequest>(data)),
        14 => {
            if let Some(message) = decode::<v1::ListAccountsByKeyRequest>(data) {
                token(&message.page_token);
                public_key(message.public_key.as_ref());
            }
        }
        15 => drop(decode::<v1::GetStateRequest>(data)),
        16 => drop(decode::<v1::ListCircuitsRequest>(data)),
        17 => drop(decode::<v1::GetVerifyingKeyRequest>(data)),
        18 => {
            if let Some(message) = decode::<v1::SubmitPriorityRequest>(data) {
                priority(&message);
            }
        }
        19 => drop(decode::<v1::GetQueueRequest>(data)),
        _ => {}
    }
}

/// prost takes every encoding of a message; the one that it writes gives the same message.
fn decode<M: Message + Default + PartialEq + std::fmt::Debug>(data: &[u8]) -> Option<M> {
    let message = BUDGET.within(data.len(), || M::decode(data)).ok()?;
    let bytes = message.encode_to_vec();
    assert_eq!(M::decode(bytes.as_slice()).as_ref(), Ok(&message));
    Some(message)
}

fn submission(message: Option<&v1::SignedOperation>, key: &[u8]) {
    let size = message.map_or(0, Message::encoded_len) + key.len();
    match BUDGET.within(size, || fuzzing::submission(message, key)) {
        Ok((signed, read)) => {
            written_back(&signed, message);
            assert_eq!(read.as_ref().map_or(&[][..], IdempotencyKey::as_bytes), key);
        }
        Err(error) => refusal(error),
    }
}

fn batch(message: &v1::SubmitBatchRequest) {
    match BUDGET.within(message.encoded_len(), || fuzzing::batch(message)) {
        Ok((operations, fee_slots, key)) => {
            assert_eq!(operations.len(), message.operations.len());
            for (signed, message) in operations.iter().zip(&message.operations) {
                written_back(signed, Some(message));
            }
            let slots: Vec<_> = fee_slots
                .iter()
                .map(|slot| (slot.leaf.get(), slot.token.get()))
                .collect();
            let asked: Vec<_> = message
                .fee_slots
                .iter()
                .map(|slot| (slot.leaf, slot.token))
                .collect();
            assert_eq!(slots, asked);
            assert_eq!(
                key.as_ref().map_or(&[][..], IdempotencyKey::as_bytes),
                message.idempotency_key
            );
        }
        Err(error) => refusal(error),
    }
}

fn priority(message: &v1::SubmitPriorityRequest) {
    match BUDGET.within(message.encoded_len(), || fuzzing::priority(message)) {
        Ok(new) => {
            let written = fuzzing::priority_message(new.index, &new.priority);
            assert_eq!(Some(&written), message.operation.as_ref());
        }
        Err(error) => refusal(error),
    }
}

fn written_back(signed: &SignedOperation, message: Option<&v1::SignedOperation>) {
    assert_eq!(Some(&fuzzing::signed_message(signed)), message);
    let amount = match signed {
        SignedOperation::Transfer(signed) => signed.transfer.amount,
        SignedOperation::Opening(signed) => signed.opening.amount,
        SignedOperation::Withdrawal(_) | SignedOperation::Rotation(_) => return,
    };
    assert!(amount.get() >> FloatAmount::BITS == 0);
}

/// A refusal names fields, and its answer stays small, however much is wrong.
fn refusal(error: ApiError) {
    assert!(
        matches!(&error, ApiError::Fields(violations) if !violations.is_empty()),
        "{error:?}"
    );
    let status = tonic::Status::from(error);
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    assert!(
        status.message().len() + status.details().len() <= 8192,
        "{status:?}"
    );
}

fn public_key(message: Option<&v1::PublicKey>) {
    match fuzzing::public_key(message) {
        Ok(key) => {
            let words = [key.x(), key.y()].map(|word| quittance::encoding::fr_to_bytes_be(&word).to_vec());
            assert_eq!(
                message.map(|message| [message.x.clone(), message.y.clone()]),
                Some(words)
            );
        }
        Err(violations) => assert!(!violations.is_empty()),
    }
}

fn token(token: &str) {
    match fuzzing::page_start(token) {
        Ok(key) if token.is_empty() => assert_eq!(key, 0),
        Ok(key) => assert_eq!(fuzzing::page_token(key), token),
        Err(violations) => assert!(!violations.is_empty()),
    }
}

fn operations_token(token: &str) {
    match fuzzing::operations_start(token) {
        Ok(None) => assert_eq!(token, ""),
        Ok(Some(id)) => assert_eq!(fuzzing::operations_token(id), token),
        Err(violations) => assert!(!violations.is_empty()),
    }
}

fn build(recipe: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let signed = arbitrary_signed(recipe)?;
    let message = fuzzing::signed_message(&signed);
    let key: &[u8] = recipe.arbitrary()?;
    match fuzzing::submission(Some(&message), key) {
        Ok(read) => assert_eq!(read, (signed, IdempotencyKey::new(key).ok())),
        Err(_) => assert!(key.len() > IdempotencyKey::MAX_BYTES),
    }

    let asked = arbitrary_priority(recipe)?;
    let index = recipe.arbitrary()?;
    let request = v1::SubmitPriorityRequest {
        operation: Some(fuzzing::priority_message(index, &asked)),
    };
    let read = fuzzing::priority(&request).map(|new| (new.index, new.priority));
    assert_eq!(read.ok(), Some((index, asked)));

    let key = points::public_key(recipe)?;
    let [x, y] = [key.x(), key.y()].map(|word| quittance::encoding::fr_to_bytes_be(&word).to_vec());
    assert_eq!(fuzzing::public_key(Some(&v1::PublicKey { x, y })).ok(), Some(key));

    let number = recipe.arbitrary()?;
    assert_eq!(
        fuzzing::page_start(&fuzzing::page_token(number)).ok(),
        Some(number)
    );

    // A request whose bytes are damaged.
    let (kind, mut bytes) = if recipe.arbitrary()? {
        (18, request.encode_to_vec())
    } else {
        let request = v1::SubmitBatchRequest {
            operations: vec![message; recipe.int_in_range(1..=3usize)?],
            ..Default::default()
        };
        (0, request.encode_to_vec())
    };
    crate::damage::damage(&mut bytes, recipe);
    self::request(kind, &bytes);
    Ok(())
}

/// A valid input: a request of each kind in turn.
pub fn seed(number: usize, recipe: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    let key = points::public_key(recipe)?;
    let [x, y] = [key.x(), key.y()].map(|word| quittance::encoding::fr_to_bytes_be(&word).to_vec());
    let public_key = Some(v1::PublicKey { x, y });
    let signed = fuzzing::signed_message(&arbitrary_signed(recipe)?);
    let page_token = fuzzing::page_token(recipe.arbitrary()?);
    let idempotency_key = b"key-1".to_vec();
    let kind = number % 20;
    let message = match kind {
        0 => v1::SubmitBatchRequest {
            operations: vec![signed; 2],
            fee_slots: vec![v1::FeeSlot { leaf: 3, token: 4 }],
            idempotency_key,
        }
        .encode_to_vec(),
        1 => v1::SubmitOperationRequest {
            operation: Some(signed),
            idempotency_key,
        }
        .encode_to_vec(),
        2 => v1::SubmitOperationsRequest {
            operation: Some(signed),
            idempotency_key,
        }
        .encode_to_vec(),
        3 => v1::GetOperationRequest { id: 9 }.encode_to_vec(),
        4 => v1::ListOperationsRequest {
            page_size: 10,
            page_token: fuzzing::operations_token(recipe.arbitrary()?),
            ..Default::default()
        }
        .encode_to_vec(),
        5 => v1::WatchOperationRequest { id: 9 }.encode_to_vec(),
        6 => v1::GetPolicyRequest {}.encode_to_vec(),
        7 => v1::GetBatchRequest { number: 1 }.encode_to_vec(),
        8 => v1::ListBatchesRequest {
            page_size: 10,
            page_token,
            state: 2,
        }
        .encode_to_vec(),
        9 => v1::WatchBatchRequest { number: 1 }.encode_to_vec(),
        10 => v1::CancelBatchRequest { number: 1 }.encode_to_vec(),
        11 => v1::ResumeBatchRequest { number: 1 }.encode_to_vec(),
        12 => v1::GetProofRequest { number: 1, format: 2 }.encode_to_vec(),
        13 => v1::GetAccountRequest {
            index: 7,
            include_path: true,
        }
        .encode_to_vec(),
        14 => v1::ListAccountsByKeyRequest {
            public_key,
            page_size: 10,
            page_token,
            include_paths: true,
        }
        .encode_to_vec(),
        15 => v1::GetStateRequest {}.encode_to_vec(),
        16 => v1::ListCircuitsRequest {}.encode_to_vec(),
        17 => v1::GetVerifyingKeyRequest {
            key: Some(v1::get_verifying_key_request::Key::KeyId(vec![7; 32])),
        }
        .encode_to_vec(),
        18 => v1::SubmitPriorityRequest {
            operation: Some(fuzzing::priority_message(3, &arbitrary_priority(recipe)?)),
        }
        .encode_to_vec(),
        _ => v1::GetQueueRequest {}.encode_to_vec(),
    };
    let kind = u8::try_from(kind).unwrap_or(u8::MAX);
    Ok([&[kind], message.as_slice()].concat())
}
