//! Regenerates `src/gen/` from the .proto files: `cargo run -p quittance-proto --example generate`.

#[path = "../tests/support/generator.rs"]
mod generator;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    generator::generate(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/gen"))
}
