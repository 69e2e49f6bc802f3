//! The last commit that is known to be on the disk, kept beside the database's own header.
//!
//! redb's header is changed in place, and one bit of it, which no checksum covers, says which of two commit slots counts.
//! Flipped, or put back with an older copy of the block, it would take the store back by a commit that was answered, and
//! everything in there would match. So the file's header names the commit that the last completed sync has made durable,
//! and a database that begins with an older one is refused.
//!
//! The record is written after the sync, and not synced itself: it never names a commit that a loss of power can still take
//! away. A kill leaves what was written, so after a kill it names the last commit that was answered, or the one before
//! if the kill came between the sync and the record, when the newer one had not been answered.

use std::io;

use redb::StorageBackend;

use super::{BlockError, checksum, place};

/// Where the records lie in the file: in the header, each in a sector of its own. They are written in turn, so that a kill in
/// the middle of a write leaves the other one.
pub(super) const PLACES: [usize; 2] = [2048, 2560];
/// Bytes of a record: id of the commit, checksum of its slot, checksum of both.
pub(super) const BYTES: usize = 24;

/// Bytes of redb's header: fields 64, two slots of 128.
const DATABASE_HEADER: usize = 320;
const DATABASE_MAGIC: &[u8; 9] = b"redb\x1a\x0a\xa9\x0d\x0a";
/// Where redb keeps its flags.
const FLAGS: usize = 9;
const SECOND_IS_PRIMARY: u8 = 1;
const TWO_PHASE: u8 = 4;
const SLOTS: usize = 64;
const SLOT: usize = 128;
/// Where the number of the transaction lies in a slot.
const ID: usize = 104;
/// Stand for what is hashed, where the number of a block belongs.
const OF_SLOT: u64 = u64::MAX - 1;
const OF_RECORD: u64 = u64::MAX - 2;

/// A commit as the record names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Commit {
    id: u64,
    slot: [u8; 8],
}

impl Commit {
    fn of(slot: &[u8]) -> Self {
        Self {
            id: id(slot),
            slot: checksum(OF_SLOT, slot),
        }
    }

    /// What a record names; nothing if it was never written, or not to its end.
    fn from_record(bytes: &[u8; BYTES]) -> Option<Self> {
        let (named, sum) = bytes.split_at(BYTES - 8);
        if sum != checksum(OF_RECORD, named) {
            return None;
        }
        let (id, slot) = named.split_at(8);
        Some(Self {
            id: number(id),
            slot: slot.first_chunk().copied().unwrap_or_default(),
        })
    }

    fn to_record(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&self.id.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.slot);
        let sum = checksum(OF_RECORD, &bytes[..16]);
        bytes[16..].copy_from_slice(&sum);
        bytes
    }
}

/// The newest record, and which of the places is the next one's.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Confirmed {
    pub(super) commit: Option<Commit>,
    next: usize,
}

impl Confirmed {
    /// Takes the records out of the file's header, and leaves zeros.
    pub(super) fn take(header: &mut [u8]) -> Result<Self, BlockError> {
        let mut commits = [None; 2];
        let mut damaged = 0;
        for (commit, place) in commits.iter_mut().zip(PLACES) {
            let mut record = [0; BYTES];
            record.swap_with_slice(&mut header[place..place + BYTES]);
            *commit = Commit::from_record(&record);
            damaged += usize::from(commit.is_none() && record != [0; BYTES]);
        }
        // A kill leaves one at most.
        if damaged > 1 {
            return Err(BlockError::Header);
        }
        let [first, second] = commits;
        let id = |commit: Option<Commit>| commit.map(|commit| commit.id);
        Ok(match id(first) > id(second) {
            true => Self {
                commit: first,
                next: 1,
            },
            false => Self {
                commit: second,
                next: 0,
            },
        })
    }

    /// Writes a commit beside the one before.
    pub(super) fn confirm(&mut self, commit: Commit, file: &impl StorageBackend) -> io::Result<()> {
        if self.commit == Some(commit) {
            return Ok(());
        }
        let place = u64::try_from(PLACES[self.next]).map_err(io::Error::other)?;
        file.write(place, &commit.to_record())?;
        *self = Self {
            commit: Some(commit),
            next: 1 - self.next,
        };
        Ok(())
    }
}

/// The header of the database in a file.
pub(super) struct DatabaseHeader([u8; DATABASE_HEADER]);

impl DatabaseHeader {
    /// Reads it; none where no database has begun.
    pub(super) fn read(file: &impl StorageBackend) -> io::Result<Option<Self>> {
        let mut header = [0; DATABASE_HEADER];
        let begins = place(0);
        let needed = u64::try_from(DATABASE_HEADER).map_err(io::Error::other)?;
        if file.len()? < begins + needed {
            return Ok(None);
        }
        file.read(begins, &mut header)?;
        Ok(Self::parse(&header))
    }

    /// The header in these first bytes of a database.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let header: &[u8; DATABASE_HEADER] = bytes.first_chunk()?;
        header.starts_with(DATABASE_MAGIC).then_some(Self(*header))
    }

    /// The commit that the header says counts.
    pub(super) fn primary(&self) -> Commit {
        Commit::of(self.slot(self.flag(SECOND_IS_PRIMARY)))
    }

    /// Whether nothing that was confirmed is missing. Where redb looks for itself which slot is newer, the newer one counts.
    pub(super) fn includes(&self, confirmed: Commit) -> bool {
        let first = Commit::of(self.slot(false));
        let second = Commit::of(self.slot(true));
        let counts = match (self.flag(TWO_PHASE), first.id > second.id) {
            (true, _) => self.primary(),
            (false, true) => first,
            (false, false) => second,
        };
        counts.id > confirmed.id || counts == confirmed
    }

    fn flag(&self, flag: u8) -> bool {
        self.0[FLAGS] & flag != 0
    }

    fn slot(&self, second: bool) -> &[u8] {
        let at = SLOTS + usize::from(second) * SLOT;
        &self.0[at..at + SLOT]
    }
}

fn id(slot: &[u8]) -> u64 {
    number(&slot[ID..])
}

fn number(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
