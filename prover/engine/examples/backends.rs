//! Prints the backends that this machine runs, one on each line, the fastest last: `scripts/test.sh` tests each of them.

use std::io::{self, Write};

use quittance_engine::Backend;

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for backend in Backend::available() {
        writeln!(out, "{backend}")?;
    }
    Ok(())
}
