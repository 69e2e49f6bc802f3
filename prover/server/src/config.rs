//! Configuration in two steps: raw values as they are written ([`RawConfig`]), then checked ones ([`Config`]).
//!
//! Later sources win: built-in defaults, one TOML file, environment variables `QUITTANCE_<SECTION>__<KEY>` (for
//! instance `QUITTANCE_SERVICE__LISTEN=127.0.0.1:50051`), command-line flags. A key that is not known is an error
//! wherever it is written. Keys that hold a quantity end in its unit.

mod checked;
mod raw;

pub use checked::{
    BatchingConfig, Config, FeesConfig, KeysConfig, LogConfig, LogFormat, MOST_THREADS, ProvingConfig,
    RollupConfig, ServiceConfig, TokenFees,
};
pub(crate) use raw::key_and_problem;
pub use raw::{Overrides, RawConfig, RawTokenFees};

use std::path::{Path, PathBuf};

use thiserror::Error;

/// Environment variable that names the configuration file.
pub const CONFIG_FILE_VARIABLE: &str = "QUITTANCE_CONFIG";

/// Why there is no configuration.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The configuration file is not there or cannot be read.
    #[error("configuration file {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// A source has a wrong form, an unknown key or a value of the wrong type.
    #[error("{origin}: {}{problem}", prefix(key))]
    Malformed {
        /// Which source: the file, the environment or the flags.
        origin: String,
        /// Path of the key, such as `service.listen`; empty if the file is no TOML, and not written then.
        key: String,
        /// What is wrong.
        problem: String,
    },
    /// A value has the right type and cannot be used.
    #[error("configuration key {key}: {problem}, got {value}")]
    Value {
        /// Path of the key, such as `rollup.levels`.
        key: &'static str,
        /// The value as written.
        value: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// No transfer can carry the fee that is demanded.
    #[error(
        "configuration key {key} of token {token}: no transfer can carry a fee above {largest}, the largest one that its 16 bits can say, got {value}"
    )]
    FeeTooLarge {
        /// Path of the key.
        key: &'static str,
        /// The token whose minimum fee it is.
        token: u32,
        /// The value as written, in the token's smallest unit.
        value: u128,
        /// The largest fee of a transfer.
        largest: u128,
    },
}

/// The key before what is said about it.
fn prefix(key: &str) -> String {
    if key.is_empty() {
        String::new()
    } else {
        format!("{key}: ")
    }
}

/// Reads the configuration from the given file (if any), the environment and the flags, and checks it.
pub fn load(file: Option<&Path>, flags: &Overrides) -> Result<Config, ConfigError> {
    Config::check(RawConfig::read(file, flags)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(toml: &str) -> Result<Config, ConfigError> {
        use figment::providers::{Format, Toml};
        let raw = RawConfig::defaults()
            .merge(Toml::string(toml))
            .extract::<RawConfig>()
            .map_err(raw::malformed)?;
        Config::check(raw)
    }

    #[test]
    fn nothing_written_means_defaults() {
        let config = check("").unwrap();
        assert_eq!(config.rollup.levels, 16);
        assert_eq!(config.service.listen.port(), 50051);
        assert_eq!(config.rollup.rollup_id, quittance_demo_rollup_id());
    }

    #[test]
    fn fees_are_read_with_their_minimum() {
        // The largest fee that a transfer can carry: 2047·10^31.
        let config = check("[[fees.tokens]]\ntoken = 7\nleaf = 2\nminimum = \"20470000000000000000000000000000000\"\n[[fees.tokens]]\ntoken = 8\nleaf = 3").unwrap();
        let tokens = [(7, 2, 2047 * 10u128.pow(31)), (8, 3, 0)].map(|(token, leaf, minimum)| TokenFees {
            token,
            leaf,
            minimum,
        });
        assert_eq!(config.fees.tokens, tokens);
        assert_eq!(config.batching.max_delay.as_millis(), 1000);
    }

    #[test]
    fn a_minimum_that_no_transfer_can_carry_is_refused() {
        let with = |minimum: u128| {
            check(&format!(
                "[[fees.tokens]]\ntoken = 7\nleaf = 2\nminimum = \"{minimum}\""
            ))
        };
        let limit = 2047 * 10u128.pow(31);
        // One below it is no fee, but a bound like any other.
        for minimum in [limit - 1, limit] {
            assert_eq!(with(minimum).unwrap().fees.tokens[0].minimum, minimum);
        }
        for minimum in [limit + 1, u128::MAX] {
            match with(minimum) {
                Err(ConfigError::FeeTooLarge {
                    key: "fees.tokens.minimum",
                    token: 7,
                    value,
                    largest,
                }) => assert_eq!((value, largest), (minimum, limit)),
                other => panic!("{minimum}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_file_that_is_no_toml_is_said_to_be_none() {
        for (toml, line) in [("[rollup", 1), ("[a]\nb = \"é\n", 2), ("[log]\r\n[log]\r\n", 2)] {
            let text = check(toml).unwrap_err().to_string();
            let expected = format!("configuration: not TOML: parse error at line {line}, ");
            assert!(text.starts_with(&expected) && !text.ends_with('\n'), "{text}");
        }
    }

    fn quittance_demo_rollup_id() -> [u8; 32] {
        quittance_verifier::rollup_id(0, [0; 20])
    }

    #[test]
    fn unknown_keys_and_wrong_units_are_named() {
        for (toml, key, problem) in [
            ("colour = 1", "colour", "unknown key"),
            ("[service]\nlisen = \"\"", "service.lisen", "unknown key"),
            (
                "[service]\nrequest_timeout_s = 3",
                "service.request_timeout_s",
                "unknown key",
            ),
            (
                "[service]\nrequest_timeout_ms = \"3s\"",
                "service.request_timeout_ms",
                "string \"3s\"",
            ),
            ("[rollup]\nlevels = 300", "rollup.levels", "300"),
            (
                "[[fees.tokens]]\ntoken = 1\nleaf = 2\nminimun = \"5\"",
                "fees.tokens.0.minimun",
                "unknown key",
            ),
            (
                "[[fees.tokens]]\ntoken = 1\nleaf = 2\nminimum = 5",
                "fees.tokens.0.minimum",
                "5",
            ),
            ("[rollup", "", "TOML"),
        ] {
            match check(toml) {
                Err(ConfigError::Malformed {
                    key: got,
                    problem: why,
                    ..
                }) => {
                    assert_eq!(got, key, "{toml}");
                    assert!(why.contains(problem), "{toml}: {why}");
                }
                other => panic!("{toml}: {other:?}"),
            }
        }
    }

    #[test]
    fn values_are_checked_with_their_key() {
        for (toml, key) in [
            ("[rollup]\nlevels = 0", "rollup.levels"),
            ("[rollup]\nlevels = 17", "rollup.levels"),
            ("[rollup]\ncontract = \"0x12\"", "rollup.contract"),
            ("[rollup]\ngenesis_root = \"0xzz\"", "rollup.genesis_root"),
            ("[service]\nlisten = \"nowhere\"", "service.listen"),
            ("[service]\nrequest_timeout_ms = 0", "service.request_timeout_ms"),
            ("[service]\nmax_page_size = 0", "service.max_page_size"),
            ("[service]\nmax_connections = 0", "service.max_connections"),
            ("[service]\nmax_connections = 4097", "service.max_connections"),
            (
                "[service]\nmax_requests_per_connection = 4097",
                "service.max_requests_per_connection",
            ),
            ("[proving]\nthreads = 0", "proving.threads"),
            ("[proving]\nthreads = 257", "proving.threads"),
            ("[proving]\nmax_attempts = 0", "proving.max_attempts"),
            ("[proving]\nmax_memory_bytes = 0", "proving.max_memory_bytes"),
            (
                "[proving]\nmax_unproved_batches = 0",
                "proving.max_unproved_batches",
            ),
            ("[keys]\nshapes = [\"t2\"]", "keys.shapes"),
            ("[batching]\nmax_operations = 0", "batching.max_operations"),
            ("[batching]\nmax_delay_ms = 0", "batching.max_delay_ms"),
            ("[batching]\nmax_queued = 0", "batching.max_queued"),
            (
                "[service]\nmax_stream_operations = 0",
                "service.max_stream_operations",
            ),
            ("[store]\nidempotency_keys = 0", "store.idempotency_keys"),
            (
                "[[fees.tokens]]\ntoken = 1\nleaf = 2\n[[fees.tokens]]\ntoken = 1\nleaf = 3",
                "fees.tokens.token",
            ),
            (
                "[[fees.tokens]]\ntoken = 1\nleaf = 2\nminimum = \"1.5\"",
                "fees.tokens.minimum",
            ),
            (
                "[[fees.tokens]]\ntoken = 1\nleaf = 2\nminimum = \"340282366920938463463374607431768211456\"",
                "fees.tokens.minimum",
            ),
            ("[log]\nformat = \"xml\"", "log.format"),
        ] {
            match check(toml) {
                Err(ConfigError::Value { key: got, .. }) => assert_eq!(got, key),
                other => panic!("{toml}: {other:?}"),
            }
        }
    }
}
