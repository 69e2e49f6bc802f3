use super::*;
use crate::ProvingKey;
use crate::testing::{key, random_circuit};

fn sample() -> (ProvingKey, Vec<u8>) {
    let (r1cs, _) = random_circuit(1);
    let key = key(&r1cs, 1);
    let mut bytes = Vec::new();
    let (length, digest) = write(key.bases(), key.r1cs(), &mut bytes).unwrap();
    assert_eq!(length, to_u64(bytes.len()));
    assert_eq!(digest, Digest::of(&bytes));
    (key, bytes)
}

fn decode(bytes: &[u8]) -> Result<Contents, KeyFileError> {
    let (digest, contents) = read(&mut &bytes[..], to_u64(bytes.len())).unwrap();
    // Damaged or not, the digest is that of the whole file.
    assert_eq!(digest, Digest::of(bytes));
    contents
}

fn entry(bytes: &[u8], section: Section) -> (usize, usize) {
    let index = Section::ALL.iter().position(|&other| other == section).unwrap();
    let start = HEADER_BYTES + ENTRY_BYTES * index;
    let number = |at: usize| usize::try_from(u64::from_le_bytes(array(&bytes[at..]))).unwrap();
    (number(start + 8), number(start + 16))
}

#[test]
fn a_key_comes_back() {
    let (key, bytes) = sample();
    let contents = decode(&bytes).unwrap();
    assert_eq!(&contents.bases, key.bases());
    assert_eq!(&contents.r1cs, key.r1cs());
    assert_eq!(contents.matrices, key.r1cs().digest());
}

#[test]
fn sections_are_aligned_and_the_length_is_known_beforehand() {
    let (key, bytes) = sample();
    for section in Section::ALL {
        assert_eq!(entry(&bytes, section).0 % ALIGNMENT, 0);
    }
    let r1cs = key.r1cs();
    let matrices = to_u64(r1cs.to_bytes().len());
    let (instance, variables) = (to_u64(r1cs.num_instance()), to_u64(r1cs.num_variables()));
    let expected = file_bytes(instance, variables, to_u64(r1cs.domain_size()), matrices);
    assert_eq!(to_u64(bytes.len()), expected);
}

#[test]
fn s38_a_file_cut_off_anywhere_is_refused() {
    let (_, bytes) = sample();
    let boundaries = Section::ALL.into_iter().flat_map(|section| {
        let (offset, length) = entry(&bytes, section);
        [offset, offset + length]
    });
    for cut in boundaries
        .chain([0, 1, 7, 8, 63, 64, 319, bytes.len() - 1])
        .filter(|&cut| cut < bytes.len())
    {
        assert!(decode(&bytes[..cut]).is_err(), "cut at {cut}");
        // The same with a header that claims to be right about the length.
        let mut shorter = bytes[..cut].to_vec();
        if cut >= HEADER_BYTES {
            shorter[16..24].copy_from_slice(&to_u64(cut).to_le_bytes());
            assert!(decode(&shorter).is_err(), "cut at {cut}");
        }
    }
    let longer = [&bytes[..], &[0; 64]].concat();
    assert!(matches!(decode(&longer), Err(KeyFileError::Length { .. })));
}

#[test]
fn s38_a_table_that_promises_gigabytes_allocates_nothing() {
    let (_, bytes) = sample();
    for index in 0..Section::ALL.len() {
        for field in [8, 16, 24] {
            for value in [u64::MAX, u64::MAX - 63, 1 << 40, 0] {
                let mut bytes = bytes.clone();
                let at = HEADER_BYTES + ENTRY_BYTES * index + field;
                bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
                assert!(matches!(decode(&bytes), Err(KeyFileError::Table { .. })));
            }
            // Consistent within the entry, but far beyond the file.
            let mut bytes = bytes.clone();
            let at = HEADER_BYTES + ENTRY_BYTES * index;
            let elements = 1u64 << 40;
            let size = elements * Section::ALL[index].element_bytes();
            bytes[at + 16..at + 24].copy_from_slice(&size.to_le_bytes());
            bytes[at + 24..at + 32].copy_from_slice(&elements.to_le_bytes());
            assert!(matches!(decode(&bytes), Err(KeyFileError::Table { .. })));
        }
    }
}

/// Every byte of the header, the table and the padding has one value; a change elsewhere is found or is another key.
#[test]
fn s38_one_key_has_one_encoding() {
    let (key, bytes) = sample();
    let payload: Vec<_> = Section::ALL
        .into_iter()
        .map(|section| entry(&bytes, section))
        .collect();
    for position in 0..bytes.len() {
        let in_payload = payload
            .iter()
            .any(|&(start, length)| (start..start + length).contains(&position));
        // Payload is long and alike: every 13th byte of it.
        if in_payload && position % 13 != 0 {
            continue;
        }
        let mut flipped = bytes.clone();
        flipped[position] ^= 1 << (position % 8);
        match decode(&flipped) {
            Err(_) => {}
            Ok(contents) => {
                assert!(in_payload, "byte {position}");
                assert!(&contents.bases != key.bases() || &contents.r1cs != key.r1cs());
                let mut again = Vec::new();
                write(&contents.bases, &contents.r1cs, &mut again).unwrap();
                assert_eq!(again, flipped);
            }
        }
    }
}

#[test]
fn every_kind_of_damage_has_its_error() {
    let (_, bytes) = sample();
    let damaged = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = bytes.clone();
        change(&mut bytes);
        decode(&bytes).unwrap_err()
    };
    assert!(matches!(damaged(&|bytes| bytes[0] = 0), KeyFileError::Magic));
    assert!(matches!(
        damaged(&|bytes| bytes[8] = 7),
        KeyFileError::Version { got: 7, expected: 1 }
    ));
    assert!(matches!(damaged(&|bytes| bytes[12] = 9), KeyFileError::Padding));
    assert!(matches!(damaged(&|bytes| bytes[63] = 9), KeyFileError::Padding));
    for section in [Section::A, Section::B1, Section::B2, Section::H, Section::L] {
        let start = entry(&bytes, section).0 + usize::try_from(section.element_bytes()).unwrap();
        let error = damaged(&|bytes| bytes[start..start + 32].fill(0xff));
        match error {
            KeyFileError::NotCanonical { section: got, index } => assert_eq!((got, index), (section, 1)),
            error => panic!("{error:?}"),
        }
        // Even an identity has no second x.
        match damaged(&|bytes| bytes[start] ^= 1) {
            KeyFileError::NotOnCurve { section: got, index } => assert_eq!((got, index), (section, 1)),
            error => panic!("{error:?}"),
        }
    }
    let matrices = entry(&bytes, Section::Matrices).0;
    assert!(matches!(
        damaged(&|bytes| bytes[matrices] = 0),
        KeyFileError::Matrices(R1csError::Encoding(_))
    ));
    assert!(matches!(
        damaged(&|bytes| *bytes.last_mut().unwrap() = 1),
        KeyFileError::Padding | KeyFileError::Matrices(_)
    ));
}
