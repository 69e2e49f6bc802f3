//! Compiles the .proto files and writes the generated code; shared by the `generate` example and the test that
//! compares the committed files.

use std::fs;
use std::path::Path;

/// Files under `proto/` that make up the package, relative to the crate.
const SOURCES: &[&str] = &[
    "quittance/v1/account.proto",
    "quittance/v1/batch.proto",
    "quittance/v1/circuit.proto",
    "quittance/v1/fee.proto",
    "quittance/v1/opening.proto",
    "quittance/v1/operation.proto",
    "quittance/v1/policy.proto",
    "quittance/v1/priority.proto",
    "quittance/v1/quittance.proto",
    "quittance/v1/rotation.proto",
    "quittance/v1/signature.proto",
    "quittance/v1/transfer.proto",
    "quittance/v1/withdrawal.proto",
];

/// Writes `quittance.v1.rs` and `descriptor.bin` into `out`, which has to exist.
pub(crate) fn generate(out: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut compiler = protox::Compiler::new([root])?;
    compiler.include_imports(true).include_source_info(true);
    for source in SOURCES {
        compiler.open_file(source)?;
    }
    let with_comments = compiler.file_descriptor_set();
    tonic_prost_build::configure()
        .out_dir(out)
        .build_client(true)
        .build_server(true)
        .compile_fds(with_comments)?;

    // Reflection needs names and types, not comments.
    let mut plain = protox::Compiler::new([root])?;
    plain.include_imports(true).include_source_info(false);
    for source in SOURCES {
        plain.open_file(source)?;
    }
    fs::write(out.join("descriptor.bin"), plain.encode_file_descriptor_set())?;
    Ok(())
}
