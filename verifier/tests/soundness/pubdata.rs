//! Pubdata: every list of the facts permuted, dropped, extended, and every field of every entry changed.

use ark_bn254::Fr;
use quittance_verifier::*;

use super::statements::{REJECTED, changed, valid};

type Change = fn(&mut Facts);

/// The facts change in each of these ways, and the proof no longer holds.
fn all_rejected(changes: &[(&str, Change)]) {
    let (_, verifier, bundle) = valid();
    for (name, change) in changes {
        let mut bundle = bundle.clone();
        change(&mut bundle.facts);
        assert_eq!(verifier.verify(&bundle), REJECTED, "{name}");
    }
}

#[test]
fn s27_pubdata_permuted() {
    all_rejected(&[
        ("priority", |facts| facts.priority.swap(0, 3)),
        ("priority", |facts| facts.priority.rotate_left(1)),
        ("openings", |facts| facts.openings.swap(0, 1)),
        ("transfers", |facts| facts.transfers.swap(0, 1)),
        ("transfers", |facts| facts.transfers.swap(0, 4)),
        ("transfers", |facts| facts.transfers.rotate_left(2)),
        ("withdrawals", |facts| facts.withdrawals.swap(0, 1)),
        ("rotations", |facts| facts.rotations.swap(0, 1)),
    ]);
}

#[test]
fn s27_pubdata_dropped() {
    all_rejected(&[
        ("priority", |facts| _ = facts.priority.pop()),
        ("priority", |facts| _ = facts.priority.remove(0)),
        ("priority", |facts| facts.priority.clear()),
        ("openings", |facts| _ = facts.openings.pop()),
        ("openings", |facts| facts.openings.clear()),
        ("transfers", |facts| _ = facts.transfers.pop()),
        ("transfers", |facts| _ = facts.transfers.remove(0)),
        ("transfers", |facts| facts.transfers.clear()),
        ("withdrawals", |facts| _ = facts.withdrawals.remove(0)),
        ("rotations", |facts| _ = facts.rotations.remove(0)),
        ("fees", |facts| facts.fees.clear()),
    ]);
}

#[test]
fn s27_pubdata_extended() {
    // Entries of zeros have the words of unused slots: only the counts tell them apart.
    all_rejected(&[
        ("openings", |facts| {
            facts.openings.push(OpeningData {
                from: 0,
                to: 0,
                amount: 0,
                fee: 0,
                token: 0,
                owner: [0; 20],
                key: Default::default(),
            });
        }),
        ("transfers", |facts| {
            facts.transfers.push(TransferData {
                from: 0,
                to: 0,
                amount: 0,
                fee: 0,
            });
        }),
        ("withdrawals", |facts| {
            facts.withdrawals.push(WithdrawalData {
                from: 0,
                token: 0,
                amount: 0,
                fee: 0,
                address: [0; 20],
            });
        }),
        ("rotations", |facts| {
            facts.rotations.push(RotationData {
                from: 0,
                fee: 0,
                owner: [0; 20],
                key: Default::default(),
            });
        }),
        ("fees", |facts| {
            facts.fees.push(FeeData {
                leaf: 0,
                token: 0,
                amount: 0,
            });
        }),
        ("priority repeated", |facts| {
            facts.priority.extend_from_within(3..)
        }),
        ("opening repeated", |facts| {
            facts.openings.extend_from_within(0..1)
        }),
        ("transfer repeated", |facts| {
            facts.transfers.extend_from_within(0..1)
        }),
        ("withdrawal repeated", |facts| {
            facts.withdrawals.extend_from_within(0..1)
        }),
        ("rotation repeated", |facts| {
            facts.rotations.extend_from_within(0..1)
        }),
    ]);
}

#[test]
fn s27_more_entries_than_slots() {
    let too_many: [(Section, usize, u32, Change); 6] = [
        (Section::Priority, 7, 6, |facts| {
            facts.priority.resize(7, facts.priority[0]);
        }),
        (Section::Openings, 4, 3, |facts| {
            facts.openings.resize(4, facts.openings[0]);
        }),
        (Section::Transfers, 9, 8, |facts| {
            facts.transfers.resize(9, facts.transfers[0]);
        }),
        (Section::Withdrawals, 4, 3, |facts| {
            facts.withdrawals.resize(4, facts.withdrawals[0]);
        }),
        (Section::Rotations, 4, 3, |facts| {
            facts.rotations.resize(4, facts.rotations[0]);
        }),
        (Section::Fees, 3, 2, |facts| facts.fees.resize(3, facts.fees[0])),
    ];
    for (section, got, capacity, change) in too_many {
        assert_eq!(
            changed(change),
            Err(VerifyError::Statement(StatementError::TooMany {
                section,
                got,
                capacity
            }))
        );
    }
}

#[test]
fn s27_an_operation_of_one_section_offered_in_another() {
    // An opening without its key is a transfer, a withdrawal's first word is a fee slot's.
    all_rejected(&[
        ("opening as transfer", |facts| {
            let opening = facts.openings.remove(1);
            facts.transfers.insert(
                0,
                TransferData {
                    from: opening.from,
                    to: opening.to,
                    amount: opening.amount,
                    fee: opening.fee,
                },
            );
        }),
        ("withdrawal as fee", |facts| {
            let withdrawal = facts.withdrawals.remove(1);
            facts.fees.push(FeeData {
                leaf: withdrawal.from,
                token: withdrawal.token,
                amount: withdrawal.amount,
            });
        }),
    ]);
}

#[test]
fn s27_each_field_of_pubdata_counts() {
    fn deposit(facts: &mut Facts) -> &mut Deposit {
        match &mut facts.priority[0] {
            PriorityData::Deposit { deposit, .. } => deposit,
            other => panic!("{other:?}"),
        }
    }
    fn exit(facts: &mut Facts) -> (&mut ForcedExit, &mut Payout) {
        match &mut facts.priority[2] {
            PriorityData::ForcedExit {
                exit,
                paid: Some(paid),
            } => (exit, paid),
            other => panic!("{other:?}"),
        }
    }
    all_rejected(&[
        ("queue", |facts| facts.queue[31] ^= 1),
        ("queue", |facts| facts.queue[1] ^= 0x80),
        ("deposit leaf", |facts| deposit(facts).leaf ^= 1),
        ("deposit token", |facts| deposit(facts).token ^= 1),
        ("deposit amount", |facts| deposit(facts).amount ^= 1),
        ("deposit owner", |facts| deposit(facts).owner[0] ^= 1),
        ("deposit key x", |facts| deposit(facts).key[0] += Fr::from(1)),
        ("deposit key y", |facts| deposit(facts).key[1] += Fr::from(1)),
        ("exit leaf", |facts| exit(facts).0.leaf ^= 1),
        ("exit caller", |facts| exit(facts).0.caller[19] ^= 1),
        ("exit token", |facts| exit(facts).1.token ^= 1),
        ("exit amount", |facts| exit(facts).1.amount ^= 1),
        ("opening from", |facts| facts.openings[1].from ^= 1),
        ("opening to", |facts| facts.openings[1].to ^= 1),
        ("opening amount", |facts| facts.openings[1].amount ^= 1),
        ("opening fee", |facts| facts.openings[1].fee ^= 1),
        ("opening token", |facts| facts.openings[1].token ^= 1),
        ("opening owner", |facts| facts.openings[1].owner[7] ^= 1),
        ("opening key x", |facts| facts.openings[1].key[0] += Fr::from(1)),
        ("opening key y", |facts| facts.openings[1].key[1] += Fr::from(1)),
        ("transfer from", |facts| facts.transfers[2].from ^= 1),
        ("transfer to", |facts| facts.transfers[2].to ^= 1),
        ("transfer amount", |facts| facts.transfers[2].amount ^= 1),
        ("transfer fee", |facts| facts.transfers[2].fee ^= 1),
        ("withdrawal from", |facts| facts.withdrawals[0].from ^= 1),
        ("withdrawal token", |facts| facts.withdrawals[0].token ^= 1),
        ("withdrawal amount", |facts| facts.withdrawals[0].amount ^= 1),
        ("withdrawal fee", |facts| facts.withdrawals[0].fee ^= 1),
        ("rotation from", |facts| facts.rotations[1].from ^= 1),
        ("rotation fee", |facts| facts.rotations[1].fee ^= 1),
        ("rotation owner", |facts| facts.rotations[1].owner[0] ^= 1),
        ("rotation key x", |facts| facts.rotations[1].key[0] += Fr::from(1)),
        ("rotation key y", |facts| facts.rotations[1].key[1] += Fr::from(1)),
        ("rotation key swapped", |facts| facts.rotations[1].key.swap(0, 1)),
        ("fee leaf", |facts| facts.fees[0].leaf ^= 1),
        ("fee token", |facts| facts.fees[0].token ^= 1),
        ("fee amount", |facts| facts.fees[0].amount ^= 1),
    ]);
}

#[test]
fn s42_address_of_a_withdrawal_flipped() {
    for at in 0..20 {
        assert_eq!(
            changed(|facts| facts.withdrawals[1].address[at] ^= 0x80),
            REJECTED,
            "byte {at}"
        );
    }
    // The fee stands above the address in one word: neither can give to the other.
    let carried = changed(|facts| {
        let withdrawal = &mut facts.withdrawals[1];
        withdrawal.fee ^= 1;
        withdrawal.address[0] ^= 0x80;
    });
    assert_eq!(carried, REJECTED);
}

#[test]
fn s27_fields_do_not_overflow_into_each_other() {
    // 2^40 in `amount` would be 1 in `to`.
    let (_, _, bundle) = valid();
    assert_eq!(
        changed(|facts| {
            facts.transfers[3].to -= 1;
            facts.transfers[3].amount += 1 << 40;
        }),
        Err(VerifyError::Statement(StatementError::AmountOutOfRange {
            section: Section::Transfers,
            index: 3,
            got: bundle.facts.transfers[3].amount + (1 << 40)
        }))
    );
    assert_eq!(
        changed(|facts| {
            facts.openings[1].to -= 1;
            facts.openings[1].amount += 1 << 40;
        }),
        Err(VerifyError::Statement(StatementError::AmountOutOfRange {
            section: Section::Openings,
            index: 1,
            got: bundle.facts.openings[1].amount + (1 << 40)
        }))
    );
    // 2^248 in the queue's hash would be the same element as another hash plus r, or none.
    assert_eq!(
        changed(|facts| facts.queue[0] = 1),
        Err(VerifyError::Statement(StatementError::QueueOutOfRange))
    );
}
