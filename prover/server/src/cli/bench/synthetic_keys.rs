//! Keys of synthetic circuits: in a directory that is kept, or in one that is removed at the end. Never for production, and
//! never where the service looks for keys.

use std::fs::File;
use std::path::{Path, PathBuf};

use quittance_engine::{
    Digest, Engine, Expected, KeyDir, KeyError, LoadedKey, MANIFEST_FILE, Manifest, R1cs, setup_development,
    synthetic,
};
use quittance_verifier::{DevelopmentKeys, Shape};
use tempfile::TempDir;

use super::super::interrupt::Removal;
use super::super::output::note;
use super::super::{CliError, error};

/// Always the same circuit.
pub(super) const SEED: u64 = 1;

/// The keys carry a shape; a synthetic circuit has none. No shipped shape has this one.
pub(super) const SHAPE: Shape = Shape::transfers_only(1, 1, 1);

/// A directory of keys.
pub(super) struct SyntheticKeys {
    path: PathBuf,
    /// Removed with this value, or by a signal.
    _temporary: Option<(TempDir, Removal)>,
}

impl SyntheticKeys {
    /// The directory that was named, or a new one that lasts as long as this value.
    pub(super) fn new(named: Option<&Path>) -> Result<Self, CliError> {
        if let Some(path) = named {
            return Ok(Self {
                path: path.to_owned(),
                _temporary: None,
            });
        }
        let temporary = tempfile::Builder::new()
            .prefix("quittance-bench-")
            .tempdir()
            .map_err(|error| CliError::file("make a directory in", &std::env::temp_dir(), &error))?;
        let removal = Removal::of_directory(temporary.path());
        Ok(Self {
            path: temporary.path().to_owned(),
            _temporary: Some((temporary, removal)),
        })
    }

    /// The directory.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The key of one size.
    fn key(&self, log2: u32) -> PathBuf {
        self.path.join(format!("synthetic-{log2}"))
    }

    /// Makes the key of a circuit if there is none.
    pub(super) fn ensure(&self, engine: &Engine, log2: u32, r1cs: &R1cs) -> Result<(), CliError> {
        let path = self.key(log2);
        if path.exists() {
            return Ok(());
        }
        std::fs::create_dir_all(&self.path)
            .map_err(|error| CliError::file("write keys to", &self.path, &error))?;
        note(format_args!(
            "2^{log2}: making a key, which takes about as long as ten proofs"
        ));
        let key = engine
            .install(|| setup_development(r1cs, SHAPE, &|_| ()))
            .map_err(|error| {
                CliError::refused(
                    format!("no key for 2^{log2} rows: {}", error::chain(&error)),
                    "check the machine's memory, or choose smaller sizes with --log2",
                )
            })?;
        let _unfinished = Removal::of_keys_in(&self.path);
        engine
            .install(|| KeyDir::create(&path, &key))
            .map_err(|error| refused(&path, &error))?;
        Ok(())
    }

    /// Opens the key of a circuit, given by the digest of its matrices.
    pub(super) fn open(&self, engine: &Engine, log2: u32, circuit: &Digest) -> Result<LoadedKey, CliError> {
        let path = self.key(log2);
        let expected = Expected {
            shape: SHAPE,
            matrices: *circuit,
        };
        engine
            .install(|| KeyDir::open(&path, &expected, DevelopmentKeys::Accept))
            .map_err(|error| refused(&path, &error))
    }

    /// The circuit that a key says it is for.
    pub(super) fn circuit(&self, log2: u32) -> Result<Digest, CliError> {
        let file = self.key(log2).join(MANIFEST_FILE);
        let opened = File::open(&file).map_err(|error| CliError::file("read", &file, &error))?;
        let manifest: Manifest = serde_json::from_reader(opened).map_err(|error| {
            CliError::refused(
                format!("{}: {error}", file.display()),
                "remove the directory and run this again",
            )
        })?;
        Ok(manifest.matrices)
    }
}

fn refused(path: &Path, error: &KeyError) -> CliError {
    CliError::refused(
        format!("{}: {}", path.display(), error::chain(error)),
        "remove the directory and run this again; check the disk",
    )
}

/// The circuit of a size with its assignment.
pub(super) fn circuit(log2: u32) -> Result<(R1cs, Vec<ark_bn254::Fr>), CliError> {
    synthetic::circuit(log2, SEED).map_err(|error| {
        CliError::refused(
            format!("no circuit of 2^{log2} rows: {}", error::chain(&error)),
            "choose smaller sizes with --log2",
        )
    })
}
