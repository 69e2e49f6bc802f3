//! Writes the committed seed corpora, `fuzz/seeds/<target>/`: values that the real encoders wrote, and a few recipes.
//!
//! `cargo run --manifest-path fuzz/Cargo.toml --example make_seeds`; the same files every time.

use std::fs;
use std::path::Path;

use arbitrary::Unstructured;
use quittance_fuzz as fuzz;

type Check = fn(&[u8]);
type Seed = fn(usize, &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>>;

/// Name, check, seed, number of values.
const TARGETS: &[(&str, Check, Seed, usize)] = &[
    (
        "applied_batch",
        fuzz::applied_batch::check,
        fuzz::applied_batch::seed,
        6,
    ),
    ("bundle", fuzz::bundle::check, fuzz::bundle::seed, 6),
    (
        "bundle_json",
        fuzz::bundle_json::check,
        fuzz::bundle_json::seed,
        6,
    ),
    ("config", fuzz::config::check, fuzz::config::seed, 2),
    (
        "exit_bundle",
        fuzz::exit_bundle::check,
        fuzz::exit_bundle::seed,
        6,
    ),
    (
        "genesis_files",
        fuzz::genesis_files::check,
        fuzz::genesis_files::seed,
        6,
    ),
    ("key_file", fuzz::key_file::check, fuzz::key_file::seed, 6),
    ("leaf", fuzz::leaf::check, fuzz::leaf::seed, 4),
    ("manifest", fuzz::manifest::check, fuzz::manifest::seed, 4),
    (
        "operation_json",
        fuzz::operation_json::check,
        fuzz::operation_json::seed,
        10,
    ),
    ("proof", fuzz::proof::check, fuzz::proof::seed, 4),
    ("protobuf", fuzz::protobuf::check, fuzz::protobuf::seed, 20),
    ("r1cs", fuzz::r1cs::check, fuzz::r1cs::seed, 8),
    ("signature", fuzz::signature::check, fuzz::signature::seed, 4),
    ("statement", fuzz::statement::check, fuzz::statement::seed, 6),
    ("store_file", fuzz::store_file::check, fuzz::store_file::seed, 6),
    (
        "stored_records",
        fuzz::stored_records::check,
        fuzz::stored_records::seed,
        21,
    ),
    (
        "verifying_key",
        fuzz::verifying_key::check,
        fuzz::verifying_key::seed,
        6,
    ),
];

/// Targets without recipes: text is all they read.
const NO_RECIPES: &[&str] = &["config", "genesis_files", "operation_json"];

fn main() -> std::io::Result<()> {
    fuzz::memory::one_thread();
    for (name, check, seed, count) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let mut random = SplitMix(
            name.bytes()
                .fold(0, |sum: u64, byte| sum.rotate_left(8) ^ u64::from(byte)),
        );
        let mut number = 0;
        while number < *count {
            // Some recipes have no value, for instance facts out of range.
            if let Ok(bytes) = seed(number, &mut Unstructured::new(&random.bytes(8192))) {
                check(&bytes);
                fs::write(folder.join(format!("value-{number:02}.bin")), bytes)?;
                number += 1;
            }
        }
        if !NO_RECIPES.contains(name) {
            for (number, length) in [64, 600, 2000].into_iter().enumerate() {
                let bytes = [vec![fuzz::BUILD], random.bytes(length)].concat();
                check(&bytes);
                fs::write(folder.join(format!("recipe-{number:02}.bin")), bytes)?;
            }
        }
    }
    Ok(())
}

/// SplitMix64, so that the files are the same every time.
struct SplitMix(u64);

impl SplitMix {
    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let numbers = std::iter::repeat_with(|| self.next().to_le_bytes());
        numbers.flatten().take(count).collect()
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
