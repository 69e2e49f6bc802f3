use super::*;
use crate::synthetic;
use ark_ff::BigInteger as _;

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
    // Words of the modulus are no zero.
    let above = [fr(1), fr(1), Fr::new_unchecked(Fr::MODULUS), fr(9)];
    assert_eq!(r1cs.first_unsatisfied(&above), Some(0));
    assert_eq!(
        r1cs.evaluate(MatrixName::A, &above),
        Err(R1csError::AssignmentValue { variable: 2 })
    );
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
    // Whatever still decodes after a bit flip is another system, and its rows and coefficients, encoded anew, have exactly these bytes.
    let mut decoded = 0;
    for position in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[position] ^= 1 << (position % 8);
        if let Ok(other) = R1cs::from_bytes(&flipped) {
            let (instance, witness) = (other.num_instance(), other.num_witness());
            let again = R1cs::from_matrices(&other.to_matrices(), instance, witness).unwrap();
            assert_eq!(
                again.to_bytes(),
                flipped,
                "bit {} of byte {position}",
                position % 8
            );
            decoded += 1;
        }
    }
    assert!(decoded > 100, "{decoded}");
}

/// Rows are checked in tasks, most of them by a look at all terms at once: whatever is wrong in a late row is found, and its row named.
#[test]
fn s38_rows_of_every_task_are_checked() {
    const ROWS: usize = 2 * 8192 + 100;
    let coefficient = |row: usize| fr([1, -1, 5][row % 3]);
    let matrices = MatrixName::ALL.map(|_| -> Matrix<Fr> {
        let row = |row: usize| {
            vec![
                (coefficient(row), 1 + row % 7),
                (coefficient(row + 1), 9 + row % 5),
            ]
        };
        (0..ROWS).map(row).collect()
    });
    let variables = 14;
    let r1cs = R1cs::from_matrices(&matrices, 2, variables - 2).unwrap();
    assert_eq!(r1cs.num_coefficients(), 3);
    let bytes = r1cs.to_bytes();
    assert_eq!(R1cs::from_bytes(&bytes).unwrap(), r1cs);

    // Of each matrix the offsets, then two terms for each row, a column and a coefficient each.
    let terms_of = |name: MatrixName| {
        let matrix = 4 * (ROWS + 1) + 16 * ROWS;
        64 + 32 * 3 + name.index() * matrix + 4 * (ROWS + 1)
    };
    for name in MatrixName::ALL {
        for row in [0, 1, 8191, 8192, 8193, 10_000, 2 * 8192 - 1, 2 * 8192, ROWS - 1] {
            let start = terms_of(name) + 16 * row;
            let refused = |change: &dyn Fn(&mut [u8])| {
                let mut bytes = bytes.clone();
                change(&mut bytes[start..start + 16]);
                R1cs::from_bytes(&bytes).unwrap_err()
            };
            let out_of_order = R1csError::from(R1csEncodingError::Terms { matrix: name, row });
            for column in [variables, 1 << 31, u32::MAX as usize] {
                let number = u32::try_from(column).unwrap().to_le_bytes();
                assert_eq!(
                    refused(&|terms| terms[8..12].copy_from_slice(&number)),
                    R1csError::Column {
                        matrix: name,
                        row,
                        got: column,
                        variables
                    }
                );
            }
            // The two terms exchanged, then equal columns; a coefficient that does not exist.
            assert_eq!(refused(&|terms| terms.rotate_left(8)), out_of_order);
            assert_eq!(refused(&|terms| terms.copy_within(..4, 8)), out_of_order);
            assert_eq!(refused(&|terms| terms[12] = 3), out_of_order);
        }
    }
}

#[test]
fn systems_above_the_limits_are_refused_with_the_number() {
    const MAX: usize = R1cs::MAX_DOMAIN;
    // The domains of the largest system and of twice that size have roots of unity, no larger ones.
    assert_eq!(
        MAX,
        1 << (<Fr as ark_ff::FftField>::TWO_ADICITY - 1),
        "the field's roots of unity"
    );
    let too_large = |what, got| Err(R1csError::TooLarge { what, got, max: MAX });
    let (rows, instance, witness) = ("number of rows", "instance", "witness");
    let together = "rows and instance variables together";
    assert_eq!(check_counts(MAX - 1, 1, MAX), Ok(()));
    assert_eq!(check_counts(0, MAX, MAX), Ok(()));
    assert_eq!(check_counts(MAX, 1, 1), too_large(together, MAX + 1));
    assert_eq!(check_counts(1, MAX, 1), too_large(together, MAX + 1));
    for got in [MAX + 1, 1 << 32, usize::MAX] {
        assert_eq!(check_counts(got, 1, 1), too_large(rows, got));
        assert_eq!(check_counts(1, got, 1), too_large(instance, got));
        assert_eq!(check_counts(1, 1, got), too_large(witness, got));
        assert_eq!(
            R1cs::from_matrices(&small(), got, 2).err(),
            too_large(instance, got).err()
        );
        assert_eq!(
            R1cs::from_matrices(&small(), 2, got).err(),
            too_large(witness, got).err()
        );
    }
    assert_eq!(
        R1cs::from_matrices(&small(), MAX, 2).err(),
        too_large(together, MAX + 2).err()
    );
    assert_eq!(to_u32("terms", u32::MAX as usize), Ok(u32::MAX));
    assert!(matches!(
        to_u32("terms", u32::MAX as usize + 1),
        Err(R1csError::TooLarge { what: "terms", .. })
    ));
    // A header says the numbers of a system that nobody could hold.
    for (field, expected) in [(1, instance), (2, witness)] {
        let mut bytes = small_r1cs().to_bytes();
        let got = MAX + 1;
        bytes[8 + 4 * field..][..4].copy_from_slice(&u32::try_from(got).unwrap().to_le_bytes());
        assert_eq!(R1cs::from_bytes(&bytes).err(), too_large(expected, got).err());
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

/// One system has one encoding: words at or above the modulus would be another spelling of a coefficient.
#[test]
fn s38_coefficients_that_are_no_field_elements_are_refused() {
    for value in [0u64, 1, 7] {
        let mut coefficient = Fr::from(value);
        coefficient.0.add_with_carry(&Fr::MODULUS);
        for name in 0..3 {
            let mut matrices = [(); 3].map(|()| vec![vec![(Fr::ONE, 0)], vec![(Fr::ONE, 1), (Fr::ONE, 2)]]);
            matrices[name][1][1].0 = coefficient;
            let refused = R1cs::from_matrices(&matrices, 2, 1);
            let matrix = MatrixName::ALL[name];
            let (row, column) = (1, 2);
            assert_eq!(refused, Err(R1csError::Coefficient { matrix, row, column }));
        }
    }
}
