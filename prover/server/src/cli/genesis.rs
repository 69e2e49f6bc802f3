//! `quittance genesis`: a new store with accounts from a file.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use figment::Figment;
use figment::providers::{Format, Toml};
use quittance_circuits::babyjubjub::{Point, PublicKey};
use quittance_circuits::leaf::Leaf;
use quittance_circuits::types::{AccountIndex, RootAddress};
use serde::Deserialize;
use serde_json::json;

use super::args::GenesisArgs;
use super::output::Output;
use super::{CliError, files};
use crate::config;
use crate::encoding::{fr_from_bytes_be, fr_to_hex, parse_hex};
use crate::store::{Store, StoreError};

/// Leaves from here on are opened by the root chain only (in trees of 16 levels).
pub(super) const FIRST_ROOT_CHAIN_LEAF: u32 = 1 << 31;

/// Columns of a CSV file.
const COLUMNS: [&str; 5] = ["index", "key", "balance", "token", "owner"];

/// One account as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountEntry {
    /// Leaf; without it, the one after the entry before.
    pub(super) index: Option<u32>,
    /// 0x, 64 hex digits of x, 64 of y.
    pub(super) key: String,
    /// In the token's smallest unit: decimal digits, or an integer.
    pub(super) balance: Balance,
    /// Token.
    pub(super) token: u32,
    /// 0x and 40 hex digits, not all zero.
    pub(super) owner: String,
}

/// A balance as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Balance {
    /// Decimal digits.
    Text(String),
    /// An integer.
    Number(u64),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TomlAccounts {
    account: Vec<AccountEntry>,
}

pub(super) fn run(args: &GenesisArgs, out: &mut Output) -> Result<(), CliError> {
    let config = config::load(args.config.config.as_deref(), &args.config.overrides())?;
    let text = files::read_text(&args.accounts)?;
    if text.trim().is_empty() {
        return Err(CliError::refused(
            format!("{}: the file is empty", args.accounts.display()),
            "an account has key, balance, token, owner and optionally index; see `quittance genesis --help`",
        ));
    }
    let entries = parse(&args.accounts, &text)?;
    let accounts = leaves(&entries)?;
    let count = accounts.len();
    if count == 0 {
        return Err(CliError::refused(
            format!("{}: there is no account", args.accounts.display()),
            "give at least one account: without any, nobody could send a transfer",
        ));
    }
    let (rollup_id, levels) = (config.rollup.rollup_id, config.rollup.levels);
    let new = missing_directories(&config.store_directory);
    let store = Store::create(&config.store_directory, rollup_id, levels, accounts)
        .inspect_err(|_| {
            for directory in &new {
                // Only what is empty goes; the refusal is what has to be said.
                let _ = std::fs::remove_dir(directory);
            }
        })
        .map_err(|error| match error {
            StoreError::State(problem) => CliError::refused(
                format!("{}: {problem}", args.accounts.display()),
                "correct the accounts, or the levels of the tree that they are for",
            ),
            other => CliError::store(&config.store_directory, other),
        })?;
    let root = fr_to_hex(&store.identity().genesis_root);
    let directory = config.store_directory.display().to_string();
    out.result(
        &json!({ "accounts": count, "root": root, "levels": levels, "store": directory }),
        format_args!("{count} accounts in {directory}, state root {root}"),
    )
}

/// The directory and its parents that do not exist yet, innermost first.
fn missing_directories(directory: &Path) -> Vec<PathBuf> {
    directory
        .ancestors()
        .take_while(|path| !path.as_os_str().is_empty() && !path.exists())
        .map(Path::to_owned)
        .collect()
}

pub(super) fn parse(path: &Path, text: &str) -> Result<Vec<AccountEntry>, CliError> {
    let wrong = |problem: String| {
        CliError::refused(
            format!("{}: {problem}", path.display()),
            "an account has key, balance, token, owner and optionally index; see `quittance genesis --help`",
        )
    };
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => serde_json::from_str(text).map_err(|error| wrong(error.to_string())),
        Some("toml") => Figment::from(Toml::string(text))
            .extract()
            .map(|file: TomlAccounts| file.account)
            .map_err(|error| {
                let (key, problem) = config::key_and_problem(&error);
                wrong(if key.is_empty() {
                    problem
                } else {
                    format!("{key}: {problem}")
                })
            }),
        Some("csv") => parse_csv(text).map_err(wrong),
        _ => Err(CliError::usage(
            format!("{}: the format is taken from the name", path.display()),
            "name the file .json, .toml or .csv",
        )),
    }
}

/// No field needs quotes, so none may have them.
fn parse_csv(text: &str) -> Result<Vec<AccountEntry>, String> {
    let mut lines = text.lines().enumerate().map(|(i, line)| (i + 1, line));
    let header: Vec<&str> = lines
        .next()
        .map_or("", |(_, line)| line)
        .split(',')
        .map(str::trim)
        .collect();
    for (position, name) in header.iter().enumerate() {
        if header.iter().take(position).any(|before| before == name) {
            return Err(format!("line 1: column {name:?} is given twice"));
        }
        if !COLUMNS.contains(name) {
            return Err(format!(
                "line 1: unknown column {name:?}, the columns are {}",
                COLUMNS.join(", ")
            ));
        }
    }
    let mut entries = Vec::new();
    for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let values: Vec<&str> = line.split(',').map(str::trim).collect();
        if values.len() != header.len() {
            return Err(format!(
                "line {number}: {} values for {} columns",
                values.len(),
                header.len()
            ));
        }
        let get = |name: &str| {
            let position = header.iter().position(|column| *column == name);
            position
                .and_then(|i| values.get(i))
                .copied()
                .filter(|value| !value.is_empty())
        };
        let need = |name: &str| get(name).ok_or_else(|| format!("line {number}: no {name}"));
        let integer = |name: &str, value: &str| {
            let problem = format!("line {number}: {name} {value:?} is not a decimal number below 2^32");
            digits::<u32>(value).ok_or(problem)
        };
        entries.push(AccountEntry {
            index: get("index").map(|value| integer("index", value)).transpose()?,
            key: need("key")?.to_owned(),
            balance: Balance::Text(need("balance")?.to_owned()),
            token: integer("token", need("token")?)?,
            owner: need("owner")?.to_owned(),
        });
    }
    Ok(entries)
}

/// Digits only: the standard library would take a sign too.
fn digits<N: FromStr>(text: &str) -> Option<N> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Checks the entries and gives each its index.
pub(super) fn leaves(entries: &[AccountEntry]) -> Result<Vec<(AccountIndex, Leaf)>, CliError> {
    let mut next = Some(0u32);
    let mut leaves = Vec::with_capacity(entries.len());
    for (position, entry) in entries.iter().enumerate() {
        let wrong = |problem: String| {
            CliError::refused(
                format!("account {position} of the file: {problem}"),
                "correct this account",
            )
        };
        let index = entry
            .index
            .or(next)
            .ok_or_else(|| wrong("no index is left".to_owned()))?;
        if index >= FIRST_ROOT_CHAIN_LEAF {
            return Err(wrong(format!(
                "index {index} is at or above 2^31, where only the root chain opens accounts"
            )));
        }
        next = index.checked_add(1);
        let leaf = leaf(entry).map_err(wrong)?;
        leaves.push((AccountIndex(index), leaf));
    }
    Ok(leaves)
}

fn leaf(entry: &AccountEntry) -> Result<Leaf, String> {
    let key = parse_public_key(&entry.key)?;
    let balance = match &entry.balance {
        Balance::Number(number) => u128::from(*number),
        Balance::Text(text) => {
            digits(text).ok_or_else(|| format!("balance {text:?} is not a decimal number below 2^128"))?
        }
    };
    let owner: [u8; 20] = parse_hex(&entry.owner)
        .ok_or_else(|| format!("owner {:?} is not 0x and 40 hex digits", entry.owner))?;
    Leaf::new(key, balance, 0, entry.token, RootAddress(owner)).map_err(|error| error.to_string())
}

/// Reads a public key as [`super::keygen::public_key_hex`] writes it, and checks it.
pub(super) fn parse_public_key(text: &str) -> Result<PublicKey, String> {
    let bytes: [u8; 64] =
        parse_hex(text).ok_or_else(|| "key is not 0x and 128 hex digits (x, then y)".to_owned())?;
    let coordinate = |name: char, bytes: &[u8]| {
        <&[u8; 32]>::try_from(bytes)
            .ok()
            .and_then(fr_from_bytes_be)
            .ok_or_else(|| format!("{name} of the key is at or above the field's order"))
    };
    let (x, y) = bytes.split_at(32);
    let point = Point::new(coordinate('x', x)?, coordinate('y', y)?);
    PublicKey::new(point).map_err(|error| error.to_string())
}
