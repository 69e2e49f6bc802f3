//! A key directory: `manifest.json`, `proving.key`, `verifying.key`. It appears complete or not at all, and it is
//! believed only as far as its digests, and the circuit of this build, agree with it.

mod error;

pub use self::error::KeyError;

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use quittance_verifier::{DevelopmentKeys, Provenance, Shape, VerifyingKey};

use super::file::Contents;
use super::manifest::{MANIFEST_FORMAT, Manifest, ManifestFile};
use super::sizes::CircuitSizes;
use crate::image::Image;
use crate::{Digest, KeyFileError, ProvingKey};

/// Name of the manifest in a key directory.
pub const MANIFEST_FILE: &str = "manifest.json";
/// Name of the proving key in a key directory.
pub const PROVING_KEY_FILE: &str = "proving.key";
/// Name of the verifying key in a key directory.
pub const VERIFYING_KEY_FILE: &str = "verifying.key";

/// A manifest has about a kilobyte.
const MANIFEST_MAX_BYTES: u64 = 64 * 1024;

/// Access to key directories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDir {
    path: PathBuf,
}

/// What a caller needs a key directory to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected<S = Shape> {
    /// The sizes that fix the circuit.
    pub shape: S,
    /// The digest of the matrices that this build's circuit has for them.
    pub matrices: Digest,
}

/// A key from a directory, checked.
#[derive(Clone, Debug)]
pub struct LoadedKey<S: CircuitSizes = Shape> {
    manifest: Manifest,
    key: ProvingKey<S>,
}

impl KeyDir {
    /// Where the directory is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `key` to the new directory `path`; its parents are made. The files are written to a neighbouring
    /// directory first, flushed to disk, and moved into place together. Runs on the current rayon pool.
    ///
    /// # Errors
    /// [`KeyError::Exists`] if `path` exists and is not an empty directory, or [`KeyError::Io`].
    pub fn create<S: CircuitSizes>(path: impl Into<PathBuf>, key: &ProvingKey<S>) -> Result<Self, KeyError> {
        let path = path.into();
        let occupied = match fs::read_dir(&path) {
            Ok(mut entries) => entries.next().is_some(),
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        };
        if occupied {
            return Err(KeyError::Exists { path });
        }
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(io_error(parent))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let staging = Staging::new(parent.join(format!(".{name}.{}.partial", std::process::id())))?;

        let proving_key = staging.write(PROVING_KEY_FILE, |out| write_all(out, key.as_bytes()))?;
        let verifying_key = staging.write(VERIFYING_KEY_FILE, |out| {
            write_all(out, &S::encode(key.verifying_key()))
        })?;
        let manifest = Manifest::new(key, key.r1cs().digest(), proving_key, verifying_key);
        staging.write(MANIFEST_FILE, |out| write_all(out, &manifest_text(&manifest)?))?;
        staging.publish(&path)?;
        sync_dir(parent)?;
        Ok(Self { path })
    }

    /// Opens the key in `path`. Its files are mapped, not read, and checked against the digests of the manifest; encodings,
    /// matrices and the order of variables are checked, that the parts belong together and to the manifest, the shape and this
    /// build's circuit, and the policy about development keys. Runs on the current rayon pool.
    ///
    /// The points of the lists are what they were when the key was made or imported: the digest says so. For a directory
    /// whose maker did not check them, there is [`import`](Self::import).
    ///
    /// The files must stay as they are while the key is in use: removing or replacing them is harmless, writing to them is not
    /// (`docs/key-file.md`).
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn open<S: CircuitSizes>(
        path: impl Into<PathBuf>,
        expected: &Expected<S>,
        development_keys: DevelopmentKeys,
    ) -> Result<LoadedKey<S>, KeyError> {
        let dir = Self { path: path.into() };
        let shape = expected.shape.name();
        let manifest = dir.read_manifest(&shape)?;
        if manifest.shape != expected.shape.manifest() {
            return Err(KeyError::Shape {
                path: dir.path,
                got: manifest.shape.name,
                expected: shape,
            });
        }
        let verifying_key = dir.read_verifying_key::<S>(&manifest, &shape)?;
        // The policy and the circuit are looked at before gigabytes are read.
        if S::provenance(&verifying_key) == Provenance::Development
            && development_keys == DevelopmentKeys::Refuse
        {
            return Err(KeyError::DevelopmentKey {
                key_id: S::key_id(&verifying_key),
            });
        }
        if manifest.matrices != expected.matrices {
            return Err(KeyError::Circuit {
                got: manifest.matrices,
                expected: expected.matrices,
                shape,
            });
        }
        let key = dir.read_proving_key::<S>(&manifest, &verifying_key, &shape)?;
        if key.verifying_key() != &verifying_key {
            return Err(KeyError::KeysDiffer {
                got: S::key_id(&verifying_key),
                expected: S::key_id(key.verifying_key()),
                shape,
            });
        }
        let actual = Manifest::new(
            &key,
            manifest.matrices,
            manifest.proving_key.clone(),
            manifest.verifying_key.clone(),
        );
        if let Some(field) = manifest.first_difference(&actual) {
            return Err(KeyError::ManifestField { field, shape });
        }
        Ok(LoadedKey { manifest, key })
    }

    /// As [`open`](Self::open), and checks every point: canonical coordinates, on the curve, in the subgroup. Once, for a key
    /// that comes from elsewhere; minutes of CPU for a large one.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn import<S: CircuitSizes>(
        path: impl Into<PathBuf>,
        expected: &Expected<S>,
        development_keys: DevelopmentKeys,
    ) -> Result<LoadedKey<S>, KeyError> {
        let loaded = Self::open(path, expected, development_keys)?;
        loaded.key.check_points().map_err(|source| KeyError::Parts {
            shape: expected.shape.name(),
            source,
        })?;
        Ok(loaded)
    }

    fn read_manifest(&self, shape: &str) -> Result<Manifest, KeyError> {
        let path = self.path.join(MANIFEST_FILE);
        let (file, got) = open_file(&path, shape)?;
        if got > MANIFEST_MAX_BYTES {
            return Err(KeyError::ManifestSize {
                path,
                got,
                max: MANIFEST_MAX_BYTES,
            });
        }
        let mut text = Vec::new();
        file.take(MANIFEST_MAX_BYTES)
            .read_to_end(&mut text)
            .map_err(io_error(&path))?;
        parse_manifest(&text, &path, shape)
    }

    fn read_verifying_key<S: CircuitSizes>(
        &self,
        manifest: &Manifest,
        shape: &str,
    ) -> Result<S::VerifyingKey, KeyError> {
        let path = self.path.join(VERIFYING_KEY_FILE);
        let (file, length) = open_file(&path, shape)?;
        check_length(&path, length, &manifest.verifying_key, shape)?;
        let max = u64::try_from(VerifyingKey::BYTES)
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        let mut bytes = Vec::new();
        file.take(max).read_to_end(&mut bytes).map_err(io_error(&path))?;
        let got = Digest::of(&bytes);
        let expected = manifest.verifying_key.blake3;
        if got != expected {
            let shape = shape.to_owned();
            return Err(KeyError::VerifyingKeyDigest { got, expected, shape });
        }
        S::decode(&bytes).map_err(|source| KeyError::VerifyingKey {
            shape: shape.to_owned(),
            source,
        })
    }

    fn read_proving_key<S: CircuitSizes>(
        &self,
        manifest: &Manifest,
        verifying_key: &S::VerifyingKey,
        shape: &str,
    ) -> Result<ProvingKey<S>, KeyError> {
        let path = self.path.join(PROVING_KEY_FILE);
        let (file, length) = open_file(&path, shape)?;
        check_length(&path, length, &manifest.proving_key, shape)?;
        let malformed = |source| KeyError::ProvingKey {
            shape: shape.to_owned(),
            source,
        };
        let size = usize::try_from(length).map_err(|_| {
            let expected = u64::try_from(isize::MAX).unwrap_or(u64::MAX);
            malformed(KeyFileError::Length {
                got: length,
                expected,
            })
        })?;
        let image = Image::map(&file, size).map_err(io_error(&path))?;
        let got = Digest::of(image.bytes());
        // A file that shrank meanwhile would kill the process at the next touch: the earlier that is said, the better.
        let length = file.metadata().map_err(io_error(&path))?.len();
        check_length(&path, length, &manifest.proving_key, shape)?;
        let expected = manifest.proving_key.blake3;
        if got != expected {
            let shape = shape.to_owned();
            return Err(KeyError::ProvingKeyDigest { got, expected, shape });
        }
        let contents = Contents::read(image).map_err(malformed)?;
        let got = contents.r1cs().digest();
        let expected = manifest.matrices;
        let shape = shape.to_owned();
        if got != expected {
            return Err(KeyError::MatricesDigest { got, expected, shape });
        }
        let (provenance, sizes) = (S::provenance(verifying_key), S::of(verifying_key));
        ProvingKey::from_contents(provenance, sizes, contents)
            .map_err(|source| KeyError::Parts { shape, source })
    }
}

impl<S: CircuitSizes> LoadedKey<S> {
    /// The manifest that the key was checked against.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &ProvingKey<S> {
        &self.key
    }
}

/// So that a loaded key goes wherever a proving key does.
impl<S: CircuitSizes> std::ops::Deref for LoadedKey<S> {
    type Target = ProvingKey<S>;

    fn deref(&self) -> &ProvingKey<S> {
        &self.key
    }
}

/// A directory under construction; removed unless it is published.
struct Staging {
    path: PathBuf,
    published: bool,
}

impl Staging {
    fn new(path: PathBuf) -> Result<Self, KeyError> {
        // Left over from a process that was killed and had the same number.
        if path.exists() {
            fs::remove_dir_all(&path).map_err(io_error(&path))?;
        }
        fs::create_dir(&path).map_err(io_error(&path))?;
        Ok(Self {
            path,
            published: false,
        })
    }

    /// Writes one file and flushes it to disk.
    fn write(
        &self,
        name: &str,
        write: impl FnOnce(&mut dyn Write) -> io::Result<(u64, Digest)>,
    ) -> Result<ManifestFile, KeyError> {
        let path = self.path.join(name);
        let written = (|| {
            let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
            let mut out = BufWriter::with_capacity(1 << 20, file);
            let (bytes, blake3) = write(&mut out)?;
            out.flush()?;
            out.get_ref().sync_all()?;
            Ok(ManifestFile { bytes, blake3 })
        })();
        written.map_err(io_error(&path))
    }

    fn publish(mut self, path: &Path) -> Result<(), KeyError> {
        sync_dir(&self.path)?;
        fs::rename(&self.path, path).map_err(|error| match error.kind() {
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => KeyError::Exists {
                path: path.to_owned(),
            },
            _ => io_error(path)(error),
        })?;
        self.published = true;
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.published {
            // Nothing better can be done about a directory that cannot be removed: its name says what it is.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// The text of a manifest.
pub(crate) fn manifest_text(manifest: &Manifest) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(manifest)?;
    text.push(b'\n');
    Ok(text)
}

/// Reads the text of the manifest at `path`, in the directory of the key for `shape`.
pub(crate) fn parse_manifest(text: &[u8], path: &Path, shape: &str) -> Result<Manifest, KeyError> {
    let syntax = |source| KeyError::ManifestSyntax {
        path: path.to_owned(),
        shape: shape.to_owned(),
        source,
    };
    // The format is read by itself first: other formats have other fields.
    #[derive(serde::Deserialize)]
    struct FormatOnly {
        format: u32,
    }
    let FormatOnly { format } = serde_json::from_slice(text).map_err(syntax)?;
    if format != MANIFEST_FORMAT {
        return Err(KeyError::Format {
            got: format,
            expected: MANIFEST_FORMAT,
            shape: shape.to_owned(),
        });
    }
    let manifest: Manifest = serde_json::from_slice(text).map_err(syntax)?;
    // serde takes an array with the fields in order for an object: a second spelling of the same value.
    let written: serde_json::Value = serde_json::from_slice(text).map_err(syntax)?;
    if serde_json::to_value(&manifest).map_err(syntax)? != written {
        return Err(syntax(serde::de::Error::custom(
            "an array stands where an object belongs",
        )));
    }
    Ok(manifest)
}

fn write_all(out: &mut dyn Write, bytes: &[u8]) -> io::Result<(u64, Digest)> {
    out.write_all(bytes)?;
    Ok((u64::try_from(bytes.len()).unwrap_or(u64::MAX), Digest::of(bytes)))
}

/// Opens a regular file and takes its length.
fn open_file(path: &Path, shape: &str) -> Result<(File, u64), KeyError> {
    // A device or a pipe has no length and may never end; opening a pipe may wait for ever, so the look comes first.
    let opened = fs::metadata(path).and_then(|metadata| {
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok((file, length))
    });
    opened.map_err(|source| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => KeyError::Missing {
            path: path.to_owned(),
            shape: shape.to_owned(),
        },
        _ => io_error(path)(source),
    })
}

fn check_length(path: &Path, got: u64, file: &ManifestFile, shape: &str) -> Result<(), KeyError> {
    if got == file.bytes {
        return Ok(());
    }
    Err(KeyError::FileLength {
        path: path.to_owned(),
        got,
        expected: file.bytes,
        shape: shape.to_owned(),
    })
}

/// Makes a directory's entries durable.
fn sync_dir(path: &Path) -> Result<(), KeyError> {
    File::open(path)
        .and_then(|dir| dir.sync_all())
        .map_err(io_error(path))
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let path = path.to_owned();
    |source| KeyError::Io { path, source }
}

#[cfg(test)]
mod tests;
