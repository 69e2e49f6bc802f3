use super::*;
use crate::synthetic;

fn fr(value: i64) -> Fr {
    let magnitude = Fr::from(value.unsigned_abs());
    if value < 0 { -magnitude } else { magnitude }
}

/// x·x = y, (2x − y + 3)·1 = z over (1, z, x, y).
fn small() -> [Matrix<Fr>; 3] {
    [
        vec![vec![(fr(1), 2)], vec![(fr(2), 2), (fr(-1), 3), (fr(3), 0)]],
        vec![vec![(fr(1), 2)], vec![(fr(1), 0)]],
        vec![vec![(fr(1), 3)], vec![(fr(1), 1)]],
    ]
}

fn small_r1cs() -> R1cs {
    R1cs::from_matrices(&small(), 2, 2).unwrap()
}

#[test]
fn rows_are_kept_in_canonical_order() {
    let r1cs = small_r1cs();
    assert_eq!(r1cs.num_constraints(), 2);
    assert_eq!(r1cs.nonzeros(), 8);
    assert_eq!(r1cs.domain_size(), 4);
    let row: Vec<_> = r1cs.row(MatrixName::A, 1).collect();
    assert_eq!(row, [(&fr(3), 0), (&fr(2), 2), (&fr(-1), 3)]);
    assert_eq!(r1cs.row(MatrixName::A, 2).count(), 0);
    assert_eq!(R1cs::from_matrices(&r1cs.to_matrices(), 2, 2).unwrap(), r1cs);
}

#[test]
fn equal_columns_are_added_and_zeros_dropped() {
    let mut matrices = small();
    matrices[0][1] = vec![
        (fr(5), 2),
        (fr(-1), 3),
        (fr(3), 0),
        (fr(-3), 2),
        (fr(0), 1),
        (fr(4), 1),
        (fr(-4), 1),
    ];
    assert_eq!(R1cs::from_matrices(&matrices, 2, 2).unwrap(), small_r1cs());
    assert_eq!(
        R1cs::from_matrices(&matrices, 2, 2).unwrap().digest(),
        small_r1cs().digest()
    );
}

#[test]
fn the_first_unsatisfied_row_is_named() {
    let r1cs = small_r1cs();
    let good = [fr(1), fr(0), fr(3), fr(9)];
    assert_eq!(r1cs.first_unsatisfied(&good), None);
    assert_eq!(r1cs.first_unsatisfied(&[fr(1), fr(1), fr(3), fr(9)]), Some(1));
    assert_eq!(r1cs.first_unsatisfied(&[fr(1), fr(1), fr(3), fr(8)]), Some(0));
    assert_eq!(r1cs.first_unsatisfied(&good[..3]), Some(0));
}

#[test]
fn every_broken_row_of_a_long_system_is_found() {
    let (r1cs, assignment) = synthetic::circuit(12, 3).unwrap();
    // Breaking a wire breaks the row that made it first, or an earlier one that names it.
    for wire in (4..assignment.len()).step_by(191) {
        let mut broken = assignment.clone();
        broken[wire] += fr(1);
        let by_row = (0..r1cs.num_constraints()).find(|&row| {
            let [a, b, c] = MatrixName::ALL.map(|name| {
                r1cs.row(name, row)
                    .map(|(k, column)| *k * broken[column])
                    .sum::<Fr>()
            });
            a * b != c
        });
        assert!(by_row.is_some());
        assert_eq!(r1cs.first_unsatisfied(&broken), by_row);
        let a = r1cs.evaluate(MatrixName::A, &broken).unwrap();
        let b = r1cs.evaluate(MatrixName::B, &broken).unwrap();
        assert_eq!(r1cs.first_wrong_product(&a, &b, &broken), by_row);
    }
}

#[test]
fn bad_matrices_are_refused() {
    let refuse = |change: &dyn Fn(&mut [Matrix<Fr>; 3]), instance| {
        let mut matrices = small();
        change(&mut matrices);
        R1cs::from_matrices(&matrices, instance, 2).unwrap_err()
    };
    let error = refuse(&|matrices| matrices[2].truncate(1), 2);
    assert!(matches!(
        error,
        R1csError::RowCount {
            matrix: MatrixName::C,
            got: 1,
            expected: 2
        }
    ));
    let error = refuse(&|matrices| matrices[1][1][0].1 = 4, 2);
    assert!(matches!(
        error,
        R1csError::Column {
            matrix: MatrixName::B,
            row: 1,
            got: 4,
            variables: 4
        }
    ));
    assert_eq!(refuse(&|_| (), 0), R1csError::NoConstant);
    assert!(matches!(refuse(&|_| (), usize::MAX), R1csError::TooLarge { .. }));
}

#[test]
fn s38_encoding_is_bijective_and_strict() {
    let (r1cs, _) = synthetic::circuit(6, 5).unwrap();
    let bytes = r1cs.to_bytes();
    assert_eq!(R1cs::from_bytes(&bytes).unwrap(), r1cs);
    for length in 0..bytes.len() {
        assert!(R1cs::from_bytes(&bytes[..length]).is_err(), "{length} bytes");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(matches!(
        R1cs::from_bytes(&longer),
        Err(R1csError::Encoding(R1csEncodingError::Length { .. }))
    ));
    // Whatever still decodes after a bit flip is another system with exactly these bytes.
    for position in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[position] ^= 1 << (position % 8);
        if let Ok(other) = R1cs::from_bytes(&flipped) {
            assert_ne!(other, r1cs);
            assert_eq!(other.to_bytes(), flipped);
        }
    }
}

#[test]
fn s38_a_header_that_promises_gigabytes_allocates_nothing() {
    let mut bytes = small_r1cs().to_bytes();
    for field in 0..7 {
        let position = 12 + 4 * field;
        let original = bytes.clone();
        bytes[position..position + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        let error = R1cs::from_bytes(&bytes).unwrap_err();
        assert!(matches!(
            error,
            R1csError::Encoding(R1csEncodingError::Length { .. }) | R1csError::TooLarge { .. }
        ));
        bytes = original;
    }
}

#[test]
fn every_kind_of_malformed_encoding_has_its_error() {
    let bytes = small_r1cs().to_bytes();
    let encoding = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = bytes.clone();
        change(&mut bytes);
        match R1cs::from_bytes(&bytes) {
            Err(R1csError::Encoding(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(encoding(&|bytes| bytes[0] = 0), R1csEncodingError::Magic);
    assert_eq!(
        encoding(&|bytes| bytes[8] = 2),
        R1csEncodingError::Version { got: 2, expected: 1 }
    );
    assert_eq!(encoding(&|bytes| bytes[63] = 1), R1csEncodingError::Reserved);
    // Dictionary: 1, −1, then 3 and 2 in order of first use.
    let entry = |index: usize| 64 + 32 * index;
    assert_eq!(
        encoding(&|bytes| bytes[entry(0)] = 2),
        R1csEncodingError::Dictionary { index: 0 }
    );
    assert_eq!(
        encoding(&|bytes| bytes[entry(2)] = 0),
        R1csEncodingError::Dictionary { index: 2 }
    );
    assert_eq!(
        encoding(&|bytes| bytes[entry(3)] = 3),
        R1csEncodingError::Dictionary { index: 3 }
    );
    assert_eq!(
        encoding(&|bytes| bytes[entry(3)..entry(4)].fill(0xff)),
        R1csEncodingError::Dictionary { index: 3 }
    );
    let offsets = entry(4);
    let matrix = MatrixName::A;
    assert_eq!(
        encoding(&|bytes| bytes[offsets] = 1),
        R1csEncodingError::Offsets { matrix, row: 0 }
    );
    assert_eq!(
        encoding(&|bytes| bytes[offsets + 4] = 9),
        R1csEncodingError::Offsets { matrix, row: 1 }
    );
    assert_eq!(
        encoding(&|bytes| bytes[offsets + 8] = 3),
        R1csEncodingError::Offsets { matrix, row: 2 }
    );
    let terms = offsets + 12;
    // Row 1 of A is (3, 0), (2, 2), (−1, 3): a repeated column, then coefficients out of turn.
    assert_eq!(
        encoding(&|bytes| bytes[terms + 16] = 0),
        R1csEncodingError::Terms { matrix, row: 1 }
    );
    assert_eq!(
        encoding(&|bytes| bytes[terms + 12] = 3),
        R1csEncodingError::Terms { matrix, row: 1 }
    );
    assert_eq!(
        encoding(&|bytes| bytes[terms + 20] = 2),
        R1csEncodingError::Dictionary { index: 3 }
    );
}
