//! `quittance operations` and `operation`, and what commands say about operations.

use std::fmt::Write as _;

use quittance_proto::v1::operation::Kind;
use quittance_proto::v1::{self, priority_operation};
use serde_json::{Value, json};

use super::args::{OperationArgs, OperationStateArg, OperationsArgs};
use super::client::Client;
use super::output::{Output, note};
use super::{CliError, client, jobs, operation_json};
use crate::encoding::to_hex;

/// Operations asked for at a time.
const PAGE: u32 = 1000;

pub(super) fn list(args: &OperationsArgs, out: &mut Output) -> Result<(), CliError> {
    client::block_on(async {
        let mut client = client::connect(&args.server.server).await?;
        let mut left = if args.limit == 0 { u64::MAX } else { args.limit };
        let mut page_token = String::new();
        let mut all = Vec::new();
        while left > 0 {
            let request = v1::ListOperationsRequest {
                account: args.account,
                state: state(args.state).into(),
                newest_first: args.newest_first,
                page_size: u32::try_from(left).unwrap_or(PAGE).min(PAGE),
                page_token,
            };
            let page = client.list_operations(request).await?.into_inner();
            for operation in &page.operations {
                left = left.saturating_sub(1);
                if out.is_json() {
                    all.push(to_json(operation));
                } else {
                    out.line(to_text(operation))?;
                }
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        if out.is_json() {
            out.line(Value::Array(all))?;
        } else if left == args.limit || left == u64::MAX {
            out.line("no operation")?;
        }
        Ok(())
    })
}

pub(super) fn one(args: &OperationArgs, out: &mut Output) -> Result<(), CliError> {
    client::block_on(async {
        let mut client = client::connect(&args.server.server).await?;
        if !args.watch {
            let request = v1::GetOperationRequest { id: args.id };
            let answer = client.get_operation(request).await?.into_inner();
            let operation = client::required(answer.operation, "the operation")?;
            return out.result(&to_json(&operation), to_text(&operation));
        }
        let json = out.is_json();
        let last = follow(&mut client, args.id, |operation| {
            if json {
                out.line(to_json(operation))
            } else {
                note(to_text(operation));
                Ok(())
            }
        })
        .await?;
        require_proved(&last)?;
        if json { Ok(()) } else { out.line(to_text(&last)) }
    })
}

/// Waits until an operation's batch is proved.
pub(super) async fn settled(client: &mut Client, id: u64) -> Result<(), CliError> {
    require_proved(&follow(client, id, |_| Ok(())).await?)
}

/// Follows an operation to its end, through every state that differs from the one before.
async fn follow(
    client: &mut Client,
    id: u64,
    mut event: impl FnMut(&v1::Operation) -> Result<(), CliError>,
) -> Result<v1::Operation, CliError> {
    let mut last: Option<v1::Operation> = None;
    loop {
        let request = v1::WatchOperationRequest { id };
        let mut stream = client.watch_operation(request).await?.into_inner();
        let ended = loop {
            match stream.message().await {
                Ok(Some(message)) => {
                    let operation = client::required(message.operation, "the operation")?;
                    if last.as_ref() != Some(&operation) {
                        event(&operation)?;
                    }
                    last = Some(operation);
                }
                Ok(None) => return client::required(last, "any operation"),
                Err(status) => break status,
            }
        };
        client::watch_again(ended).await?;
    }
}

/// An operation that will not be proved by waiting is a refusal.
fn require_proved(operation: &v1::Operation) -> Result<(), CliError> {
    if let Some(rejection) = &operation.rejection {
        return Err(CliError::refused(
            format!("operation {} was rejected: {}", operation.id, rejection.message),
            "sign a new one that keeps the rule and submit it",
        ));
    }
    match &operation.execution {
        Some(execution) if execution.batch_state() != v1::BatchState::Proved => Err(CliError::refused(
            format!(
                "batch {} of operation {} is {} and not proved",
                execution.batch,
                operation.id,
                jobs::state_name(execution.batch_state)
            ),
            format!(
                "queue its proof again with `quittance resume {}`",
                execution.batch
            ),
        )),
        _ => Ok(()),
    }
}

/// Ids as ranges, such as `3-7, 9`.
pub(super) fn ranges(ids: &[u64]) -> String {
    let mut text = String::new();
    for run in ids.chunk_by(|a, b| a.checked_add(1) == Some(*b)) {
        if !text.is_empty() {
            text.push_str(", ");
        }
        if let (Some(first), Some(last)) = (run.first(), run.last()) {
            text.push_str(&first.to_string());
            if last > first {
                let _ = write!(text, "-{last}");
            }
        }
    }
    text
}

fn state(state: Option<OperationStateArg>) -> v1::OperationState {
    match state {
        None => v1::OperationState::Unspecified,
        Some(OperationStateArg::Queued) => v1::OperationState::Queued,
        Some(OperationStateArg::Executed) => v1::OperationState::Executed,
        Some(OperationStateArg::Rejected) => v1::OperationState::Rejected,
    }
}

fn state_name(state: v1::OperationState) -> &'static str {
    match state {
        v1::OperationState::Queued => "queued",
        v1::OperationState::Executed => "executed",
        v1::OperationState::Rejected => "rejected",
        v1::OperationState::Unspecified => "unknown",
    }
}

fn to_json(operation: &v1::Operation) -> Value {
    let mut value = json!({
        "id": operation.id,
        "state": state_name(operation.state()),
        "accepted_at_ms": operation.accepted_at_ms,
    });
    if let Some(object) = value.as_object_mut() {
        if let Some((kind, content)) = operation_json::of_answer(operation) {
            object.insert("kind".to_owned(), kind.into());
            object.insert(kind.to_owned(), content);
        }
        if let Some(execution) = &operation.execution {
            object.insert("batch".to_owned(), execution.batch.into());
            object.insert("section".to_owned(), section_name(execution.section()).into());
            object.insert("position".to_owned(), execution.position.into());
            let state = jobs::state_name(execution.batch_state);
            object.insert("batch_state".to_owned(), state.into());
            if let Some(outcome) = &execution.outcome {
                let amount = operation_json::digits(&outcome.amount);
                object.insert(
                    "outcome".to_owned(),
                    json!({ "done": outcome.done, "token": outcome.token, "amount": amount }),
                );
            }
        }
        if let Some(rejection) = &operation.rejection {
            object.insert("rule".to_owned(), rejection.rule.clone().into());
            object.insert("message".to_owned(), rejection.message.clone().into());
            object.insert("rejected_at_ms".to_owned(), rejection.rejected_at_ms.into());
        }
    }
    value
}

fn section_name(section: v1::Section) -> &'static str {
    match section {
        v1::Section::Priority => "priority",
        v1::Section::Openings => "openings",
        v1::Section::Transfers => "transfers",
        v1::Section::Withdrawals => "withdrawals",
        v1::Section::Rotations => "rotations",
        v1::Section::Unspecified => "unknown",
    }
}

/// What an operation is about, in a few words.
fn content(operation: &v1::Operation) -> String {
    match &operation.kind {
        Some(Kind::Transfer(it)) => format!("transfer {} -> {}, nonce {}", it.from, it.to, it.nonce),
        Some(Kind::Opening(it)) => format!("opening {} -> {}, nonce {}", it.from, it.to, it.nonce),
        Some(Kind::Withdrawal(it)) => format!(
            "withdrawal of {} from {} to {}, nonce {}",
            operation_json::digits(&it.amount),
            it.from,
            to_hex(&it.address),
            it.nonce
        ),
        Some(Kind::Rotation(it)) => format!("rotation of {}, nonce {}", it.from, it.nonce),
        Some(Kind::Priority(it)) => match &it.kind {
            Some(priority_operation::Kind::Deposit(deposit)) => format!(
                "deposit {} of {} of token {} to {}",
                it.index,
                operation_json::digits(&deposit.amount),
                deposit.token,
                deposit.leaf
            ),
            Some(priority_operation::Kind::ForcedExit(exit)) => {
                format!("forced exit {} of {}", it.index, exit.leaf)
            }
            None => format!("priority operation {}", it.index),
        },
        None => "of a kind that this version does not know".to_owned(),
    }
}

fn to_text(operation: &v1::Operation) -> String {
    let mut text = format!(
        "operation {}: {}, {}",
        operation.id,
        content(operation),
        state_name(operation.state())
    );
    if let Some(execution) = &operation.execution {
        let state = jobs::state_name(execution.batch_state);
        let _ = write!(
            text,
            " in batch {} ({state}), {}[{}]",
            execution.batch,
            section_name(execution.section()),
            execution.position
        );
        match &execution.outcome {
            Some(outcome) if outcome.done => {
                let amount = operation_json::digits(&outcome.amount);
                let _ = write!(text, ": done, {amount} of token {}", outcome.token);
            }
            Some(_) => text.push_str(": without effect"),
            None => {}
        }
    }
    if let Some(rejection) = &operation.rejection {
        let _ = write!(text, ": {}", rejection.message);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_ranges() {
        assert_eq!(ranges(&[]), "");
        assert_eq!(ranges(&[3, 4, 5, 7, 9, 10]), "3-5, 7, 9-10");
        assert_eq!(ranges(&[u64::MAX, 1]), "18446744073709551615, 1");
    }
}
