//! The blocks of the store's file, under the database.

use arbitrary::Unstructured;
use quittance::store::fuzzing::{read_file, write_file};

use crate::damage::damage;
use crate::memory::Budget;
use crate::recipe;

/// A file of n bytes is held once, and its blocks once more.
const BUDGET: Budget = Budget {
    base: 64 << 10,
    for_each: 4,
};
const BLOCK: usize = 4096;
/// Where the confirmed commits lie: number 8, checksum of its slot 8, checksum of both 8.
const CONFIRMED: [usize; 2] = [2048, 2560];

/// Blocks that are read are what was written there.
pub fn check(data: &[u8]) {
    decode(data);
    if let Some(mut recipe) = recipe(data) {
        let _ = build(&mut recipe);
    }
}

/// Compares what is read with a second reader, written from the documentation.
fn decode(data: &[u8]) {
    let Ok(blocks) = BUDGET.within(data.len(), || read_file(data)) else {
        return;
    };
    if data.is_empty() {
        // It becomes a file without blocks.
        assert!(blocks.is_empty());
        return;
    }
    assert_eq!(data.len() % BLOCK, 0);
    assert_eq!(&data[..16], b"quittance store\n");
    // The confirmed commits lie in the header without being part of its checksum. A kill damages one at most.
    let mut header = data[..4088].to_vec();
    let mut damaged = 0;
    for record in CONFIRMED.map(|at| at..at + 24) {
        let found = &mut header[record];
        damaged += usize::from(found != [0; 24] && found[16..] != sum(u64::MAX - 2, &found[..16]));
        found.fill(0);
    }
    assert!(damaged < 2);
    assert_eq!(data[4088..4096], sum(u64::MAX, &header));
    for (number, block) in blocks.iter().enumerate() {
        let (group, within) = (number / 512, number % 512);
        let sums = (1 + 513 * group) * BLOCK + 8 * within;
        let there = &data[(2 + 513 * group + within) * BLOCK..][..BLOCK];
        let expected = &data[sums..sums + 8];
        let matches = if expected == [0; 8] {
            there.iter().all(|byte| *byte == 0)
        } else {
            expected == sum(number as u64, there)
        };
        match block {
            Some(block) => assert!(block == there && (matches || number == 0)),
            None => assert!(!matches && number > 0),
        }
    }
}

fn sum(number: u64, bytes: &[u8]) -> [u8; 8] {
    let bytes = [&number.to_le_bytes(), bytes].concat();
    let sum: [u8; 8] = blake3::hash(&bytes).as_bytes()[..8].try_into().unwrap();
    if sum == [0; 8] {
        [1, 0, 0, 0, 0, 0, 0, 0]
    } else {
        sum
    }
}

fn build(recipe: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    // At times into a second group.
    let blocks = recipe.int_in_range(0..=5)? + if recipe.ratio(1, 16)? { 509 } else { 0 };
    let stamp: u64 = recipe.arbitrary()?;
    let database: Vec<u8> = (0..blocks * BLOCK)
        .map(|at| stamp.rotate_left((at / 7 % 64) as u32) as u8)
        .collect();
    let mut file = write_file(&database);
    let read = read_file(&file).expect("it was just written");
    assert_eq!(read.len(), blocks);
    for (block, written) in read.iter().zip(database.chunks(BLOCK)) {
        assert_eq!(block.as_deref(), Some(written));
    }
    for at in CONFIRMED {
        if recipe.arbitrary()? {
            confirm(&mut file, at, recipe.arbitrary()?);
        }
    }
    assert!(read_file(&file).is_ok());
    damage(&mut file, recipe);
    decode(&file);
    Ok(())
}

/// Writes a confirmed commit, of a slot that no database has.
fn confirm(file: &mut [u8], at: usize, number: u64) {
    let record = &mut file[at..at + 24];
    record[..8].copy_from_slice(&number.to_le_bytes());
    let checked = sum(u64::MAX - 2, &record[..16]);
    record[16..].copy_from_slice(&checked);
}

/// A valid input, no longer than what libFuzzer keeps.
pub fn seed(which: usize, _: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    Ok(match which {
        0 => write_file(&[]),
        // As a kill leaves it, between the first confirmed commit and the second.
        1 => {
            let mut file = write_file(&[]);
            confirm(&mut file, CONFIRMED[0], 1);
            file[CONFIRMED[1]] = 2;
            file
        }
        _ => [&[crate::BUILD], [which as u8; 40].as_slice()].concat(),
    })
}
