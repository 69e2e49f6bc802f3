//! Configuration that can be used.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use ark_bn254::Fr;
use quittance_circuits::float::FloatFee;
use quittance_verifier::Shape;

use super::raw::RawFees;
use super::{ConfigError, RawConfig};
use crate::encoding::{fr_from_bytes_be, parse_hex};

/// A configuration whose values have been checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which rollup this is.
    pub rollup: RollupConfig,
    /// The gRPC service.
    pub service: ServiceConfig,
    /// Directory of the store.
    pub store_directory: PathBuf,
    /// Idempotency keys that the store remembers: the newest ones.
    pub idempotency_keys: NonZeroU64,
    /// Proving keys.
    pub keys: KeysConfig,
    /// The prover.
    pub proving: ProvingConfig,
    /// How operations that were submitted singly become batches.
    pub batching: BatchingConfig,
    /// Fees.
    pub fees: FeesConfig,
    /// Logs.
    pub log: LogConfig,
}

/// Which rollup this is.
#[derive(Clone, Debug)]
pub struct RollupConfig {
    /// Rollup id, 32 bytes big-endian, below 2^248.
    pub rollup_id: [u8; 32],
    /// Levels of the state tree, 1 to 16.
    pub levels: u8,
    /// State root with which the store has to have begun, if it is pinned.
    pub genesis_root: Option<Fr>,
}

/// The gRPC service.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Longest time for one request, streams excepted.
    pub request_timeout: Duration,
    /// Largest message that is read, in bytes; `None`: by the largest shape.
    pub max_message_bytes: Option<usize>,
    /// Most entries in one page.
    pub max_page_size: NonZeroU32,
    /// Most connections at one time, 1 to 4096.
    pub max_connections: NonZeroUsize,
    /// Most requests at work on one connection.
    pub max_requests_per_connection: NonZeroUsize,
    /// Most WatchBatch and WatchOperation streams at one time.
    pub max_watch_streams: usize,
    /// Most operations of one SubmitOperations stream.
    pub max_stream_operations: NonZeroU32,
    /// How long the service may take to end.
    pub drain_timeout: Duration,
}

/// Proving keys.
#[derive(Clone, Debug)]
pub struct KeysConfig {
    /// Directory with one key directory for each shape.
    pub directory: PathBuf,
    /// Shapes to load; empty: every one in the directory.
    pub shapes: Vec<Shape>,
    /// Whether development keys are accepted.
    pub allow_development_keys: bool,
}

/// The prover.
#[derive(Clone, Debug)]
pub struct ProvingConfig {
    /// Threads, 1 to 256; `None`: one for each core.
    pub threads: Option<NonZeroUsize>,
    /// Most memory that the process may come to hold for a proof, in bytes; `None`: what the system allows.
    pub max_memory_bytes: Option<NonZeroU64>,
    /// Most executed batches that wait for their proof.
    pub max_unproved_batches: NonZeroU32,
    /// How often a proof is begun before its batch is failed.
    pub max_attempts: NonZeroU32,
}

/// How operations that were submitted singly become batches.
#[derive(Clone, Debug)]
pub struct BatchingConfig {
    /// A batch is made as soon as so many operations wait; `None`: the slots of the largest shape.
    pub max_operations: Option<NonZeroU32>,
    /// Or as soon as the oldest has waited so long.
    pub max_delay: Duration,
    /// Most operations that wait.
    pub max_queued: NonZeroU64,
}

/// Fees. Whether the leaves are accounts of their tokens shows when a state is there ([`crate::policy::Policy`]).
#[derive(Clone, Debug, Default)]
pub struct FeesConfig {
    /// Leaf that takes the fees of its own token, without a minimum.
    pub leaf: Option<u32>,
    /// Tokens whose fees are taken, each once.
    pub tokens: Vec<TokenFees>,
}

/// Fees of one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenFees {
    /// The token.
    pub token: u32,
    /// Leaf that takes its fees, where a batch names no fee slot.
    pub leaf: u32,
    /// Least fee of a transfer, in the token's smallest unit.
    pub minimum: u128,
}

/// Logs, on stderr.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// Directives of `tracing_subscriber`'s `EnvFilter`.
    pub filter: String,
    /// Form of a line.
    pub format: LogFormat,
}

/// Form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// Checks raw values; the error names the first key that cannot be used.
    pub fn check(raw: RawConfig) -> Result<Self, ConfigError> {
        let contract: [u8; 20] = parse_hex(&raw.rollup.contract).ok_or_else(|| {
            wrong(
                "rollup.contract",
                &raw.rollup.contract,
                "wants 20 bytes as 0x and 40 hex digits",
            )
        })?;
        if !(1..=16).contains(&raw.rollup.levels) {
            return Err(wrong("rollup.levels", raw.rollup.levels, "wants 1 to 16"));
        }
        if raw.rollup.levels < Shape::PRODUCTION_LEVELS && !raw.keys.allow_development_keys {
            return Err(wrong(
                "rollup.levels",
                raw.rollup.levels,
                "wants 16 unless keys.allow_development_keys is true",
            ));
        }
        let genesis_root = raw
            .rollup
            .genesis_root
            .map(|text| {
                parse_hex(&text)
                    .and_then(|bytes| fr_from_bytes_be(&bytes))
                    .ok_or_else(|| {
                        wrong(
                            "rollup.genesis_root",
                            text,
                            "wants a field element as 0x and 64 hex digits",
                        )
                    })
            })
            .transpose()?;
        let listen = raw.service.listen.parse().map_err(|_| {
            wrong(
                "service.listen",
                &raw.service.listen,
                "wants ADDRESS:PORT such as 127.0.0.1:50051",
            )
        })?;
        let shapes = raw
            .keys
            .shapes
            .iter()
            .map(|name| {
                Shape::parse_name(name).map_err(|_| wrong("keys.shapes", name, "wants names such as t2f1"))
            })
            .collect::<Result<_, _>>()?;
        let format = match raw.log.format.as_str() {
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            other => return Err(wrong("log.format", other, "wants text or json")),
        };
        Ok(Self {
            rollup: RollupConfig {
                rollup_id: quittance_verifier::rollup_id(raw.rollup.chain_id, contract),
                levels: raw.rollup.levels,
                genesis_root,
            },
            service: ServiceConfig {
                listen,
                request_timeout: milliseconds("service.request_timeout_ms", raw.service.request_timeout_ms)?,
                max_message_bytes: raw
                    .service
                    .max_message_bytes
                    .map(|bytes| {
                        if (MIN_MESSAGE_BYTES..=MAX_MESSAGE_BYTES).contains(&bytes) {
                            Ok(bytes)
                        } else {
                            Err(wrong(
                                "service.max_message_bytes",
                                bytes,
                                "wants 4096 to 1073741824",
                            ))
                        }
                    })
                    .transpose()?,
                max_page_size: nonzero_u32("service.max_page_size", raw.service.max_page_size)?,
                max_connections: small_usize("service.max_connections", raw.service.max_connections)?,
                max_requests_per_connection: small_usize(
                    "service.max_requests_per_connection",
                    raw.service.max_requests_per_connection,
                )?,
                max_watch_streams: raw.service.max_watch_streams,
                max_stream_operations: nonzero_u32(
                    "service.max_stream_operations",
                    raw.service.max_stream_operations,
                )?,
                drain_timeout: milliseconds("service.drain_timeout_ms", raw.service.drain_timeout_ms)?,
            },
            store_directory: raw.store.directory,
            idempotency_keys: nonzero_u64("store.idempotency_keys", raw.store.idempotency_keys)?,
            keys: KeysConfig {
                directory: raw.keys.directory,
                shapes,
                allow_development_keys: raw.keys.allow_development_keys,
            },
            proving: ProvingConfig {
                threads: raw.proving.threads.map(threads).transpose()?,
                max_memory_bytes: raw
                    .proving
                    .max_memory_bytes
                    .map(|bytes| nonzero_u64("proving.max_memory_bytes", bytes))
                    .transpose()?,
                max_unproved_batches: nonzero_u32(
                    "proving.max_unproved_batches",
                    raw.proving.max_unproved_batches,
                )?,
                max_attempts: nonzero_u32("proving.max_attempts", raw.proving.max_attempts)?,
            },
            batching: BatchingConfig {
                max_operations: raw
                    .batching
                    .max_operations
                    .map(|count| nonzero_u32("batching.max_operations", count))
                    .transpose()?,
                max_delay: milliseconds("batching.max_delay_ms", raw.batching.max_delay_ms)?,
                max_queued: nonzero_u64("batching.max_queued", raw.batching.max_queued)?,
            },
            fees: fees(&raw.fees)?,
            log: LogConfig {
                filter: raw.log.filter,
                format,
            },
        })
    }
}

/// Below this even a request for one account would not pass.
const MIN_MESSAGE_BYTES: usize = 4 << 10;
/// One connection may make the service hold this much.
const MAX_MESSAGE_BYTES: usize = 1 << 30;

fn wrong(key: &'static str, value: impl ToString, problem: &'static str) -> ConfigError {
    ConfigError::Value {
        key,
        value: value.to_string(),
        problem,
    }
}

fn fees(raw: &RawFees) -> Result<FeesConfig, ConfigError> {
    let mut tokens: Vec<TokenFees> = Vec::with_capacity(raw.tokens.len());
    for entry in &raw.tokens {
        if tokens.iter().any(|earlier| earlier.token == entry.token) {
            return Err(wrong("fees.tokens.token", entry.token, "wants each token once"));
        }
        let digits = !entry.minimum.is_empty() && entry.minimum.bytes().all(|byte| byte.is_ascii_digit());
        let minimum: Option<u128> = digits.then(|| entry.minimum.parse().ok()).flatten();
        let key = "fees.tokens.minimum";
        let minimum = minimum.ok_or_else(|| {
            wrong(
                key,
                &entry.minimum,
                "wants decimal digits of a number below 2^128",
            )
        })?;
        // A value between two fees is a bound like any other; above the last one, nothing would ever be accepted.
        let largest = FloatFee::new(u16::MAX).amount();
        if minimum > largest {
            return Err(ConfigError::FeeTooLarge {
                key,
                token: entry.token,
                value: minimum,
                largest,
            });
        }
        tokens.push(TokenFees {
            token: entry.token,
            leaf: entry.leaf,
            minimum,
        });
    }
    Ok(FeesConfig {
        leaf: raw.leaf,
        tokens,
    })
}

fn milliseconds(key: &'static str, value: u64) -> Result<Duration, ConfigError> {
    // A day bounds every timer and keeps later arithmetic from overflowing.
    if (1..=86_400_000).contains(&value) {
        Ok(Duration::from_millis(value))
    } else {
        Err(wrong(key, value, "wants 1 to 86400000 milliseconds"))
    }
}

fn nonzero_u32(key: &'static str, value: u32) -> Result<NonZeroU32, ConfigError> {
    NonZeroU32::new(value).ok_or_else(|| wrong(key, value, "wants at least 1"))
}

fn nonzero_u64(key: &'static str, value: u64) -> Result<NonZeroU64, ConfigError> {
    NonZeroU64::new(value).ok_or_else(|| wrong(key, value, "wants at least 1"))
}

/// Most threads of a prover: more than the largest machines have cores make nothing faster, and thousands keep a command
/// from starting.
pub const MOST_THREADS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(255);

fn threads(value: usize) -> Result<NonZeroUsize, ConfigError> {
    NonZeroUsize::new(value)
        .filter(|value| *value <= MOST_THREADS)
        .ok_or_else(|| wrong("proving.threads", value, "wants 1 to 256"))
}

/// What each one of them costs bounds how many there can be.
fn small_usize(key: &'static str, value: usize) -> Result<NonZeroUsize, ConfigError> {
    NonZeroUsize::new(value)
        .filter(|value| value.get() <= 4096)
        .ok_or_else(|| wrong(key, value, "wants 1 to 4096"))
}
