//! A database in a plain file, as stores were kept before they had checksums for each block.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// What a database in a plain file begins with.
const PLAIN: &[u8; 9] = b"redb\x1A\x0A\xA9\x0D\x0A";

/// Whether the file is a database without blocks.
pub(in crate::store) fn is_plain(path: &Path) -> io::Result<bool> {
    let mut first = [0; PLAIN.len()];
    match File::open(path)?.read_exact(&mut first) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        other => other.map(|()| first == *PLAIN),
    }
}
