//! Configuration as it is written.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use figment::error::Kind;
use figment::providers::{Env, Format, Serialized, Toml};
use figment::{Figment, Source};
use serde::{Deserialize, Serialize};

use super::{CONFIG_FILE_VARIABLE, ConfigError};
use quittance_engine::Backend;

/// All keys of the configuration file, unchecked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConfig {
    /// `[rollup]`: which rollup this is.
    pub rollup: RawRollup,
    /// `[service]`: the gRPC service.
    pub service: RawService,
    /// `[store]`: where the state is kept.
    pub store: RawStore,
    /// `[keys]`: proving keys.
    pub keys: RawKeys,
    /// `[proving]`: the prover.
    pub proving: RawProving,
    /// `[batching]`: how operations that were submitted singly become batches.
    pub batching: RawBatching,
    /// `[fees]`: fees.
    pub fees: RawFees,
    /// `[log]`: logs, on stderr.
    pub log: RawLog,
}

/// Section `[rollup]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRollup {
    /// Chain id of the root chain; 0 without one.
    pub chain_id: u64,
    /// Address of the root contract, 20 bytes as 0x hex; zero without one.
    pub contract: String,
    /// Levels of the state tree, 1 to 16. Fewer than 16 need `keys.allow_development_keys`.
    pub levels: u8,
    /// If set, the store has to have begun with this state root, 32 bytes as 0x hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub genesis_root: Option<String>,
}

/// Section `[service]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawService {
    /// Address and port to listen on; port 0 takes a free one.
    pub listen: String,
    /// Longest time for one request, streams excepted, in milliseconds.
    pub request_timeout_ms: u64,
    /// Largest message that is read, in bytes. Unset: what the largest loaded shape needs and 64 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_message_bytes: Option<usize>,
    /// Most entries in one page of a list.
    pub max_page_size: u32,
    /// Most connections at one time; the least used one leaves for a new one.
    pub max_connections: usize,
    /// Most requests at work on one connection.
    pub max_requests_per_connection: usize,
    /// Most WatchBatch and WatchOperation streams at one time.
    pub max_watch_streams: usize,
    /// Most operations of one SubmitOperations stream.
    pub max_stream_operations: u32,
    /// How long requests and a proof at work may take to end after SIGTERM, in milliseconds.
    pub drain_timeout_ms: u64,
}

/// Section `[store]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawStore {
    /// Directory of the store.
    pub directory: PathBuf,
    /// Idempotency keys that are remembered: the newest ones.
    pub idempotency_keys: u64,
}

/// Section `[keys]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawKeys {
    /// Directory with one key directory for each shape.
    pub directory: PathBuf,
    /// Names of the shapes to load; empty: every one in the directory.
    pub shapes: Vec<String>,
    /// Whether keys that were made on one machine, and trees of fewer than 16 levels, are accepted. Never in production.
    pub allow_development_keys: bool,
}

/// Section `[proving]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawProving {
    /// Threads of the prover; unset: one for each core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// Most memory that the process may come to hold for a proof, in bytes; a circuit that needs more is refused. Unset: what the system
    /// and its control groups allow, which bounds it in any case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_memory_bytes: Option<u64>,
    /// Most executed batches that wait for their proof; no further one is made, and a submitted one is refused.
    pub max_unproved_batches: u32,
    /// How often a proof is begun before its batch is FAILED. An attempt counts also where the process was killed.
    pub max_attempts: u32,
}

/// Section `[batching]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawBatching {
    /// A batch is made as soon as so many operations wait; unset: the slots of the largest loaded shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_operations: Option<u32>,
    /// Or as soon as the oldest has waited so long, in milliseconds.
    pub max_delay_ms: u64,
    /// Most operations that wait; a further one is refused.
    pub max_queued: u64,
}

/// Section `[fees]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawFees {
    /// Short for one entry of `tokens`: this leaf takes the fees of its own token, without a minimum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaf: Option<u32>,
    /// Tokens whose fees are taken.
    pub tokens: Vec<RawTokenFees>,
}

/// One `[[fees.tokens]]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawTokenFees {
    /// The token.
    pub token: u32,
    /// Leaf that takes its fees, where a batch names no fee slot.
    pub leaf: u32,
    /// Least fee of a transfer in the token's smallest unit: decimal digits of a number that a fee
    /// can reach, 2047·10^31 at most.
    #[serde(default = "no_minimum")]
    pub minimum: String,
}

fn no_minimum() -> String {
    "0".to_owned()
}

/// Section `[log]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawLog {
    /// What is logged, such as `info` or `info,quittance=debug`.
    pub filter: String,
    /// `text` or `json`.
    pub format: String,
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            rollup: RawRollup {
                chain_id: 0,
                contract: format!("0x{}", "0".repeat(40)),
                levels: 16,
                genesis_root: None,
            },
            service: RawService {
                listen: "127.0.0.1:50051".to_owned(),
                request_timeout_ms: 30_000,
                max_message_bytes: None,
                max_page_size: 1_000,
                // Together, 4096 requests can have unread bytes.
                max_connections: 256,
                max_requests_per_connection: 16,
                max_watch_streams: 256,
                max_stream_operations: 10_000,
                drain_timeout_ms: 10_000,
            },
            store: RawStore {
                directory: PathBuf::from("quittance-data"),
                idempotency_keys: 1_000_000,
            },
            keys: RawKeys {
                directory: PathBuf::from("quittance-keys"),
                shapes: Vec::new(),
                allow_development_keys: false,
            },
            proving: RawProving {
                threads: None,
                max_memory_bytes: None,
                max_unproved_batches: 64,
                // A process killed while it proves counts: more than happen by accident, few enough for a batch that kills it.
                max_attempts: 10,
            },
            batching: RawBatching {
                max_operations: None,
                max_delay_ms: 1_000,
                max_queued: 10_000,
            },
            fees: RawFees {
                leaf: None,
                tokens: Vec::new(),
            },
            log: RawLog {
                filter: "info".to_owned(),
                format: "text".to_owned(),
            },
        }
    }
}

/// Flags of the command line that overrule the other sources; unset ones change nothing.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Overrides {
    /// Overrules `[rollup]`.
    pub rollup: RollupOverrides,
    /// Overrules `[service]`.
    pub service: ServiceOverrides,
    /// Overrules `[store]`.
    pub store: DirectoryOverride,
    /// Overrules `[keys]`.
    pub keys: KeysOverrides,
    /// Overrules `[proving]`.
    pub proving: ProvingOverrides,
    /// Overrules `[fees]`.
    pub fees: FeesOverrides,
    /// Overrules `[log]`.
    pub log: LogOverrides,
}

/// Flags over `[rollup]`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RollupOverrides {
    /// Overrules `rollup.levels`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub levels: Option<u8>,
}

/// Flags over `[service]`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ServiceOverrides {
    /// Overrules `service.listen`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
}

/// Flags over `[store]`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DirectoryOverride {
    /// Overrules `store.directory`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<PathBuf>,
}

/// Flags over `[keys]`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct KeysOverrides {
    /// Overrules `keys.directory`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<PathBuf>,
    /// Overrules `keys.shapes`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shapes: Vec<String>,
    /// Overrules `keys.allow_development_keys`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_development_keys: Option<bool>,
}

/// Flags over `[proving]`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ProvingOverrides {
    /// Overrules `proving.threads`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// Overrules `proving.max_memory_bytes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_memory_bytes: Option<u64>,
}

/// Flags over `[fees]`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FeesOverrides {
    /// Overrules `fees.leaf`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaf: Option<u32>,
}

/// Flags over `[log]`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LogOverrides {
    /// Overrules `log.filter`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Overrules `log.format`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

impl RawConfig {
    /// The built-in defaults as a source to which others are added.
    pub(super) fn defaults() -> Figment {
        Figment::from(Serialized::defaults(Self::default()))
    }

    /// Reads all sources. A given file has to be there; without one only environment and flags count.
    pub fn read(file: Option<&Path>, flags: &Overrides) -> Result<Self, ConfigError> {
        let mut sources = Self::defaults();
        if let Some(path) = file {
            // figment takes a file that is not there for an empty one, and a directory for no TOML.
            readable(path).map_err(|source| ConfigError::Unreadable {
                path: path.to_owned(),
                source,
            })?;
            sources = sources.merge(Toml::file_exact(path));
        }
        // The name of the file itself, the address that clients use, and the engine's instructions are no keys.
        let [own, backend] =
            [CONFIG_FILE_VARIABLE, Backend::VARIABLE].map(|name| name.trim_start_matches("QUITTANCE_"));
        let environment = Env::prefixed("QUITTANCE_").ignore(&[own, "SERVER", backend]);
        let sources = sources.merge(environment.split("__"));
        let all = sources.clone().merge(Serialized::defaults(flags));
        all.extract().map_err(|error| {
            // Flags turn a value that stands where a section belongs into a section with nothing in it: without them,
            // the error names the value and its source.
            let before = sources.extract::<Self>().err();
            let missing = matches!(error.kind, Kind::MissingField(_));
            malformed(before.filter(|_| missing).unwrap_or(error))
        })
    }
}

fn readable(path: &Path) -> io::Result<()> {
    if File::open(path)?.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok(())
}

/// The first problem that figment found, in our words.
pub(super) fn malformed(error: figment::Error) -> ConfigError {
    let origin = match error
        .metadata
        .as_ref()
        .and_then(|metadata| metadata.source.as_ref())
    {
        Some(Source::File(path)) => path.display().to_string(),
        _ => match &error.metadata {
            Some(metadata) if metadata.name.contains("environment") => "environment (QUITTANCE_…)".to_owned(),
            _ => "configuration".to_owned(),
        },
    };
    let (key, problem) = key_and_problem(&error);
    ConfigError::Malformed { origin, key, problem }
}

/// The path of the key that figment complains about, empty if the text is no TOML, and what is wrong with it.
pub(crate) fn key_and_problem(error: &figment::Error) -> (String, String) {
    // The environment's names are upper-case, and figment leaves the name of a profile at the front.
    let mut path: Vec<String> = error.path.iter().map(|part| part.to_lowercase()).collect();
    if path.first().is_some_and(|part| part == "default") {
        path.remove(0);
    }
    let problem = match &error.kind {
        Kind::UnknownField(name, known) => {
            if path.last() != Some(name) {
                path.push(name.clone());
            }
            format!("unknown key; known here: {}", known.join(", "))
        }
        // The parser knows no key, and its own words begin in the same way.
        Kind::Message(text) if path.is_empty() => {
            let text = text.trim_end();
            format!("not TOML: {}", text.strip_prefix("TOML ").unwrap_or(text))
        }
        kind => kind.to_string(),
    };
    (path.join("."), problem)
}
