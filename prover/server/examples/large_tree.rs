//! Builds a store with many accounts through the service's own code, and measures what a service does with it: start-up
//! (warm, with a cold page cache, and after kill -9 in the middle of commits), accounts, authentication paths (each
//! verified to the root), and executed batches.
//!
//! Usage: `cargo run --release -p quittance --example large_tree -- ACCOUNTS DIR [PATHS]`
//!
//! DIR must not exist; it is left behind. Ends with code 1 if a bar is missed: start-up below 2 s, the median of paths below
//! 1 ms with a cold and a warm cache, their p99 below 1 ms with a warm one (a cold p99 is the disk's own). 10,000,000
//! accounts need 3 GiB of memory and of disk, and about two minutes. STORE.md has the figures of such a run.

#![expect(clippy::unwrap_used, reason = "a measurement fails by panicking")]

#[path = "large_tree/idle.rs"]
mod idle;
#[path = "large_tree/sample.rs"]
mod sample;

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use quittance::config::{Config, RawConfig};
use quittance::node::{Node, Threads};
use quittance::store::Store;
use sample::{Numbers, SHAPE, Sample};

/// Longest time for an authentication path, read and verified.
const PATH_BAR: Duration = Duration::from_millis(1);
/// Longest time until a node has started.
const START_BAR: Duration = Duration::from_secs(2);
/// Batches that the child has executed when it is killed.
const KILLED_AFTER: usize = 12;
/// Tells the program that it is the child to be killed.
const CHILD: &str = "commit-until-killed";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let parse = |text: &String| text.parse::<u32>().ok();
    match &arguments[..] {
        [command, accounts, directory] if command == CHILD => {
            commit_until_killed(parse(accounts).unwrap(), Path::new(directory))
        }
        [accounts, directory, more @ ..]
            if more.len() < 2 && parse(accounts).is_some_and(|n| n >= SHAPE.transfers) =>
        {
            let paths = more.first().and_then(parse).unwrap_or(10_000);
            measure(parse(accounts).unwrap(), Path::new(directory), paths)
        }
        _ => {
            say("usage: large_tree ACCOUNTS DIR [PATHS], at least 10 accounts");
            ExitCode::from(2)
        }
    }
}

fn say(text: impl std::fmt::Display) {
    writeln!(std::io::stdout().lock(), "{text}").unwrap();
}

/// The configuration of a production tree with the store in this directory.
fn config(directory: &Path) -> Config {
    let mut raw = RawConfig::default();
    raw.store.directory = directory.to_owned();
    raw.fees.leaf = Some(0);
    raw.proving.max_unproved_batches = 1_000_000;
    Config::check(raw).unwrap()
}

fn measure(accounts: u32, directory: &Path, paths: u32) -> ExitCode {
    let config = config(directory);
    let sample = Sample::new();
    assert!(!directory.exists(), "{} is there already", directory.display());

    let began = Instant::now();
    let leaves = sample.leaves(accounts);
    let made = began.elapsed();
    let store = Store::create(directory, config.rollup.rollup_id, SHAPE.levels, leaves).unwrap();
    let root = store.identity().genesis_root;
    drop(store);
    say(format_args!(
        "{accounts} accounts: leaves {:.1} s, tree and store {:.1} s, file {:.2} GiB, peak memory {:.2} GiB",
        made.as_secs_f64(),
        (began.elapsed() - made).as_secs_f64(),
        gib(fs::metadata(file(directory)).unwrap().len()),
        gib(peak_memory()),
    ));

    let mut slow = Vec::new();
    let start = |slow: &mut Vec<String>, how: &str| {
        let (node, time) = start(&config);
        say(format_args!("start-up, {how}: {:.1} ms", millis(time)));
        if time >= START_BAR {
            slow.push(format!("start-up, {how}"));
        }
        node
    };
    start(&mut slow, "warm").stop();
    drop_page_cache(&file(directory));
    let running = start(&mut slow, "cold");

    // The first reads meet a cold page cache, the later ones the database's own cache as well.
    for how in ["cold", "warm"] {
        let (account, path) = read(&running.node, &sample, accounts, paths);
        say(format_args!(
            "{paths} random accounts, {how}: median {:.3} ms, p99 {:.3} ms",
            millis(account.median),
            millis(account.p99)
        ));
        say(format_args!(
            "{paths} random paths, {how}, verified: median {:.3} ms, p99 {:.3} ms",
            millis(path.median),
            millis(path.p99)
        ));
        if path.median >= PATH_BAR || (how == "warm" && path.p99 >= PATH_BAR) {
            slow.push(format!("paths, {how}"));
        }
    }
    let mut numbers = Numbers::new(2);
    let batches = Times::of(100, || {
        let transfers = sample.transfers(&running.node, &mut numbers, accounts);
        let began = Instant::now();
        sample::submit(&running.node, transfers);
        began.elapsed()
    });
    say(format_args!(
        "100 batches of {} transfers, executed and stored: median {:.1} ms, p99 {:.1} ms",
        SHAPE.transfers,
        millis(batches.median),
        millis(batches.p99)
    ));
    let executed = running.node.snapshot().unwrap().head().batch_number;
    running.stop();

    let said = kill_while_committing(accounts, directory);
    drop_page_cache(&file(directory));
    let running = start(&mut slow, "cold, after kill -9");
    let head = running.node.snapshot().unwrap().head();
    // The child says a batch after it was stored, and may have stored one that it did not say.
    assert!(
        head.batch_number == executed + said || head.batch_number == executed + said + 1,
        "{} batches, {executed} and {said} were stored",
        head.batch_number
    );
    assert_ne!(head.root, root);
    read(&running.node, &sample, accounts, paths.min(1_000));
    running.stop();

    say(format_args!("peak memory {:.2} GiB", gib(peak_memory())));
    if slow.is_empty() {
        say("all bars kept");
        return ExitCode::SUCCESS;
    }
    say(format_args!("bars missed: {}", slow.join("; ")));
    ExitCode::FAILURE
}

/// A node with its threads.
struct Running {
    node: Arc<Node>,
    threads: Threads,
}

impl Running {
    fn stop(self) {
        self.node.stop();
        self.node.jobs().stop_active();
        self.node.sequencer().stop();
        self.threads.prover.join().unwrap();
        self.threads.sequencer.join().unwrap();
    }
}

/// Opens the store and starts a node, as the service does, and gives the time until it could answer.
fn start(config: &Config) -> (Running, Duration) {
    let began = Instant::now();
    let store = Arc::new(Store::open(&config.store_directory, &config.rollup).unwrap());
    let (node, threads) = Node::start(store, idle::backend(SHAPE), config).unwrap();
    let state = node.snapshot().unwrap();
    state.account_count().unwrap();
    state.account(0).unwrap().unwrap();
    (Running { node, threads }, began.elapsed())
}

/// Reads random accounts and paths, and verifies each path to the root.
fn read(node: &Node, sample: &Sample, accounts: u32, count: u32) -> (Times, Times) {
    let mut numbers = Numbers::new(1);
    let state = node.snapshot().unwrap();
    let mut of_accounts = Vec::new();
    let paths = Times::of(count, || {
        let index = numbers.below(accounts);
        let began = Instant::now();
        let leaf = state.account(index).unwrap().unwrap();
        of_accounts.push(began.elapsed());
        assert_eq!(leaf.key, sample.key(index).public_key());
        let began = Instant::now();
        let root = state.path(index).unwrap().root(index, leaf.hash());
        let time = began.elapsed();
        assert_eq!(root, state.head().root);
        time
    });
    (Times::new(of_accounts), paths)
}

/// Runs this program again as a child that commits batches, and kills it in the middle. Gives how many batches it said.
fn kill_while_committing(accounts: u32, directory: &Path) -> u32 {
    let mut child = Command::new(env::current_exe().unwrap())
        .args([CHILD, &accounts.to_string()])
        .arg(directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = 0;
    for _ in 0..KILLED_AFTER {
        lines.next().unwrap().unwrap();
        said += 1;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What it wrote between the last line read here and its end.
    said + u32::try_from(lines.map_while(Result::ok).count()).unwrap()
}

fn commit_until_killed(accounts: u32, directory: &Path) -> ExitCode {
    let sample = Sample::new();
    let (running, _) = start(&config(directory));
    let mut numbers = Numbers::new(3);
    loop {
        let transfers = sample.transfers(&running.node, &mut numbers, accounts);
        sample::submit(&running.node, transfers);
        say("stored");
    }
}

/// Drops the file's pages from the system's cache, so that they are read from the disk again.
fn drop_page_cache(file: &Path) {
    let status = Command::new("dd")
        .arg(format!("if={}", file.display()))
        .args(["iflag=nocache", "count=0", "status=none"])
        .status()
        .unwrap();
    assert!(status.success(), "dd failed");
}

fn file(directory: &Path) -> PathBuf {
    directory.join("quittance.redb")
}

/// Durations, summed up.
struct Times {
    median: Duration,
    p99: Duration,
}

impl Times {
    fn of(count: u32, time: impl FnMut() -> Duration) -> Self {
        Self::new(
            std::iter::repeat_with(time)
                .take(usize::try_from(count).unwrap())
                .collect(),
        )
    }

    fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| times[(times.len() - 1) * percent / 100];
        Self {
            median: at(50),
            p99: at(99),
        }
    }
}

/// The most memory that this process has had, in bytes.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: Option<u64> = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kib.unwrap_or_default() * 1024
}

fn gib(bytes: u64) -> f64 {
    // Exact enough for two digits after the point.
    let mib = u32::try_from(bytes >> 20).unwrap_or(u32::MAX);
    f64::from(mib) / 1024.0
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
