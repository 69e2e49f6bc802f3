//! One module for each decoder of Quittance: what libFuzzer gives it, and what has to hold for every input.
//!
//! Each target's `check` takes the input as it is for the bytes of a file, message or record. An input that begins with
//! [`BUILD`] is also read as the recipe of a valid value: that value has to come back from its own encoding, and its
//! encoding, [damaged](damage::damage) as the rest of the input says, has to be refused or to be the encoding of another
//! value. So that what lies behind magic bytes, checksums and curve equations is reached as well.
//!
//! The binaries in `fuzz_targets/` only name the module. Panics are what libFuzzer looks for: the code here asserts.

pub mod damage;
pub mod facts;
pub mod memory;
pub mod operations;
pub mod points;
pub mod text;

pub mod applied_batch;
pub mod bundle;
pub mod bundle_json;
pub mod config;
pub mod exit_bundle;
pub mod genesis_files;
pub mod key_file;
pub mod leaf;
pub mod manifest;
pub mod operation_json;
pub mod proof;
pub mod protobuf;
pub mod r1cs;
pub mod signature;
pub mod statement;
pub mod store_file;
pub mod stored_records;
pub mod verifying_key;

/// First byte of an input that is a recipe. No format of ours and no UTF-8 text begins with it.
pub const BUILD: u8 = 0xff;

/// The recipe of an input, if it is one.
pub fn recipe(data: &[u8]) -> Option<arbitrary::Unstructured<'_>> {
    data.strip_prefix(&[BUILD]).map(arbitrary::Unstructured::new)
}
