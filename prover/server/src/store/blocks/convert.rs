//! A database in a plain file, as stores were kept before they had checksums for each block, becomes a file of blocks.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use redb::StorageBackend as _;
use tempfile::TempPath;

use super::BlockFile;
use crate::store::StoreError;
use crate::store::genesis::{UNFINISHED_FILE, remove_left, sync_directory};

/// What a database in a plain file begins with.
const PLAIN: &[u8; 9] = b"redb\x1A\x0A\xA9\x0D\x0A";
/// Bytes that are copied at a time.
const PART: usize = 2 << 20;

/// Whether the file is a database without blocks.
pub(in crate::store) fn is_plain(path: &Path) -> io::Result<bool> {
    let mut first = [0; PLAIN.len()];
    match File::open(path)?.read_exact(&mut first) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        other => other.map(|()| first == *PLAIN),
    }
}

/// Copies a plain file into blocks under another name, and gives it the file's name when it is complete: a kill leaves
/// the one or the other.
pub(in crate::store) fn convert(path: &Path, directory: &Path) -> Result<(), StoreError> {
    let unusable = |source| StoreError::Directory {
        directory: directory.to_owned(),
        source,
    };
    let in_use = || StoreError::InUse {
        directory: directory.to_owned(),
    };
    let mut plain = File::options()
        .read(true)
        .write(true)
        .open(path)
        .map_err(unusable)?;
    match plain.try_lock() {
        Err(fs::TryLockError::WouldBlock) => return Err(in_use()),
        other => other.map_err(io::Error::from).map_err(unusable)?,
    }
    // Another process may have done the same before it was locked: then this is not the store any more.
    let (opened, there) = (
        plain.metadata().map_err(unusable)?,
        fs::metadata(path).map_err(unusable)?,
    );
    if (opened.dev(), opened.ino()) != (there.dev(), there.ino()) {
        return Err(in_use());
    }
    tracing::info!(
        bytes = opened.len(),
        "the store's file is copied into blocks with checksums"
    );
    let unfinished = directory.join(UNFINISHED_FILE);
    remove_left(&unfinished, directory)?;
    // Whatever fails from here on takes the copy with it.
    let unfinished = TempPath::try_from_path(unfinished).map_err(unusable)?;
    let blocks = BlockFile::create(&unfinished)?;
    let copy = |plain: &mut File| -> io::Result<()> {
        blocks.set_len(opened.len())?;
        let mut part = vec![0; PART];
        let (mut offset, mut left) = (0_u64, opened.len());
        while left > 0 {
            let count = usize::try_from(left).unwrap_or(PART).min(PART);
            plain.read_exact(&mut part[..count])?;
            blocks.write(offset, &part[..count])?;
            let count = u64::try_from(count).map_err(io::Error::other)?;
            offset += count;
            left -= count;
        }
        blocks.sync_data()
    };
    copy(&mut plain).map_err(unusable)?;
    unfinished
        .persist(path)
        .map_err(|refused| unusable(refused.error))?;
    sync_directory(directory)
}
