//! `quittance setup`, and the engine that other commands share.

use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use quittance_engine::{
    Backend, CircuitSizes, Engine, EngineError, ExitCircuit, KeyDir, KeyError, LoadedKey, R1cs, R1csError,
    SetupPhase, setup_development,
};
use quittance_verifier::{DevelopmentKeys, Shape};
use serde_json::json;

use super::args::SetupArgs;
use super::output::{Output, note};
use super::{CliError, error, interrupt};
use crate::circuit_facts::{self, CircuitFacts};
use crate::keys::{self, KeysError};

pub(super) fn run(args: &SetupArgs, out: &mut Output) -> Result<(), CliError> {
    let exit = ExitCircuit {
        levels: Shape::PRODUCTION_LEVELS,
    };
    let exit = args.exit.then_some(Circuit::Exit(exit));
    let named = args.shapes.iter().map(|name| circuit(name));
    let mut circuits = named.chain(exit.map(Ok)).collect::<Result<Vec<_>, _>>()?;
    if circuits.is_empty() {
        circuits.push(Circuit::Batch(SMALLEST_MIXED));
    }
    interrupt::end_on_signals()?;
    let engine = engine(args.threads)?;
    let mut made = Vec::new();
    for circuit in &circuits {
        let (name, path, how, id, bytes) = match circuit {
            Circuit::Batch(shape) => {
                let (key, _, how) = ensure(&engine, &args.keys, shape)?;
                let id = key.key().verifying_key().key_id();
                let bytes = key.manifest().proving_key.bytes;
                (shape.name(), keys::directory(&args.keys, shape), how, id, bytes)
            }
            Circuit::Exit(exit) => {
                let (key, how) = ensure_exit(&engine, &args.keys, exit)?;
                let id = key.key().verifying_key().key_id();
                let bytes = key.manifest().proving_key.bytes;
                (exit.name(), keys::directory(&args.keys, exit), how, id, bytes)
            }
        };
        let text = format!("{name}: {} in {}, key {id}", how.name(), path.display());
        made.push(json!({
            "shape": name,
            "made": how == How::Made,
            "directory": path.display().to_string(),
            "key_id": id.to_string(),
            "key_bytes": bytes,
        }));
        if !out.is_json() {
            out.line(text)?;
        }
    }
    if out.is_json() {
        out.line(serde_json::Value::Array(made))?;
    }
    Ok(())
}

/// The smallest shipped shape whose circuit proves every kind of operation.
pub(super) const SMALLEST_MIXED: Shape = Shape {
    levels: Shape::PRODUCTION_LEVELS,
    priority: 1,
    openings: 1,
    transfers: 2,
    withdrawals: 1,
    rotations: 1,
    fee_slots: 1,
};

/// A circuit that keys are made for.
enum Circuit {
    Batch(Shape),
    Exit(ExitCircuit),
}

/// Reads the name of a shape or of an exit circuit.
fn circuit(name: &str) -> Result<Circuit, CliError> {
    match ExitCircuit::parse_name(name) {
        Some(exit) => Ok(Circuit::Exit(exit)),
        None => shape(name).map(Circuit::Batch),
    }
}

/// How a key came to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// It was made now.
    Made,
    /// It was there, and is valid.
    Kept,
}

impl How {
    const fn name(self) -> &'static str {
        match self {
            Self::Made => "made a development key",
            Self::Kept => "kept the valid key",
        }
    }
}

/// Opens the key of a shape, after making a development key if there is none.
pub(super) fn ensure(
    engine: &Engine,
    directory: &Path,
    shape: &Shape,
) -> Result<(LoadedKey, CircuitFacts, How), CliError> {
    let how = make_if_absent(engine, directory, shape, || circuit_facts::matrices(shape))?;
    let (key, facts) = keys::open(engine, directory, shape, DevelopmentKeys::Accept)?;
    Ok((key, facts, how))
}

/// As [`ensure`], for exits.
fn ensure_exit(
    engine: &Engine,
    directory: &Path,
    exit: &ExitCircuit,
) -> Result<(LoadedKey<ExitCircuit>, How), CliError> {
    let how = make_if_absent(engine, directory, exit, || circuit_facts::exit_matrices(exit))?;
    let key = keys::open_exit(engine, directory, exit, DevelopmentKeys::Accept)?;
    Ok((key, how))
}

fn make_if_absent<S: CircuitSizes>(
    engine: &Engine,
    directory: &Path,
    circuit: &S,
    matrices: impl FnOnce() -> Result<R1cs, R1csError>,
) -> Result<How, CliError> {
    if keys::is_there(directory, circuit) {
        return Ok(How::Kept);
    }
    writable(directory)?;
    make(engine, directory, circuit, matrices)?;
    Ok(How::Made)
}

/// Makes the directory of the keys, and a file in it for a moment: minutes of computing must not end at its door.
fn writable(directory: &Path) -> Result<(), CliError> {
    std::fs::create_dir_all(directory)
        .and_then(|()| tempfile::tempfile_in(directory).map(drop))
        .map_err(|error| CliError::file("write keys to", directory, &error))
}

fn make<S: CircuitSizes>(
    engine: &Engine,
    directory: &Path,
    circuit: &S,
    matrices: impl FnOnce() -> Result<R1cs, R1csError>,
) -> Result<(), CliError> {
    let failed = |error: &dyn std::error::Error| {
        CliError::refused(
            format!("no key for shape {}: {}", circuit.name(), error::chain(error)),
            "try again; if it fails again, check the machine's memory",
        )
    };
    let began = Instant::now();
    let name = circuit.name();
    let bar = std::io::stderr().is_terminal().then(ProgressBar::new_spinner);
    if let Some(bar) = &bar {
        bar.enable_steady_tick(Duration::from_millis(120));
    }
    let step = |what: &str| {
        let text = format!("setup {name}: {what} ({:.1} s)", began.elapsed().as_secs_f64());
        match &bar {
            Some(bar) => bar.set_message(text),
            None => note(text),
        }
    };
    step("building the circuit");
    let r1cs = matrices().map_err(|error| failed(&error))?;
    let phases = |phase: SetupPhase| {
        step(match phase {
            SetupPhase::CheckCircuit => "checking the circuit",
            SetupPhase::Generate => "computing the key's points, which takes nearly all of the time",
            SetupPhase::CheckKey => "checking the key",
            _ => "working",
        });
    };
    let key = engine.install(|| setup_development(&r1cs, *circuit, &phases));
    let key = key.map_err(|error| failed(&error))?;
    step("writing the files");
    let path = keys::directory(directory, circuit);
    let _unfinished = interrupt::Removal::of_keys_in(directory);
    engine
        .install(|| KeyDir::create(path, &key))
        .map_err(KeysError::from)?;
    step("done");
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    note(format_args!(
        "setup {name}: this is a development key: whoever makes one can forge proofs, so it is never for production"
    ));
    Ok(())
}

/// Reads the name of a shape.
pub(super) fn shape(name: &str) -> Result<Shape, CliError> {
    Shape::parse_name(name).map_err(|error| {
        CliError::usage(
            format!("not a shape: {name}: {error}"),
            "`quittance circuits` lists the shipped shapes, such as p1o1t2w1r1f1 for every kind of operation; exits have the circuit exit",
        )
    })
}

/// An engine with these threads, or one for each core.
pub(super) fn engine(threads: Option<NonZeroUsize>) -> Result<Engine, CliError> {
    let threads = threads
        .or_else(|| thread::available_parallelism().ok())
        .unwrap_or(NonZeroUsize::MIN);
    Engine::new(threads).map_err(|error| {
        let message = error::chain(&error);
        match error {
            EngineError::Backend(_) => CliError::usage(
                message,
                format!("set {} to portable, or leave it out", Backend::VARIABLE),
            ),
            _ => CliError::refused(message, "choose fewer threads with --threads"),
        }
    })
}

impl From<KeysError> for CliError {
    fn from(error: KeysError) -> Self {
        let message = error::chain(&error);
        match &error {
            KeysError::Unreadable { path, .. } => Self::usage(
                message,
                format!(
                    "make a key with `quittance setup --shape {} --keys {}`, or point --keys elsewhere",
                    SMALLEST_MIXED.name(),
                    path.display()
                ),
            ),
            KeysError::None { path, levels } => {
                let shape = Shape {
                    levels: *levels,
                    ..SMALLEST_MIXED
                };
                Self::usage(
                    message,
                    format!(
                        "make a key with `quittance setup --shape {} --keys {}`, or point --keys elsewhere",
                        shape.name(),
                        path.display()
                    ),
                )
            }
            KeysError::NoKey { path, shape } => Self::usage(
                message,
                format!(
                    "run `quittance setup --shape {shape} --keys {}`, or point --keys elsewhere",
                    path.display()
                ),
            ),
            KeysError::Memory { .. } => Self::refused(
                message,
                "load smaller shapes only (--shape), take fewer threads (--threads), or give the process more: raise proving.max_memory_bytes (--max-memory) if it is set, the limit of its container or control group, or end other programs",
            ),
            KeysError::OtherLevels { .. } => Self::usage(
                message,
                "choose shapes for this tree, or set rollup.levels (--levels)",
            ),
            KeysError::Key(KeyError::DevelopmentKey { .. }) => Self::refused(
                message,
                "use a key from a ceremony; for tests and demonstrations add --allow-development-keys",
            ),
            KeysError::Key(KeyError::Io { .. }) => {
                Self::refused(message, "check the disk and who owns the files")
            }
            _ => Self::refused(
                message,
                "remove the key's directory and run `quittance setup` again",
            ),
        }
    }
}
