use std::sync::{Arc, Mutex};

use redb::{Database, ReadableDatabase as _, TableDefinition};

use super::*;
use crate::store::faults::{Disk, Numbers};

/// Two groups and a piece of a third.
const BLOCKS: u64 = 2 * GROUP + 5;

fn filled(numbers: &mut Numbers, length: usize) -> Vec<u8> {
    (0..length)
        .map(|_| u8::try_from(numbers.below(256)).unwrap())
        .collect()
}

fn below(numbers: &mut Numbers, limit: usize) -> usize {
    usize::try_from(numbers.below(u64::try_from(limit).unwrap())).unwrap()
}

/// A file in which every block was written, and the bytes that it stands for.
fn sample() -> (Vec<u8>, Vec<u8>) {
    let disk = Disk::new(Vec::new(), None);
    let file = BlockFile::over(disk.clone()).unwrap();
    let bytes = filled(&mut Numbers::new(1), usize::try_from(BLOCKS).unwrap() * BLOCK);
    file.set_len(BLOCKS * BLOCK_BYTES).unwrap();
    file.write(0, &bytes).unwrap();
    (disk.surviving(), bytes)
}

fn over(bytes: Vec<u8>) -> BlockFile<Disk> {
    BlockFile::over(Disk::new(bytes, None)).unwrap()
}

fn refusal<T>(result: io::Result<T>) -> BlockError {
    let Err(error) = result else { panic!("not refused") };
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    *error.get_ref().unwrap().downcast_ref().unwrap()
}

#[test]
fn bytes_come_back_as_from_a_plain_file() {
    let disk = Disk::new(Vec::new(), None);
    let mut file = BlockFile::over(disk.clone()).unwrap();
    let mut plain: Vec<u8> = Vec::new();
    let mut numbers = Numbers::new(7);
    for step in 0..600 {
        match numbers.below(8) {
            0 => {
                let blocks = below(&mut numbers, usize::try_from(BLOCKS).unwrap() + 1);
                file.set_len(u64::try_from(blocks).unwrap() * BLOCK_BYTES)
                    .unwrap();
                plain.resize(blocks * BLOCK, 0);
            }
            1 => {
                drop(file);
                file = BlockFile::over(disk.clone()).unwrap();
            }
            kind => {
                let aligned = kind % 2 == 0;
                let unit = if aligned { BLOCK } else { 1 };
                let units = plain.len() / unit;
                let at = below(&mut numbers, units + 1);
                let most = (units - at).min(if aligned { 1100 } else { 20_000 });
                let (at, count) = (at * unit, below(&mut numbers, most + 1) * unit);
                let offset = u64::try_from(at).unwrap();
                if kind < 5 {
                    let bytes = filled(&mut numbers, count);
                    file.write(offset, &bytes).unwrap();
                    plain[at..at + count].copy_from_slice(&bytes);
                }
                let mut got = vec![9; count];
                file.read(offset, &mut got).unwrap();
                assert!(got == plain[at..at + count], "step {step}");
            }
        }
        assert_eq!(file.len().unwrap(), u64::try_from(plain.len()).unwrap());
    }
    let mut beyond = [0; 1];
    let error = file.read(file.len().unwrap(), &mut beyond).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(file.set_len(100).unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn a_flipped_bit_of_a_block_or_its_checksum_is_refused() {
    let (image, _) = sample();
    let mut numbers = Numbers::new(2);
    for _ in 0..3_000 {
        let byte = below(&mut numbers, image.len());
        let mut flipped = image.clone();
        flipped[byte] ^= 1 << numbers.below(8);
        let at = u64::try_from(byte).unwrap() / BLOCK_BYTES;
        if at == 0 {
            // The padding counts as well.
            refusal(BlockFile::over(Disk::new(flipped, None)));
            continue;
        }
        let file = over(flipped);
        let (group, within) = ((at - 1) / (GROUP + 1), (at - 1) % (GROUP + 1));
        let block = match within.checked_sub(1) {
            Some(within) => group * GROUP + within,
            // A checksum.
            None => group * GROUP + u64::try_from(byte % BLOCK / SUM).unwrap(),
        };
        if block >= BLOCKS {
            continue;
        }
        let result = file.read(block * BLOCK_BYTES, &mut [0; BLOCK]);
        if block == 0 {
            result.unwrap();
        } else {
            let block = place(block) / BLOCK_BYTES;
            assert_eq!(refusal(result), BlockError::Block { block });
        }
    }
}

#[test]
fn blocks_that_changed_places_or_were_lost_are_refused() {
    let (image, _) = sample();
    let at = |block| usize::try_from(place(block)).unwrap();
    let swap = |image: &mut Vec<u8>, a: usize, b: usize, length: usize| {
        for i in 0..length {
            image.swap(a + i, b + i);
        }
    };
    let mut swapped = image.clone();
    swap(&mut swapped, at(3), at(600), BLOCK);
    let sums = |block: u64| {
        let run = Run::all(block * BLOCK_BYTES, 1).next().unwrap();
        usize::try_from(run.sums()).unwrap()
    };
    swap(&mut swapped, sums(3), sums(600), SUM);
    let mut lost = image;
    lost[at(700)..at(701)].fill(0);
    for (image, block) in [(swapped.clone(), 3), (swapped, 600), (lost, 700)] {
        let result = over(image).read(block * BLOCK_BYTES, &mut [0; 10]);
        let block = place(block) / BLOCK_BYTES;
        assert_eq!(refusal(result), BlockError::Block { block });
    }
}

#[test]
fn what_is_no_store_or_another_layout_is_refused() {
    let over = |bytes| BlockFile::over(Disk::new(bytes, None));
    assert_eq!(refusal(over(vec![0; 10])), BlockError::NoStore);
    assert_eq!(refusal(over(vec![7; 3 * BLOCK])), BlockError::NoStore);
    let other = header(2).to_vec();
    assert_eq!(refusal(over(other.clone())), BlockError::Layout { found: 2 });
    let mut damaged = other;
    damaged[BLOCK - 1] ^= 1;
    assert_eq!(refusal(over(damaged)), BlockError::Header);
    let (image, _) = sample();
    for bytes in [1, 513, BLOCK, BLOCK + 1] {
        let (cut, length) = (image[..image.len() - bytes].to_vec(), image.len() - bytes);
        if length % BLOCK == 0 {
            over(cut).unwrap();
        } else {
            let bytes = u64::try_from(length).unwrap();
            assert_eq!(refusal(over(cut)), BlockError::Length { bytes });
        }
    }
    let bytes = 2 * BLOCK_BYTES;
    let cut = image[..2 * BLOCK].to_vec();
    assert_eq!(refusal(over(cut)), BlockError::Length { bytes });
}

/// A disk that writes down what is written only in part.
#[derive(Debug)]
struct Recording {
    disk: Disk,
    partial: Arc<Mutex<Vec<(u64, usize)>>>,
}

impl StorageBackend for Recording {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.disk.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.set_len(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.disk.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if !offset.is_multiple_of(BLOCK_BYTES) || !data.len().is_multiple_of(BLOCK) {
            self.partial.lock().unwrap().push((offset, data.len()));
        }
        self.disk.write(offset, data)
    }
}

/// The layout relies on this: a block is changed in part, and in place, only in the database's header.
#[test]
fn the_database_writes_whole_blocks_beside_its_header() {
    const TABLE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("table");
    let disk = Disk::new(Vec::new(), None);
    let partial = Arc::new(Mutex::new(Vec::new()));
    let recording = Recording {
        disk: disk.clone(),
        partial: Arc::clone(&partial),
    };
    let db = Database::builder().create_with_backend(recording).unwrap();
    for round in 0..20_u64 {
        let mut txn = db.begin_write().unwrap();
        txn.set_quick_repair(round % 2 == 0);
        {
            let mut table = txn.open_table(TABLE).unwrap();
            for row in 0..100 {
                let bytes = vec![1; usize::try_from(row * round).unwrap() * 3];
                table.insert(row * 7 + round, bytes.as_slice()).unwrap();
            }
        }
        txn.commit().unwrap();
    }
    drop(db);
    let partial = partial.lock().unwrap();
    assert!(!partial.is_empty());
    for (offset, bytes) in &*partial {
        assert!(
            offset + u64::try_from(*bytes).unwrap() <= BLOCK_BYTES,
            "{offset}, {bytes} bytes"
        );
    }
    assert_eq!(disk.len().unwrap() % BLOCK_BYTES, 0);
}

#[test]
fn a_database_lives_in_blocks() {
    const TABLE: TableDefinition<'_, u64, u64> = TableDefinition::new("table");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let create = || Database::builder().create_with_backend(BlockFile::create(&path)?);
    let db = create().unwrap();
    let txn = db.begin_write().unwrap();
    txn.open_table(TABLE).unwrap().insert(1, 2).unwrap();
    txn.commit().unwrap();
    // One process at a time, and nothing is created over it.
    let open = || Database::builder().create_with_backend(BlockFile::open(&path)?);
    assert!(matches!(open(), Err(DatabaseError::DatabaseAlreadyOpen)));
    assert!(create().is_err());
    drop(db);
    let txn = open().unwrap().begin_read().unwrap();
    let table = txn.open_table(TABLE).unwrap();
    assert_eq!(table.get(1).unwrap().unwrap().value(), 2);
}
