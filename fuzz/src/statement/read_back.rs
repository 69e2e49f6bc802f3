//! Facts from elements, by `verifier/README.md`, "Statement elements".

use ark_bn254::Fr;
use ark_ff::{BigInteger, PrimeField};
use quittance_verifier::{
    Deposit, Facts, FeeData, ForcedExit, OpeningData, Payout, PriorityData, RotationData, Shape,
    TransferData, WithdrawalData,
};

/// The facts that elements state, and the words of used slots. Words of unused ones are 0.
pub(super) fn facts(words: &[Fr], shape: &Shape) -> (Facts, Vec<Fr>) {
    let counts = bytes(&words[4]);
    assert_eq!(counts[..8], [0; 8]);
    // Fees, rotations, withdrawals, transfers, openings, priority.
    let [fees, rotations, withdrawals, transfers, openings, priority] =
        std::array::from_fn(|section| number(&counts[8 + 4 * section..12 + 4 * section]));
    let mut rest = Words {
        rest: &words[6..],
        used: Vec::new(),
    };
    let facts = Facts {
        rollup_id: bytes(&words[0]),
        batch_number: number(&bytes(&words[1])),
        old_root: words[2],
        new_root: words[3],
        queue: bytes(&words[5]),
        fees: rest.list(fees, shape.fee_slots, |[word]| fee(word)),
        priority: rest.list(priority, shape.priority, self::priority),
        openings: rest.list(openings, shape.openings, opening),
        withdrawals: rest.list(withdrawals, shape.withdrawals, withdrawal),
        rotations: rest.list(rotations, shape.rotations, rotation),
        transfers: {
            let pairs = rest.list(transfers.div_ceil(2), shape.transfers.div_ceil(2), |[word]| {
                pair(word)
            });
            let mut all = pairs.concat();
            if transfers % 2 == 1 {
                let last = all.pop().map(|last| (last.from, last.to, last.amount, last.fee));
                assert_eq!(last, Some((0, 0, 0, 0)));
            }
            all
        },
    };
    assert!(rest.rest.is_empty());
    (facts, rest.used)
}

/// Words not yet read, and those read of used slots.
struct Words<'a> {
    rest: &'a [Fr],
    used: Vec<Fr>,
}

impl Words<'_> {
    fn list<const N: usize, T>(&mut self, count: u32, slots: u32, entry: impl Fn([Fr; N]) -> T) -> Vec<T> {
        let (words, rest) = self.rest.split_at(N * slots as usize);
        self.rest = rest;
        let (used, unused) = words.split_at(N * count as usize);
        assert!(unused.iter().all(|word| *word == Fr::from(0u64)));
        self.used.extend(used);
        let (slots, _) = used.as_chunks::<N>();
        slots.iter().map(|words| entry(*words)).collect()
    }
}

fn bytes(word: &Fr) -> [u8; 32] {
    word.into_bigint().to_bytes_be().try_into().expect("32 bytes")
}

/// A big-endian number whose value fits.
fn number<N: TryFrom<u128>>(bytes: &[u8]) -> N {
    let (high, low) = bytes.split_at(bytes.len().saturating_sub(16));
    assert!(high.iter().all(|byte| *byte == 0));
    let value = low
        .iter()
        .fold(0, |value: u128, byte| value << 8 | u128::from(*byte));
    N::try_from(value).ok().expect("a number in range")
}

/// The last bytes of a word whose first ones are 0.
fn last<const N: usize>(word: &Fr) -> [u8; N] {
    let bytes = bytes(word);
    assert!(bytes[..32 - N].iter().all(|byte| *byte == 0));
    *bytes.last_chunk().expect("at most 32")
}

fn fee(word: Fr) -> FeeData {
    let word: [u8; 24] = last(&word);
    FeeData {
        leaf: number(&word[..4]),
        token: number(&word[4..8]),
        amount: number(&word[8..]),
    }
}

fn priority([head, owner, x, y]: [Fr; 4]) -> PriorityData {
    let head: [u8; 26] = last(&head);
    let (leaf, token, amount) = (number(&head[2..6]), number(&head[6..10]), number(&head[10..]));
    let done = match head[1] {
        0 => false,
        1 => true,
        flag => panic!("flag {flag}"),
    };
    match head[0] {
        5 => PriorityData::Deposit {
            deposit: Deposit {
                leaf,
                token,
                amount,
                owner: last(&owner),
                key: [x, y],
            },
            done,
        },
        6 => {
            assert_eq!([x, y], [Fr::from(0u64); 2]);
            assert!(done || (token == 0 && amount == 0));
            PriorityData::ForcedExit {
                exit: ForcedExit {
                    leaf,
                    caller: last(&owner),
                },
                paid: done.then_some(Payout { token, amount }),
            }
        }
        kind => panic!("kind {kind}"),
    }
}

fn opening([head, owner, x, y]: [Fr; 4]) -> OpeningData {
    let head: [u8; 19] = last(&head);
    let moved = transfer(&head[4..]);
    OpeningData {
        from: moved.from,
        to: moved.to,
        amount: moved.amount,
        fee: moved.fee,
        token: number(&head[..4]),
        owner: last(&owner),
        key: [x, y],
    }
}

fn withdrawal([head, paid]: [Fr; 2]) -> WithdrawalData {
    let (head, paid): ([u8; 24], [u8; 22]) = (last(&head), last(&paid));
    WithdrawalData {
        from: number(&head[..4]),
        token: number(&head[4..8]),
        amount: number(&head[8..]),
        fee: number(&paid[..2]),
        address: *paid.last_chunk().expect("22 bytes"),
    }
}

fn rotation([head, owner, x, y]: [Fr; 4]) -> RotationData {
    let head: [u8; 6] = last(&head);
    RotationData {
        from: number(&head[..4]),
        fee: number(&head[4..]),
        owner: last(&owner),
        key: [x, y],
    }
}

fn pair(word: Fr) -> [TransferData; 2] {
    let word: [u8; 30] = last(&word);
    [transfer(&word[..15]), transfer(&word[15..])]
}

fn transfer(bytes: &[u8]) -> TransferData {
    TransferData {
        from: number(&bytes[..4]),
        to: number(&bytes[4..8]),
        amount: number(&bytes[8..13]),
        fee: number(&bytes[13..15]),
    }
}
