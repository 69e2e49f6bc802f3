//! Key directories: `<keys>/<shape>/` for each shape, and `<keys>/exit/` for exits.

use std::fs;
use std::path::{Path, PathBuf};

use quittance_engine::{
    CircuitSize, CircuitSizes, Digest, Engine, ExitCircuit, Expected, KeyDir, KeyError, LoadedKey, R1csError,
    Shortage,
};
use quittance_verifier::{DevelopmentKeys, Shape};
use thiserror::Error;

use crate::circuit_facts::{self, CircuitFacts};
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
    /// There is no key for a circuit.
    #[error("no key for shape {shape} in {}", path.display())]
    NoKey {
        /// The directory of all keys.
        path: PathBuf,
        /// Name of the shape, or of the exit circuit.
        shape: String,
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
    #[error("a proof of shape {shape} finds too little memory")]
    Memory {
        /// Name of the shape, or of the exit circuit.
        shape: String,
        /// What it needs, and what there is.
        #[source]
        shortage: Shortage,
    },
    /// A key is not what it should be.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The circuit cannot be built.
    #[error("circuit of shape {shape} cannot be built")]
    Circuit {
        /// Name of the shape, or of the exit circuit.
        shape: String,
        /// What the engine said.
        #[source]
        source: R1csError,
    },
}

/// The directory of one circuit's key.
#[must_use]
pub fn directory<S: CircuitSizes>(keys: &Path, circuit: &S) -> PathBuf {
    keys.join(circuit.name())
}

/// Whether there is something where the key of a circuit belongs; an empty directory is nothing.
#[must_use]
pub fn is_there<S: CircuitSizes>(keys: &Path, circuit: &S) -> bool {
    let path = directory(keys, circuit);
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
    there(keys, shape)?;
    let facts = CircuitFacts::of(shape).map_err(|source| KeysError::Circuit {
        shape: shape.name(),
        source,
    })?;
    let key = open_sized(engine, keys, shape, &facts.size(), facts.matrices, policy)?;
    Ok((key, facts))
}

/// As [`open`], for exits. The circuit is small: it is built to be compared.
pub fn open_exit(
    engine: &Engine,
    keys: &Path,
    circuit: &ExitCircuit,
    policy: DevelopmentKeys,
) -> Result<LoadedKey<ExitCircuit>, KeysError> {
    there(keys, circuit)?;
    let r1cs = circuit_facts::exit_matrices(circuit).map_err(|source| KeysError::Circuit {
        shape: circuit.name(),
        source,
    })?;
    open_sized(
        engine,
        keys,
        circuit,
        &CircuitSize::from(&r1cs),
        r1cs.digest(),
        policy,
    )
}

fn there<S: CircuitSizes>(keys: &Path, circuit: &S) -> Result<(), KeysError> {
    if is_there(keys, circuit) {
        return Ok(());
    }
    Err(KeysError::NoKey {
        path: keys.to_owned(),
        shape: circuit.name(),
    })
}

fn open_sized<S: CircuitSizes>(
    engine: &Engine,
    keys: &Path,
    circuit: &S,
    size: &CircuitSize,
    matrices: Digest,
    policy: DevelopmentKeys,
) -> Result<LoadedKey<S>, KeysError> {
    // Before gigabytes are read that could not be used.
    engine.check_memory(size).map_err(|shortage| KeysError::Memory {
        shape: circuit.name(),
        shortage,
    })?;
    let expected = Expected {
        shape: *circuit,
        matrices,
    };
    Ok(engine.install(|| KeyDir::open(directory(keys, circuit), &expected, policy))?)
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
