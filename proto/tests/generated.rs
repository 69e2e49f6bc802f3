//! The committed generated code is what the .proto files say.

#[path = "support/generator.rs"]
mod generator;

use std::fs;
use std::path::Path;

#[test]
fn committed_code_equals_generated_code() {
    let fresh = tempfile::tempdir().expect("temporary directory");
    generator::generate(fresh.path()).expect("the .proto files compile");
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/gen");
    for name in ["quittance.v1.rs", "descriptor.bin"] {
        let want = fs::read(fresh.path().join(name)).expect("generated file");
        let got = fs::read(committed.join(name)).expect("committed file");
        assert!(
            got == want,
            "src/gen/{name} is stale: cargo run -p quittance-proto --example generate"
        );
    }
    let extra: Vec<_> = fs::read_dir(&committed)
        .expect("src/gen")
        .map(|entry| entry.expect("entry").file_name())
        .filter(|name| name != "quittance.v1.rs" && name != "descriptor.bin")
        .collect();
    assert!(extra.is_empty(), "files that nothing generates: {extra:?}");
}
