//! `quittance bench execute`: native execution of batches on a state of many accounts, without proofs.

use std::collections::HashMap;
use std::error::Error;

use ark_bn254::Fr;
use quittance_circuits::batch::{BatchContext, Operations, apply_batch};
use quittance_circuits::eddsa::SecretKey;
use quittance_circuits::leaf::LeafError;
use quittance_circuits::state::{MemoryState, Overlay, StateError, StateReader};
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::{ForcedExit, Priority};
use quittance_circuits::types::{AccountIndex, BatchNumber, TokenId};
use quittance_engine::Stopwatch;
use quittance_verifier::{EMPTY_QUEUE, Section, Shape};
use serde::Serialize;

use super::super::args::ExecuteBenchArgs;
use super::super::output::Output;
use super::super::sample::{self, Signer};
use super::super::{CliError, error, setup};
use super::steps::Steps;
use crate::encoding::fr_from_bytes_be;

/// The one token.
const TOKEN: u32 = 1;
/// Where deposits open accounts.
const UPPER_HALF: u32 = 1 << 31;
/// Distinct keys of the accounts; a tree does not care how often one occurs, and making them takes long.
const KEYS: u32 = 1024;

/// What a batch of each measurement holds, in percent: priority, openings, transfers, withdrawals, rotations.
const MIXES: [(&str, [u32; 5]); 6] = [
    ("all kinds", [10, 10, 60, 10, 10]),
    ("priority", [100, 0, 0, 0, 0]),
    ("openings", [0, 100, 0, 0, 0]),
    ("transfers", [0, 0, 100, 0, 0]),
    ("withdrawals", [0, 0, 0, 100, 0]),
    ("rotations", [0, 0, 0, 0, 100]),
];

/// One measurement.
#[derive(Debug, Serialize)]
struct Row {
    operations: &'static str,
    accounts: u32,
    count: usize,
    batches: usize,
    threads: usize,
    state: &'static str,
    wall_seconds: f64,
    cpu_seconds: f64,
    operations_per_second: f64,
    operations_per_cpu_second: f64,
}

pub(super) fn run(args: &ExecuteBenchArgs, out: &mut Output) -> Result<(), CliError> {
    let failed = |error: Box<dyn Error + Send + Sync>| {
        CliError::refused(
            error::chain(error.as_ref()),
            "report this: every operation is valid",
        )
    };
    let engine = setup::engine(Some(args.threads))?;
    let steps = Steps::new(1 + MIXES.len());
    steps.begin(format_args!("a state of {} accounts in memory", args.accounts));
    let mut scene = engine.install(|| Scene::new(args.accounts)).map_err(failed)?;
    let mut rows = Vec::with_capacity(MIXES.len());
    for (name, mix) in MIXES {
        steps.begin(format_args!("{} operations: {name}", args.operations));
        let row = engine
            .install(|| scene.measure(args, name, mix))
            .map_err(failed)?;
        if !out.is_json() {
            out.line(text(&row))?;
        }
        rows.push(row);
    }
    if out.is_json() {
        out.result(&rows, "")?;
    }
    Ok(())
}

/// A state, and who has signed how much in it.
struct Scene {
    state: MemoryState,
    rollup_id: Fr,
    accounts: u32,
    keys: Vec<SecretKey>,
    /// Accounts that have signed, with their next nonces.
    signers: HashMap<u32, Signer>,
    batch_number: u32,
    /// Accounts chosen so far, accounts opened, accounts emptied.
    chosen: u32,
    opened: u32,
    emptied: u32,
}

impl Scene {
    fn new(accounts: u32) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let keys: Vec<SecretKey> = (0..KEYS)
            .map(|number| {
                let mut seed = [0x44; 32];
                seed[..4].copy_from_slice(&number.to_le_bytes());
                SecretKey::from_bytes(&seed)
            })
            .collect();
        let leaves = (0..accounts)
            .zip(keys.iter().cycle())
            .map(|(index, key)| sample::account(index, key, TOKEN))
            .collect::<Result<Vec<_>, LeafError>>()?;
        Ok(Self {
            state: MemoryState::genesis(Shape::PRODUCTION_LEVELS, leaves)?,
            rollup_id: fr_from_bytes_be(&quittance_verifier::DEMO_ROLLUP_ID).unwrap_or_default(),
            accounts,
            keys,
            signers: HashMap::new(),
            batch_number: 0,
            chosen: 0,
            opened: 0,
            emptied: 0,
        })
    }

    /// Signs, then executes under the clock: every rule, every signature, the root after each operation, and the changes of
    /// each batch taken over into the state.
    fn measure(
        &mut self,
        args: &ExecuteBenchArgs,
        name: &'static str,
        mix: [u32; 5],
    ) -> Result<Row, Box<dyn Error + Send + Sync>> {
        let batches = args.operations.div_ceil(args.batch);
        let batches = (0..batches)
            .map(|_| self.batch(args.batch, mix))
            .collect::<Result<Vec<Operations>, StateError>>()?;
        let clock = Stopwatch::start();
        let mut count = 0;
        for operations in &batches {
            self.batch_number += 1;
            let context = BatchContext {
                rollup_id: self.rollup_id,
                batch_number: BatchNumber(self.batch_number),
                queue: EMPTY_QUEUE,
            };
            let mut overlay = Overlay::new(&self.state)?;
            let applied = apply_batch(&mut overlay, &context, operations)?;
            let changes = overlay.into_changes();
            self.state.apply(changes)?;
            count += Section::ALL
                .into_iter()
                .filter(|section| *section != Section::Fees)
                .map(|section| applied.count(section))
                .sum::<usize>();
        }
        let (wall, cpu) = clock.elapsed();
        let (wall, cpu) = (wall.as_secs_f64(), cpu.as_secs_f64());
        let per = |seconds: f64| f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / seconds;
        Ok(Row {
            operations: name,
            accounts: args.accounts,
            count,
            batches: batches.len(),
            threads: args.threads.get(),
            state: "memory",
            wall_seconds: wall,
            cpu_seconds: cpu,
            operations_per_second: per(wall),
            operations_per_cpu_second: per(cpu),
        })
    }

    /// One batch of so many operations, signed.
    fn batch(&mut self, size: u32, mix: [u32; 5]) -> Result<Operations, StateError> {
        let [priority, openings, transfers, withdrawals, rotations] = mix.map(|percent| size * percent / 100);
        let rollup_id = self.rollup_id;
        let mut batch = Operations {
            fees: vec![FeeSlot {
                leaf: AccountIndex(0),
                token: TokenId(TOKEN),
            }],
            ..Operations::default()
        };
        for number in 0..priority {
            batch.priority.push(self.priority(number)?);
        }
        for _ in 0..openings {
            self.opened += 1;
            let to = self.accounts + self.opened;
            batch.openings.push(self.signer().opening(&rollup_id, to, 100));
        }
        for _ in 0..transfers {
            let to = self.choose();
            batch.transfers.push(self.signer().transfer(&rollup_id, to, 100));
        }
        for _ in 0..withdrawals {
            batch.withdrawals.push(self.signer().withdrawal(&rollup_id, 100));
        }
        for _ in 0..rotations {
            batch.rotations.push(self.signer().rotation(&rollup_id));
        }
        Ok(batch)
    }

    /// In turn a deposit that opens an account, one that credits an account, and a forced exit by the owner.
    fn priority(&mut self, number: u32) -> Result<Priority, StateError> {
        match number % 3 {
            0 => {
                self.opened += 1;
                Ok(sample::deposit(UPPER_HALF + self.opened, TOKEN))
            }
            1 => Ok(sample::deposit(self.choose(), TOKEN)),
            _ => {
                self.emptied += 1;
                // From the last one down to the middle, and again: below it are those that sign.
                let leaf = AccountIndex(self.accounts - 1 - self.emptied % (self.accounts / 2 - 1));
                let owner = self.state.leaf(leaf)?.map(|leaf| leaf.owner());
                Ok(Priority::ForcedExit(ForcedExit {
                    leaf,
                    caller: owner.unwrap_or_default(),
                }))
            }
        }
    }

    /// An account far from the one before, neither the one that takes the fees nor one of those that are emptied.
    fn choose(&mut self) -> u32 {
        self.chosen = self.chosen.wrapping_add(0x9e37_79b1);
        1 + self.chosen % (self.accounts / 2)
    }

    fn signer(&mut self) -> &mut Signer {
        let index = self.choose();
        let keys = &self.keys;
        self.signers.entry(index).or_insert_with(|| {
            // Keys go around, as in the genesis.
            let number = usize::try_from(index % KEYS).unwrap_or_default();
            Signer::new(keys[number].clone(), index)
        })
    }
}

fn text(row: &Row) -> String {
    format!(
        "{:<12} {:>8} operations in {:>4} batches, {} accounts in memory: {:>8.0} per second, {:>8.0} per CPU second",
        row.operations,
        row.count,
        row.batches,
        row.accounts,
        row.operations_per_second,
        row.operations_per_cpu_second
    )
}
