//! `quittance replay`: the whole state from published data, without the operator.

use quittance_circuits::replay::Replay;
use serde_json::json;

use super::args::ReplayArgs;
use super::output::Output;
use super::{CliError, files, history, keygen};
use crate::encoding::{fr_to_hex, to_hex};

pub(super) fn run(args: &ReplayArgs, out: &mut Output) -> Result<(), CliError> {
    if let Some(path) = &args.state {
        history::check_new(path)?;
    }
    let replay = history::replay(&args.history)?;
    if let Some(path) = &args.state {
        files::write_new(path, accounts(&replay).as_bytes())?;
    }
    let (batches, accounts) = (replay.batch_number(), replay.state().len());
    let (root, queue) = (fr_to_hex(&replay.root()), to_hex(&replay.queue()));
    out.result(
        &json!({
            "batches": batches,
            "end_expected": args.history.root.is_some() || args.history.batches.is_some(),
            "root": root,
            "accounts": accounts,
            "queue": queue,
            "rollup_id": replay.rollup_id().map(|id| to_hex(&id)),
        }),
        format_args!(
            "{batches} batches, {accounts} accounts: {}",
            history::end(&args.history, &replay)
        ),
    )
}

/// All accounts, one for each line: as a genesis file has them, with the nonce.
fn accounts(replay: &Replay) -> String {
    let lines: Vec<String> = replay
        .state()
        .leaves()
        .map(|(index, leaf)| {
            json!({
                "index": index.get(),
                "key": keygen::public_key_hex(&leaf.key),
                "balance": leaf.balance.to_string(),
                "token": leaf.token,
                "owner": to_hex(&leaf.owner().get()),
                "nonce": leaf.nonce,
            })
            .to_string()
        })
        .collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}
