//! Why a key directory was not written or not opened.

use std::io;
use std::path::PathBuf;

use quittance_verifier::{DecodeError, KeyId};

use crate::{Digest, KeyFileError, ProvingKeyError};

/// Why a key directory was not written or not opened. Messages say what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A file of the directory, or the directory, does not exist.
    #[error("{} does not exist: run `quittance setup --shape {shape}`", path.display())]
    Missing {
        /// What is missing.
        path: PathBuf,
        /// Name of the shape that was asked for.
        shape: String,
    },
    /// There is something already where a key is to be written. Keys are never overwritten.
    #[error("{} exists already: keys are never overwritten, remove it or choose another directory", path.display())]
    Exists {
        /// Where the key was to be written.
        path: PathBuf,
    },
    /// Reading or writing failed.
    #[error("cannot access {}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The manifest is not one.
    #[error("{} is not a manifest: make the key again with `quittance setup --shape {shape}`", path.display())]
    ManifestSyntax {
        /// The manifest.
        path: PathBuf,
        /// Name of the shape that was asked for.
        shape: String,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// The manifest is larger than any manifest.
    #[error("{} has {got} bytes, a manifest has at most {max}", path.display())]
    ManifestSize {
        /// The manifest.
        path: PathBuf,
        /// Its length.
        got: u64,
        /// The largest length that is read.
        max: u64,
    },
    /// The directory was written in another format.
    #[error("key format {got} is not {expected}: make the key again with `quittance setup --shape {shape}`")]
    Format {
        /// Format found.
        got: u32,
        /// The format that this build reads.
        expected: u32,
        /// Name of the shape that was asked for.
        shape: String,
    },
    /// The directory holds a key for another shape.
    #[error("{} holds a key for shape {got}, not {expected}: run `quittance setup --shape {expected}`", path.display())]
    Shape {
        /// The directory.
        path: PathBuf,
        /// Name of the shape found.
        got: String,
        /// Name of the shape that was asked for.
        expected: String,
    },
    /// The key was made for another version of the circuit.
    #[error(
        "the key's circuit {got} is not this build's circuit {expected}: \
         make the key again with `quittance setup --shape {shape}`"
    )]
    Circuit {
        /// Digest of the key's matrices.
        got: Digest,
        /// Digest of this build's matrices.
        expected: Digest,
        /// Name of the shape.
        shape: String,
    },
    /// The key is a development key and the caller takes none: whoever made it can forge proofs (S33).
    #[error(
        "{key_id} is a development key, whose maker can forge proofs: \
         use a key from a ceremony, or allow development keys explicitly"
    )]
    DevelopmentKey {
        /// Id of the key.
        key_id: KeyId,
    },
    /// `proving.key` is not the file that the manifest describes.
    #[error(
        "proving.key is damaged: digest {got}, the manifest says {expected}: \
         restore it or run `quittance setup --shape {shape}`"
    )]
    ProvingKeyDigest {
        /// Digest of the file.
        got: Digest,
        /// Digest in the manifest.
        expected: Digest,
        /// Name of the shape.
        shape: String,
    },
    /// `verifying.key` is not the file that the manifest describes.
    #[error(
        "verifying.key is damaged: digest {got}, the manifest says {expected}: \
         restore it or run `quittance setup --shape {shape}`"
    )]
    VerifyingKeyDigest {
        /// Digest of the file.
        got: Digest,
        /// Digest in the manifest.
        expected: Digest,
        /// Name of the shape.
        shape: String,
    },
    /// The matrices in `proving.key` are not those that the manifest describes.
    #[error(
        "the matrices in proving.key have digest {got}, the manifest says {expected}: \
         make the key again with `quittance setup --shape {shape}`"
    )]
    MatricesDigest {
        /// Digest of the matrices.
        got: Digest,
        /// Digest in the manifest.
        expected: Digest,
        /// Name of the shape.
        shape: String,
    },
    /// A file has another length than the manifest says: it was cut off, or appended to.
    #[error("{} has {got} bytes, the manifest says {expected}: restore it or run `quittance setup --shape {shape}`", path.display())]
    FileLength {
        /// The file.
        path: PathBuf,
        /// Its length.
        got: u64,
        /// Length in the manifest.
        expected: u64,
        /// Name of the shape.
        shape: String,
    },
    /// The digest is right, yet the file is not a proving key.
    #[error("proving.key is malformed: make the key again with `quittance setup --shape {shape}`")]
    ProvingKey {
        /// Name of the shape.
        shape: String,
        /// What is wrong.
        source: KeyFileError,
    },
    /// The digest is right, yet the file is not an acceptable verifying key.
    #[error("verifying.key is not acceptable: make the key again with `quittance setup --shape {shape}`")]
    VerifyingKey {
        /// Name of the shape.
        shape: String,
        /// What is wrong.
        source: DecodeError,
    },
    /// The parts of the key do not belong together.
    #[error(
        "the parts of the key do not belong together: make it again with `quittance setup --shape {shape}`"
    )]
    Parts {
        /// Name of the shape.
        shape: String,
        /// What is wrong.
        source: ProvingKeyError,
    },
    /// `verifying.key` is not the verifying key of `proving.key`.
    #[error(
        "verifying.key is {got}, proving.key belongs to {expected}: \
         make the key again with `quittance setup --shape {shape}`"
    )]
    KeysDiffer {
        /// Id of `verifying.key`.
        got: KeyId,
        /// Id of the verifying key in `proving.key`.
        expected: KeyId,
        /// Name of the shape.
        shape: String,
    },
    /// A field of the manifest is not true of the key.
    #[error(
        "{field} in the manifest is not the key's: make the key again with `quittance setup --shape {shape}`"
    )]
    ManifestField {
        /// Name of the first such field.
        field: &'static str,
        /// Name of the shape.
        shape: String,
    },
}
