//! Operations in files: one JSON object each, named by its kind, with the fields of the protocol; bytes as 0x hex, exact
//! amounts as decimal digits.
//!
//! ```json
//! {"transfer":{"from":0,"to":1,"amount_float40":1500,"fee_float16":10,"nonce":0,"valid_until":4294967295,"signature":{…}}}
//! {"withdrawal":{"from":0,"amount":"1500","fee_float16":10,"nonce":1,"valid_until":4294967295,"address":"0x…","signature":{…}}}
//! ```

mod bytes;
mod list;
mod priority;
mod signed;

use quittance_proto::v1::{self, operation::Kind};
use serde::Serialize;
use serde_json::Value;

use super::CliError;
use signed::{OpeningJson, RotationJson, TransferJson, WithdrawalJson};

pub(super) use bytes::digits;
pub(super) use priority::{DepositJson, ForcedExitJson, PriorityEntry, PriorityJson};
pub(super) use signed::SignedJson;

/// Most operations that are read from one file: the most slots that a shape can have for one kind.
const MAX_OPERATIONS: usize = 65_536;

/// Reads signed operations of any kind: a JSON array, or JSON objects one after another.
pub(super) fn read_signed(name: &str, text: &str) -> Result<Vec<v1::SignedOperation>, CliError> {
    list::read(
        name,
        text,
        "send what `quittance sign` prints",
        SignedJson::into_proto,
    )
}

/// Reads operations of the root chain: a JSON array, or JSON objects one after another.
///
/// They have their indices in the root chain's queue, or none of them has: then they follow what is there already.
pub(super) fn read_priority(name: &str, text: &str) -> Result<Vec<PriorityEntry>, CliError> {
    let next = "send what `quittance priority deposit` and `quittance priority exit` print";
    let all = list::read(name, text, next, PriorityJson::into_entry)?;
    let first = all.first().is_some_and(PriorityEntry::has_index);
    match all.iter().position(|one| one.has_index() != first) {
        None => Ok(all),
        Some(position) => Err(CliError::refused(
            format!("{name}: operation {position}: either all operations have an index or none has"),
            "add the indices, or leave them out: the operations are then put behind what is there",
        )),
    }
}

/// One operation as one line.
pub(super) fn to_line(json: &impl Serialize) -> Result<String, CliError> {
    serde_json::to_string(json)
        .map_err(|error| CliError::refused(format!("cannot write JSON: {error}"), "report this"))
}

/// An operation of the service's answer: its kind, and what is in it. Nothing for a message without a kind.
pub(super) fn of_answer(operation: &v1::Operation) -> Option<(&'static str, Value)> {
    let (kind, value) = match operation.kind.as_ref()? {
        Kind::Transfer(message) => (
            "transfer",
            serde_json::to_value(TransferJson::from_proto(message)),
        ),
        Kind::Opening(message) => ("opening", serde_json::to_value(OpeningJson::from_proto(message))),
        Kind::Withdrawal(message) => (
            "withdrawal",
            serde_json::to_value(WithdrawalJson::from_proto(message)),
        ),
        Kind::Rotation(message) => (
            "rotation",
            serde_json::to_value(RotationJson::from_proto(message)),
        ),
        Kind::Priority(message) => (
            "priority",
            serde_json::to_value(PriorityJson::from_proto(message)),
        ),
    };
    Some((kind, value.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(text: &str) -> String {
        read_signed("file", text).unwrap_err().report(false)
    }

    const SIGNATURE: &str = r#"{"r8x":"0x","r8y":"0x","s":"0x"}"#;

    #[test]
    fn what_is_no_operation_is_refused_with_its_position() {
        assert!(report("").contains("file holds no operation"));
        assert!(report("[]").contains("file holds no operation"));
        assert!(report("{}").contains("file: operation 0: "));
        assert!(report(r#"{"gift":{}}"#).contains("unknown variant `gift`"));
        let two = format!(
            r#"{{"rotation":{{"from":1,"fee_float16":0,"nonce":0,"valid_until":1,"key_x":"0x","key_y":"0x","owner":"0x","signature":{SIGNATURE}}},"transfer":{{}}}}"#
        );
        assert!(report(&two).contains("operation 0"));
        // A transfer without its name is what older versions printed.
        let bare = format!(
            r#"{{"from":0,"to":1,"amount_float40":1,"fee_float16":0,"nonce":0,"valid_until":1,"signature":{SIGNATURE}}}"#
        );
        assert!(
            report(&bare).contains("unknown variant `from`"),
            "{}",
            report(&bare)
        );
    }

    #[test]
    fn unknown_and_malformed_fields_are_named() {
        let withdrawal = |extra: &str, amount: &str| {
            format!(
                r#"{{"withdrawal":{{"from":0,"amount":"{amount}","fee_float16":0,"nonce":0,"valid_until":1,"address":"0x00","signature":{SIGNATURE}{extra}}}}}"#
            )
        };
        assert!(report(&withdrawal(r#","to":1"#, "5")).contains("unknown field `to`"));
        assert!(
            report(&withdrawal("", "5")).contains("withdrawal.signature.r8x is not 0x and 64 hex digits")
        );
        for amount in [
            "",
            "007",
            "-1",
            "+1",
            "0x5",
            "340282366920938463463374607431768211456",
        ] {
            assert!(
                report(&withdrawal("", amount))
                    .contains("withdrawal.amount is not a decimal number below 2^128"),
                "{amount}"
            );
        }
    }

    #[test]
    fn indices_are_all_there_or_none_is() {
        let exit = |index: &str| {
            format!(
                r#"{{{index}"forced_exit":{{"leaf":1,"caller":"0x{}"}}}}"#,
                "11".repeat(20)
            )
        };
        let read = |texts: &[String]| read_priority("file", &texts.concat());
        assert_eq!(read(&[exit(""), exit("")]).unwrap().len(), 2);
        assert_eq!(
            read(&[exit(r#""index":4,"#), exit(r#""index":5,"#)])
                .unwrap()
                .len(),
            2
        );
        let error = read(&[exit(""), exit(r#""index":5,"#)])
            .unwrap_err()
            .report(false);
        assert!(error.contains("operation 1: either all"), "{error}");
    }
}
