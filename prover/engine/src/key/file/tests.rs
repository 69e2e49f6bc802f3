use ark_ec::AffineRepr;

use super::*;
use crate::key::layout::HEAD_BYTES;
use crate::testing::{key, random_circuit};
use crate::{CircuitKey, Digest, ProvingKey};

const HEADER_BYTES: usize = 64;
const ENTRY_BYTES: usize = 32;

fn sample() -> (ProvingKey, Vec<u8>) {
    let (r1cs, _) = random_circuit(1);
    let key = key(&r1cs, 1);
    let bytes = key.as_bytes().to_vec();
    (key, bytes)
}

fn decode(bytes: &[u8]) -> Result<Contents, KeyFileError> {
    Contents::read(Image::copy_of(bytes))
}

fn entry(bytes: &[u8], section: Section) -> (usize, usize) {
    let start = HEADER_BYTES + ENTRY_BYTES * section.index();
    let number = |at: usize| {
        let number: [u8; 8] = bytes[at..at + 8].try_into().unwrap();
        usize::try_from(u64::from_le_bytes(number)).unwrap()
    };
    (number(start + 8), number(start + 16))
}

#[test]
fn a_key_comes_back() {
    let (key, bytes) = sample();
    let contents = decode(&bytes).unwrap();
    assert_eq!(&contents.r1cs, key.r1cs());
    assert_eq!(Digest::of(contents.r1cs.as_bytes()), key.r1cs().digest());
    let again = CircuitKey::from_contents(contents).unwrap();
    assert_eq!(again.to_arkworks(), key.to_arkworks());
    assert_eq!(again.as_bytes(), bytes);
}

#[test]
fn sections_are_aligned_and_the_length_is_known_beforehand() {
    let (key, bytes) = sample();
    for section in Section::ALL {
        assert_eq!(entry(&bytes, section).0 % 64, 0);
    }
    let layout = Layout::new(&Counts::of(key.r1cs()));
    assert_eq!(usize::try_from(layout.length()), Ok(bytes.len()));
    assert_eq!(entry(&bytes, Section::G1).0, HEAD_BYTES);
}

#[test]
fn s38_a_file_cut_off_anywhere_is_refused() {
    let (_, bytes) = sample();
    let boundaries = Section::ALL.into_iter().flat_map(|section| {
        let (offset, length) = entry(&bytes, section);
        [offset, offset + length]
    });
    for cut in boundaries
        .chain([0, 1, 7, 8, 63, 64, 351, 352, 383, bytes.len() - 1])
        .filter(|&cut| cut < bytes.len())
    {
        assert!(decode(&bytes[..cut]).is_err(), "cut at {cut}");
        // The same with a header that claims to be right about the length.
        let mut shorter = bytes[..cut].to_vec();
        if cut >= HEADER_BYTES {
            shorter[16..24].copy_from_slice(&u64::try_from(cut).unwrap().to_le_bytes());
            assert!(decode(&shorter).is_err(), "cut at {cut}");
        }
    }
    let longer = [&bytes[..], &[0; 64]].concat();
    assert!(matches!(decode(&longer), Err(KeyFileError::Length { .. })));
}

#[test]
fn s38_a_table_that_promises_gigabytes_allocates_nothing() {
    let (_, bytes) = sample();
    for section in Section::ALL {
        let at = HEADER_BYTES + ENTRY_BYTES * section.index();
        for field in [8, 16, 24] {
            for value in [u64::MAX, u64::MAX - 63, 1 << 40, 0] {
                let mut bytes = bytes.clone();
                bytes[at + field..at + field + 8].copy_from_slice(&value.to_le_bytes());
                assert!(matches!(decode(&bytes), Err(KeyFileError::Table { .. })));
            }
        }
        // Consistent within the entry, but far beyond the file.
        for elements in [1u64 << 40, u64::MAX / section.element_bytes()] {
            let mut bytes = bytes.clone();
            let size = elements * section.element_bytes();
            bytes[at + 16..at + 24].copy_from_slice(&size.to_le_bytes());
            bytes[at + 24..at + 32].copy_from_slice(&elements.to_le_bytes());
            assert!(matches!(decode(&bytes), Err(KeyFileError::Table { .. })));
        }
    }
}

/// A header may announce more variables than there are, which cost nothing before they are known to be there.
#[test]
fn s38_classes_that_are_not_the_matrices_are_refused() {
    let (_, bytes) = sample();
    for class in 0..6 {
        for value in [0, 1, 3, 1 << 20, u32::MAX] {
            let mut bytes = bytes.clone();
            let at = 24 + 4 * class;
            if bytes[at..at + 4] == value.to_le_bytes() {
                continue;
            }
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
            let error = decode(&bytes).unwrap_err();
            assert!(
                matches!(error, KeyFileError::Classes | KeyFileError::Table { .. }),
                "{error}"
            );
        }
    }
    // Matrices with more variables than the key, which nothing else in them shows.
    let (offset, _) = entry(&bytes, Section::Matrices);
    let mut bytes = bytes;
    bytes[offset + 16..offset + 20].copy_from_slice(&(1u32 << 27).to_le_bytes());
    assert_eq!(decode(&bytes).unwrap_err(), KeyFileError::Classes);
}

/// Classes of other sizes whose lists need as many bytes: only the matrices can tell.
#[test]
fn classes_that_fit_the_table_are_compared_with_the_matrices() {
    let (key, bytes) = sample();
    let ends = key.lists().classes.ends();
    let [_, both, only_b, only_a, ..] = ends;
    assert!(only_b > both && only_a > only_b, "{ends:?}");
    let mut moved = bytes.clone();
    // One variable from class 2 to class 3 and one from class 3 to 4 would change lengths; the order is what is left.
    let order = entry(&bytes, Section::Order).0;
    let (left, right) = (order + 4 * (both - 1), order + 4 * both);
    let (first, second) = moved.split_at_mut(right);
    first[left..left + 4].swap_with_slice(&mut second[..4]);
    assert_eq!(
        decode(&moved).unwrap_err(),
        KeyFileError::Order { position: both - 1 }
    );
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
        let Ok(contents) = decode(&flipped) else {
            continue;
        };
        assert!(in_payload, "byte {position}");
        assert_eq!(contents.image.bytes(), flipped);
        // Points of lists are looked at where a key comes from elsewhere. Pairings take a while: now and then.
        if position % 7 != 0 {
            continue;
        }
        let Ok(other) = CircuitKey::from_contents(contents) else {
            continue;
        };
        assert!(other.to_arkworks() != key.to_arkworks() || other.r1cs() != key.r1cs());
        if other.r1cs() == key.r1cs() {
            assert!(other.check_points().is_err(), "byte {position}");
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
    assert_eq!(damaged(&|bytes| bytes[0] = 0), KeyFileError::Magic);
    assert_eq!(
        damaged(&|bytes| bytes.truncate(0)),
        KeyFileError::Length {
            got: 0,
            expected: 384
        }
    );
    assert_eq!(damaged(&|bytes| *bytes = b"no key".to_vec()), KeyFileError::Magic);
    assert_eq!(
        damaged(&|bytes| bytes[8] = 1),
        KeyFileError::Version { got: 1, expected: 2 }
    );
    assert_eq!(damaged(&|bytes| bytes[12] = 10), KeyFileError::Padding);
    assert_eq!(damaged(&|bytes| bytes[63] = 9), KeyFileError::Padding);
    assert_eq!(damaged(&|bytes| bytes[383] = 9), KeyFileError::Padding);
    let (order, length) = entry(&bytes, Section::Order);
    assert_eq!(damaged(&|bytes| bytes[order + length] = 1), KeyFileError::Padding);
    assert_eq!(
        damaged(&|bytes| bytes[order + 7] = 1),
        KeyFileError::Order { position: 1 }
    );
    for (section, points) in [(Section::G1, 7), (Section::G2, 3)] {
        let size = usize::try_from(section.element_bytes()).unwrap();
        for index in 0..points {
            let start = entry(&bytes, section).0 + size * index;
            assert_eq!(
                damaged(&|bytes| bytes[start..start + 32].fill(0xff)),
                KeyFileError::NotCanonical { section, index }
            );
            assert_eq!(
                damaged(&|bytes| bytes[start] ^= 1),
                KeyFileError::NotOnCurve { section, index }
            );
            assert_eq!(
                damaged(&|bytes| bytes[start..start + size].fill(0)),
                KeyFileError::NotOnCurve { section, index }
            );
        }
    }
    let mut lines = [Line::default(); 2];
    crate::testing::off_subgroup().write(&mut lines);
    let start = entry(&bytes, Section::G2).0;
    assert_eq!(
        damaged(&|bytes| bytes[start..start + 128].copy_from_slice(map::bytes(&lines))),
        KeyFileError::NotInSubgroup {
            section: Section::G2,
            index: 0
        }
    );
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

/// Points that are fine one by one, but make no key.
#[test]
fn s31_a_file_with_fixed_points_that_do_not_fit_together_is_refused() {
    let (_, bytes) = sample();
    let refused = |section: Section, from: usize, to: usize| {
        let mut bytes = bytes.clone();
        let (start, _) = entry(&bytes, section);
        let size = usize::try_from(section.element_bytes()).unwrap();
        bytes.copy_within(start + from * size..start + (from + 1) * size, start + to * size);
        CircuitKey::from_contents(decode(&bytes).unwrap()).unwrap_err()
    };
    // β, γ, δ in G2; α, β, δ in G1.
    assert_eq!(
        refused(Section::G2, 1, 2),
        crate::ProvingKeyError::VerifyingKey(quittance_verifier::DecodeError::DeltaIsGamma)
    );
    let twin = crate::ProvingKeyError::Twin {
        name: "beta or delta",
    };
    assert_eq!(refused(Section::G2, 1, 0), twin);
    assert_eq!(refused(Section::G1, 0, 1), twin);
    assert_eq!(refused(Section::G1, 0, 2), twin);
}

#[test]
fn s32_an_identity_in_any_list_of_a_file_is_refused() {
    let (key, bytes) = sample();
    for section in [Section::A, Section::B1, Section::B2, Section::L, Section::H] {
        let (start, length) = entry(&bytes, section);
        let size = usize::try_from(section.element_bytes()).unwrap();
        for start in [start, start + length - size] {
            let mut bytes = bytes.clone();
            bytes[start..start + size].fill(0);
            let key = CircuitKey::from_contents(decode(&bytes).unwrap()).unwrap();
            let error = key.check_points().unwrap_err();
            assert!(
                matches!(error, crate::ProvingKeyError::Identity { .. }),
                "{error}"
            );
        }
    }
    assert!(!key.vk().alpha_g1.is_zero());
}
