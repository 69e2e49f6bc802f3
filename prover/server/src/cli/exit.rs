//! `quittance exit`: proves one account under the last root, for the root chain's emergency mode.

use std::path::Path;

use quittance_circuits::exit::{self, Exit, ExitError};
use quittance_circuits::types::AccountIndex;
use quittance_engine::{Control, ExitCircuit};
use quittance_verifier::{DevelopmentKeys, ExitBundle, json as bundle_json};
use serde_json::json;

use super::args::ExitArgs;
use super::output::{Output, note};
use super::{CliError, error, files, history, interrupt, setup};
use crate::encoding::{fr_to_hex, to_hex};
use crate::keys;

pub(super) fn run(args: &ExitArgs, out: &mut Output) -> Result<(), CliError> {
    interrupt::end_on_signals()?;
    if args.output != Path::new("-") {
        history::check_new(&args.output)?;
    }
    let engine = setup::engine(args.threads)?;
    let circuit = ExitCircuit {
        levels: history::levels(&args.history)?,
    };
    let policy = if args.history.allow_development_keys {
        DevelopmentKeys::Accept
    } else {
        DevelopmentKeys::Refuse
    };
    let key = keys::open_exit(&engine, &args.keys, &circuit, policy)?;
    let replay = history::replay(&args.history)?;
    note(format_args!("{}", history::end(&args.history, &replay)));

    let rollup_id = replay.rollup_id().unwrap_or_default();
    let exit = Exit::read(replay.state(), rollup_id, AccountIndex(args.account)).map_err(refused)?;
    let key_id = key.verifying_key().key_id();
    let failed = |error: &dyn std::error::Error| {
        CliError::refused(error::chain(error), "try again; if it fails again, report this")
    };
    let facts = exit.facts();
    let h = exit::statement_hash(&facts).map_err(|error| failed(&error))?;
    let assignment = exit::assign(&key_id, &exit).map_err(|error| failed(&error))?;
    let proven = engine
        .prove(&key, &assignment, &Control::default())
        .map_err(|error| failed(&error))?;
    let bundle = ExitBundle {
        key_id,
        facts,
        h,
        proof: proven.proof,
    };
    key.verifier().verify(&bundle).map_err(|error| failed(&error))?;

    let bytes = if out.is_json() {
        bundle_json::exit_to_json(&bundle)
            .map(String::into_bytes)
            .map_err(|error| failed(&error))?
    } else {
        bundle.to_bytes().map_err(|error| failed(&error))?
    };
    if args.output == Path::new("-") {
        return out.bytes(&bytes);
    }
    files::write_new(&args.output, &bytes)?;
    let file = args.output.display().to_string();
    let (owner, root) = (to_hex(&facts.owner), fr_to_hex(&facts.root));
    out.result(
        &json!({
            "account": facts.leaf,
            "token": facts.token,
            "balance": facts.balance.to_string(),
            "owner": owner,
            "root": root,
            "batch": replay.batch_number(),
            "end_expected": args.history.root.is_some() || args.history.batches.is_some(),
            "file": file,
            "key_id": key_id.to_string(),
        }),
        format_args!(
            "{file}: account {} holds {} of token {} for {owner}, under state root {root} after batch {}",
            facts.leaf,
            facts.balance,
            facts.token,
            replay.batch_number()
        ),
    )
}

fn refused(error: ExitError) -> CliError {
    let next = match error {
        ExitError::State(_) => "try again; if it fails again, report this",
        _ => "check the index; `quittance replay --state FILE` lists all accounts",
    };
    CliError::refused(error::chain(&error), next)
}
