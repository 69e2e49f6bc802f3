//! `quittance priority`: the root chain's queue, as its watcher fills it.

use quittance_proto::v1;
use serde_json::json;
use tokio_stream::Stream;
use tonic::Status;

use super::args::{
    DepositArgs, ForcedExitArgs, PriorityArgs, PriorityCommand, PriorityStatusArgs, PrioritySubmitArgs,
};
use super::operation_json::{DepositJson, ForcedExitJson, PriorityEntry, PriorityJson};
use super::output::Output;
use super::{CliError, amount, client, files, operation_json, operations, sign};
use crate::encoding::{fr_to_bytes_be, to_hex};

pub(super) fn run(args: &PriorityArgs, out: &mut Output) -> Result<(), CliError> {
    match &args.command {
        PriorityCommand::Deposit(args) => deposit(args, out),
        PriorityCommand::Exit(args) => exit(args, out),
        PriorityCommand::Submit(args) => submit(args, out),
        PriorityCommand::Status(args) => status(args, out),
    }
}

fn deposit(args: &DepositArgs, out: &mut Output) -> Result<(), CliError> {
    let key = sign::public_key(&args.key)?;
    let deposit = DepositJson {
        leaf: args.leaf,
        token: args.token,
        amount: amount::exact(&args.amount)?.to_string(),
        owner: to_hex(&sign::address("owner", &args.owner)?.get()),
        key_x: to_hex(&fr_to_bytes_be(&key.x)),
        key_y: to_hex(&fr_to_bytes_be(&key.y)),
    };
    out.line(operation_json::to_line(&PriorityJson::deposit(
        args.index, deposit,
    ))?)
}

fn exit(args: &ForcedExitArgs, out: &mut Output) -> Result<(), CliError> {
    let exit = ForcedExitJson {
        leaf: args.leaf,
        caller: to_hex(&sign::address("caller", &args.caller)?.get()),
    };
    out.line(operation_json::to_line(&PriorityJson::forced_exit(
        args.index, exit,
    ))?)
}

fn submit(args: &PrioritySubmitArgs, out: &mut Output) -> Result<(), CliError> {
    let name = args.operations.display().to_string();
    let text = files::read_text(&args.operations)?;
    let entries = operation_json::read_priority(&name, &text)?;
    // All entries have an index, or none has. What has none cannot be known again when it is sent twice: its money would come twice.
    match (entries.iter().all(PriorityEntry::has_index), args.append) {
        (true, false) | (false, true) => {}
        (false, false) => {
            return Err(CliError::refused(
                format!("{name}: the operations have no indices"),
                "write them with --index; or add --append to put them at the queue's end, again each time that they are sent",
            ));
        }
        (true, true) => {
            return Err(CliError::refused(
                format!("{name}: the operations have indices"),
                "leave --append out: they go to the places that they name",
            ));
        }
    }
    client::block_on(async {
        let mut client = client::connect(&args.server.server).await?;
        let first = queue(&mut client).await?.next_index;
        let operations: Vec<_> = (first..)
            .zip(entries)
            .map(|(next, entry)| entry.into_message(next))
            .collect();
        let mut accepted = Vec::new();
        // What was answered is accepted, however the stream ends.
        let mut ended = loop {
            let left = operations.iter().skip(accepted.len()).cloned();
            let messages = left.map(|operation| v1::SubmitPriorityRequest {
                operation: Some(operation),
            });
            let messages = tokio_stream::iter(messages.collect::<Vec<_>>());
            let status = match enter(&mut client, messages, &mut accepted).await {
                Ok(()) => break Ok(()),
                Err(status) => status,
            };
            // Its connection may only have been needed for somebody else.
            if let Err(error) = client::watch_again(status).await {
                break Err(error);
            }
        };
        if accepted.is_empty() {
            return ended;
        }
        let mut state = "accepted";
        if args.wait && ended.is_ok() {
            for answer in &accepted {
                ended = operations::settled(&mut client, answer.operation_id).await;
                if ended.is_err() {
                    break;
                }
            }
            if ended.is_ok() {
                state = "proved";
            }
        }
        say(&accepted, state, out)?;
        ended
    })
}

/// Sends a part of the queue, and notes every answer.
async fn enter(
    client: &mut client::Client,
    messages: impl Stream<Item = v1::SubmitPriorityRequest> + Send + 'static,
    accepted: &mut Vec<v1::SubmitPriorityResponse>,
) -> Result<(), Status> {
    let mut answers = client.submit_priority(messages).await?.into_inner();
    while let Some(answer) = answers.message().await? {
        accepted.push(answer);
    }
    Ok(())
}

fn say(accepted: &[v1::SubmitPriorityResponse], state: &str, out: &mut Output) -> Result<(), CliError> {
    let ids: Vec<u64> = accepted.iter().map(|answer| answer.operation_id).collect();
    let indices: Vec<u64> = accepted.iter().map(|answer| answer.index).collect();
    let repeated = accepted.iter().filter(|answer| answer.repeated).count();
    let again = match repeated {
        0 => String::new(),
        count => format!(", {count} of them as submitted before"),
    };
    let hash = accepted
        .last()
        .map(|answer| to_hex(&answer.queue_hash))
        .unwrap_or_default();
    out.result(
        &json!({
            "indices": indices, "operations": ids, "queue_hash": hash, "state": state, "repeated": repeated
        }),
        format_args!(
            "operations {}, indices {}: {state}{again}; queue hash {hash}",
            operations::ranges(&ids),
            operations::ranges(&indices)
        ),
    )
}

fn status(args: &PriorityStatusArgs, out: &mut Output) -> Result<(), CliError> {
    client::block_on(async {
        let mut client = client::connect(&args.server).await?;
        let queue = queue(&mut client).await?;
        let (hash, executed) = (to_hex(&queue.hash), to_hex(&queue.executed_hash));
        out.result(
            &json!({
                "next_index": queue.next_index,
                "hash": hash,
                "next_to_execute": queue.next_to_execute,
                "executed_hash": executed,
            }),
            format_args!(
                "{} priority operations submitted, queue hash {hash}\n{} of them executed, queue hash {executed}",
                queue.next_index, queue.next_to_execute
            ),
        )
    })
}

async fn queue(client: &mut client::Client) -> Result<v1::Queue, CliError> {
    let answer = client.get_queue(v1::GetQueueRequest {}).await?.into_inner();
    client::required(answer.queue, "the queue")
}
