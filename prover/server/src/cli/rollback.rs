//! `quittance rollback`: takes the last batches back, while no service runs.

use serde_json::json;

use super::CliError;
use super::args::RollbackArgs;
use super::output::Output;
use crate::config;
use crate::encoding::fr_to_hex;
use crate::store::{RolledBack, Store};

pub(super) fn run(args: &RollbackArgs, out: &mut Output) -> Result<(), CliError> {
    let config = config::load(args.config.config.as_deref(), &args.config.overrides())?;
    let failed = |error| CliError::store(&config.store_directory, error);
    let store = Store::open(&config.store_directory, &config.rollup).map_err(failed)?;
    let done = store.rollback(args.to).map_err(failed)?;
    let RolledBack {
        batches,
        proofs,
        operations,
        head,
    } = done;
    let root = fr_to_hex(&head.root);
    let next = next(&done);
    let value = json!({
        "batch": head.batch_number,
        "root": root,
        "batches_taken_back": batches,
        "proofs_thrown_away": proofs,
        "operations_queued_again": operations,
        "queued_operations": head.queued,
        "next": next,
    });
    let place = format!("batch {}, state root {root}", head.batch_number);
    let text = if batches == 0 {
        format!("nothing to take back: the store is at {place}")
    } else {
        format!(
            "taken back: {batches} batches with {proofs} proofs; queued again: {operations} operations\n\
             the store is at {place}\n\
             next:  {next}"
        )
    };
    out.result(&value, text)
}

fn next(done: &RolledBack) -> &'static str {
    if done.batches == 0 {
        "nothing changed"
    } else if done.proofs == 0 {
        "start the service: it executes the queued operations again"
    } else {
        "tell whoever has one of the proofs that its batch is not the rollup's any more, though the proof still verifies; \
         then start the service: it executes the queued operations again"
    }
}
