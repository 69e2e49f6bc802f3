//! Key directories: `<keys>/<shape>/` for each shape.

use std::fs;
use std::path::{Path, PathBuf};

use quittance_engine::{Engine, Expected, KeyDir, KeyError, LoadedKey, R1csError, Shortage};
use quittance_verifier::{DevelopmentKeys, Shape};
use thiserror::Error;

use crate::circuit_facts::CircuitFacts;
use crate::config::KeysConfig;

/// Why keys were not loaded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The directory cannot be read.
    #[error("key directory {} cannot be read", path.display())]
    Unreadable {
        /// The directory.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The directory has no key for the tree's levels.
    #[error("no key for a tree of {levels} levels in {}", path.display())]
    None {
        /// The directory.
        path: PathBuf,
        /// Levels of the tree.
        levels: u8,
    },
    /// There is no key for a shape.
    #[error("no key for shape {} in {}", .shape.name(), path.display())]
    NoKey {
        /// The directory of all keys.
        path: PathBuf,
        /// The shape.
        shape: Shape,
    },
    /// A shape that was asked for is not for the tree.
    #[error("shape {} is for a tree of {} levels, the rollup's has {levels}", .shape.name(), .shape.levels)]
    OtherLevels {
        /// The shape.
        shape: Shape,
        /// Levels of the tree.
        levels: u8,
    },
    /// A process with this key could not make a proof.
    #[error("a proof of shape {} finds too little memory", .shape.name())]
    Memory {
        /// The shape.
        shape: Shape,
        /// What it needs, and what there is.
        #[source]
        shortage: Shortage,
    },
    /// A key is not what it should be.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The circuit of the shape cannot be built.
    #[error("circuit of shape {} cannot be built", .shape.name())]
    Circuit {
        /// The shape.
        shape: Shape,
        /// What the engine said.
        #[source]
        source: R1csError,
    },
}

/// The directory of one shape's key.
#[must_use]
pub fn directory(keys: &Path, shape: &Shape) -> PathBuf {
    keys.join(shape.name())
}

/// Whether there is something where the key of a shape belongs; an empty directory is nothing.
#[must_use]
pub fn is_there(keys: &Path, shape: &Shape) -> bool {
    let path = directory(keys, shape);
    match fs::read_dir(&path) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => path.symlink_metadata().is_ok(),
    }
}

/// Opens one key, checks everything about it and that there is memory to prove with it, and gives the facts of its circuit.
pub fn open(
    engine: &Engine,
    keys: &Path,
    shape: &Shape,
    policy: DevelopmentKeys,
) -> Result<(LoadedKey, CircuitFacts), KeysError> {
    if !is_there(keys, shape) {
        return Err(KeysError::NoKey {
            path: keys.to_owned(),
            shape: *shape,
        });
    }
    let facts = CircuitFacts::of(shape).map_err(|source| KeysError::Circuit {
        shape: *shape,
        source,
    })?;
    // Before gigabytes are read that could not be used.
    engine
        .check_memory(&facts.size())
        .map_err(|shortage| KeysError::Memory {
            shape: *shape,
            shortage,
        })?;
    let expected = Expected {
        shape: *shape,
        matrices: facts.matrices,
    };
    let key = engine.install(|| KeyDir::open(directory(keys, shape), &expected, policy))?;
    Ok((key, facts))
}

/// Opens the configured keys for a tree of these levels: those asked for, or all in the directory.
pub fn open_all(
    engine: &Engine,
    config: &KeysConfig,
    levels: u8,
) -> Result<Vec<(LoadedKey, CircuitFacts)>, KeysError> {
    let policy = policy(config);
    let shapes = if config.shapes.is_empty() {
        found(&config.directory, levels)?
    } else {
        config.shapes.clone()
    };
    if let Some(shape) = shapes.iter().find(|shape| shape.levels != levels) {
        return Err(KeysError::OtherLevels {
            shape: *shape,
            levels,
        });
    }
    shapes
        .iter()
        .map(|shape| {
            tracing::info!(shape = shape.name(), "loading key");
            open(engine, &config.directory, shape, policy)
        })
        .collect()
}

/// Whether development keys are accepted, as the verifier's policy.
#[must_use]
pub const fn policy(config: &KeysConfig) -> DevelopmentKeys {
    if config.allow_development_keys {
        DevelopmentKeys::Accept
    } else {
        DevelopmentKeys::Refuse
    }
}

/// Shapes of these levels that have a directory.
fn found(directory: &Path, levels: u8) -> Result<Vec<Shape>, KeysError> {
    let unreadable = |source: std::io::Error| KeysError::Unreadable {
        path: directory.to_owned(),
        source,
    };
    let mut shapes = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        // Directories of other names, among them unfinished ones, are none of ours.
        if let Some(Ok(shape)) = name.to_str().map(Shape::parse_name)
            && shape.levels == levels
        {
            shapes.push(shape);
        }
    }
    if shapes.is_empty() {
        return Err(KeysError::None {
            path: directory.to_owned(),
            levels,
        });
    }
    shapes.sort_unstable();
    Ok(shapes)
}
