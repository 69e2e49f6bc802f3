//! Following a proof: a bar on a terminal, lines elsewhere, JSON for programs.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use quittance_proto::v1;
use serde_json::json;

use super::client::{self, Client};
use super::jobs::{phase_name, state_name};
use super::output::{Output, note};
use super::{CliError, error};

/// Steps of the bar.
const STEPS: u64 = 1000;

/// Follows a batch on stderr until its state is final, which is left to the caller to tell, and gives the last event.
pub(super) async fn follow(client: &mut Client, number: u32) -> Result<v1::BatchProgress, CliError> {
    let bar = std::io::stderr().is_terminal().then(bar).transpose()?;
    let mut last_line = String::new();
    let last = each(client, number, |progress| {
        let what = describe(progress);
        match &bar {
            Some(bar) => {
                bar.set_position(permille(progress.fraction));
                bar.set_message(what + &eta(progress));
            }
            None if what != last_line && is_active(progress) => {
                note(format_args!("batch {number}: {what}{}", eta(progress)));
                last_line = what;
            }
            None => {}
        }
        Ok(())
    })
    .await;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    last
}

/// The same with one JSON object a line on the output.
pub(super) async fn follow_json(
    client: &mut Client,
    number: u32,
    out: &mut Output,
) -> Result<v1::BatchProgress, CliError> {
    each(client, number, |progress| {
        // Only a proof that is being made is in a phase.
        let proving = progress.state == i32::from(v1::BatchState::Proving);
        out.line(json!({
            "number": progress.number,
            "state": state_name(progress.state),
            "phase": proving.then(|| phase_name(progress.phase)),
            "phase_fraction": progress.phase_fraction,
            "fraction": progress.fraction,
            "eta_ms": progress.eta_ms,
            "queue_ahead": progress.queue_ahead,
            "failure": progress.failure,
        }))
    })
    .await
}

async fn each(
    client: &mut Client,
    number: u32,
    mut event: impl FnMut(&v1::BatchProgress) -> Result<(), CliError>,
) -> Result<v1::BatchProgress, CliError> {
    let mut last = None;
    loop {
        let request = v1::WatchBatchRequest { number };
        let mut stream = client.watch_batch(request).await?.into_inner();
        let ended = loop {
            match stream.message().await {
                Ok(Some(message)) => {
                    let progress = client::required(message.progress, "the progress")?;
                    event(&progress)?;
                    last = Some(progress);
                }
                Ok(None) => return client::required(last, "any progress"),
                Err(status) => break status,
            }
        };
        client::watch_again(ended).await?;
    }
}

fn is_active(progress: &v1::BatchProgress) -> bool {
    matches!(
        progress.state(),
        v1::BatchState::Executed | v1::BatchState::Proving
    )
}

fn describe(progress: &v1::BatchProgress) -> String {
    match v1::BatchState::try_from(progress.state) {
        Ok(v1::BatchState::Proving) => format!("proving ({})", phase_name(progress.phase)),
        Ok(v1::BatchState::Executed) if progress.queue_ahead > 0 => {
            format!("waiting behind {} batches", progress.queue_ahead)
        }
        _ => state_name(progress.state).to_owned(),
    }
}

fn eta(progress: &v1::BatchProgress) -> String {
    match progress.eta_ms {
        Some(ms) => format!(", about {:.1} s left", Duration::from_millis(ms).as_secs_f64()),
        None => String::new(),
    }
}

/// A fraction as steps of the bar.
fn permille(fraction: f64) -> u64 {
    (0..=STEPS)
        .rev()
        .find(|step| u32::try_from(*step).is_ok_and(|step| f64::from(step) / 1000.0 <= fraction))
        .unwrap_or(0)
}

fn bar() -> Result<ProgressBar, CliError> {
    let style = ProgressStyle::with_template("{bar:40} {percent:>3} %  {msg}")
        .map_err(|source| CliError::refused(error::chain(&source), "report this"))?;
    Ok(ProgressBar::new(STEPS).with_style(style))
}
