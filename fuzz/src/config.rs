//! The configuration: one TOML file, read and checked as the service does.

use std::path::PathBuf;
use std::sync::LazyLock;

use quittance::config::{self, Config, ConfigError, Overrides};
use quittance_circuits::float::FloatFee;
use quittance_verifier::Shape;

use crate::memory::Budget;

/// The library behind it makes a tree of the defaults, one of the file, and one of both.
const BUDGET: Budget = Budget {
    base: 1 << 18,
    for_each: 512,
};

/// Under the temporary directory, which `scripts/fuzz.sh` makes and removes.
static FILE: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("quittance-fuzz-{}.toml", std::process::id())));

/// An accepted file gives values in their ranges; a refused one gives an error that can be printed.
pub fn check(data: &[u8]) {
    std::fs::write(&*FILE, data).expect("the temporary directory takes a file");
    match BUDGET.within(data.len(), || config::load(Some(&FILE), &Overrides::default())) {
        Ok(config) => in_range(&config),
        Err(error) => {
            assert!(
                matches!(
                    error,
                    ConfigError::Malformed { .. }
                        | ConfigError::Value { .. }
                        | ConfigError::FeeTooLarge { .. }
                ),
                "{error:?}"
            );
            assert!(!error.to_string().is_empty());
        }
    }
}

fn in_range(config: &Config) {
    assert_eq!(config.rollup.rollup_id[0], 0);
    assert!((1..=16).contains(&config.rollup.levels));
    assert!(config.rollup.levels == Shape::PRODUCTION_LEVELS || config.keys.allow_development_keys);
    assert!(config.keys.shapes.iter().all(|shape| shape.validate().is_ok()));
    for time in [config.service.request_timeout, config.service.drain_timeout] {
        assert!((1..=86_400_000).contains(&time.as_millis()));
    }
    let tokens: Vec<u32> = config.fees.tokens.iter().map(|entry| entry.token).collect();
    assert!(
        (1..tokens.len()).all(|i| !tokens[..i].contains(&tokens[i])),
        "{tokens:?}"
    );
    let largest = FloatFee::new(u16::MAX).amount();
    assert!(config.fees.tokens.iter().all(|entry| entry.minimum <= largest));
    assert!(
        config
            .service
            .max_message_bytes
            .is_none_or(|bytes| (4 << 10..=1 << 30).contains(&bytes))
    );
}

/// A valid input: the files that the service's own tests read.
pub fn seed(number: usize, _: &mut arbitrary::Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    let files = [
        include_str!("../../prover/server/tests/config/good.toml"),
        include_str!("../../prover/server/tests/config/small_tree.toml"),
    ];
    Ok(files[number % files.len()].as_bytes().to_vec())
}
