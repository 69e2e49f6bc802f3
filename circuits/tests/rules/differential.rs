//! S39: native rules and circuit agree on random batches, on acceptance and on the name of the broken rule.

use crate::forger::*;
use crate::support::*;
use quittance_circuits::babyjubjub::BASE8;
use quittance_circuits::batch::{ApplyError, apply_batch};
use quittance_circuits::circuit::assign;
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::leaf::Leaf;
use quittance_circuits::leaf::constraints::LeafWitness;
use quittance_circuits::state::Overlay;
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::transfer::SignedTransfer;
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce};
use std::collections::BTreeMap;

const BATCHES: u64 = 600;

/// SplitMix64: a fixed sequence, the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn index(&mut self, bound: u32) -> u32 {
        u32::try_from(self.below(u64::from(bound))).unwrap()
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// Accounts with odd balances and nonces, two tokens, a few empty places.
fn leaves(random: &mut Random) -> BTreeMap<u32, Leaf> {
    (0..14)
        .map(|index| {
            let balance = match random.below(6) {
                0 => 0,
                1 => u128::MAX,
                2 => u128::MAX - u128::from(random.below(1000)),
                _ => u128::from(random.below(5000)),
            };
            let nonce = match random.below(10) {
                0 => u32::MAX,
                1 => u32::MAX - 1,
                _ => random.index(3),
            };
            (index, leaf(index, balance, nonce, 1 + random.index(2)))
        })
        .collect()
}

/// Mostly plausible, sometimes broken in one way.
fn signed_at_random(random: &mut Random, now: &BTreeMap<u32, Leaf>) -> SignedTransfer {
    let accounts = if random.one_in(12) { 18 } else { 14 };
    let from = random.index(accounts);
    let to = match random.below(8) {
        0 => random.index(18),
        1 => from,
        _ => {
            // Prefer the same token.
            let token = now.get(&from).map(|leaf| leaf.token);
            let same: Vec<u32> = now
                .iter()
                .filter(|(_, leaf)| Some(leaf.token) == token)
                .map(|(i, _)| *i)
                .collect();
            if same.is_empty() {
                random.index(14)
            } else {
                same[usize::try_from(random.next()).unwrap() % same.len()]
            }
        }
    };
    let balance = now.get(&from).map_or(0, |leaf| leaf.balance);
    let fee = FloatFee::encode_floor(u128::from(random.below(30)));
    let amount = match random.below(8) {
        0 => FloatAmount::new(random.next() >> 24).unwrap(),
        1 => FloatAmount::encode_floor(balance),
        _ => FloatAmount::encode_floor(u128::from(random.below(2000))),
    };
    let mut transfer = transfer(from, to, 0, 0, 0);
    transfer.amount = amount;
    transfer.fee = fee;
    transfer.nonce = Nonce(now.get(&from).map_or(0, |leaf| leaf.nonce));
    if random.one_in(15) {
        transfer.nonce = Nonce(random.index(4));
    }
    transfer.valid_until = BatchNumber(if random.one_in(15) {
        BATCH - 1
    } else {
        BATCH + random.index(3)
    });
    let mut signed = sign(transfer);
    match random.below(40) {
        0 => signed.signature = sign(crate::support::transfer(from, to, 1, 1, 0)).signature,
        1 => signed.signature.r8 = signed.signature.r8.add(&BASE8),
        2 => signed.signature.s[0] ^= 1,
        3 => signed.signature.s[3] = u64::MAX,
        4 => signed.transfer.to = AccountIndex(random.index(14)),
        _ => {}
    }
    signed
}

#[test]
fn s39_native_and_circuit_agree_on_random_batches() {
    let mut random = Random(0x51_77_a9_ce);
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for batch in 0..BATCHES {
        let start = leaves(&mut random);
        let world = World::with(start.clone());
        let fees: Vec<FeeSlot> = match random.below(6) {
            0 => vec![fee_slot(10 + random.index(8), 1)],
            1 => vec![fee_slot(3, 1), fee_slot(3, 2)],
            // Fees on top of the fullest account of each token.
            2 => [1, 2]
                .into_iter()
                .filter_map(|token| {
                    let of_token = start.iter().filter(|(_, leaf)| leaf.token == token);
                    of_token
                        .max_by_key(|(_, leaf)| leaf.balance)
                        .map(|(index, _)| fee_slot(*index, token))
                })
                .collect(),
            _ => [1, 2]
                .into_iter()
                .filter_map(|token| {
                    let leaf = start
                        .iter()
                        .find(|(_, leaf)| leaf.token == token && leaf.balance < 1 << 100)?;
                    Some(fee_slot(*leaf.0, token))
                })
                .collect(),
        };
        // The native rules decide transfer by transfer; the forger executes the same without asking.
        let mut forger = Forger::of(core::array::from_fn(|place| {
            let index = u32::try_from(place).unwrap();
            start.get(&index).map_or(LeafWitness::EMPTY, LeafWitness::from)
        }));
        forger = forger.fee_slots(&fees);
        let mut now = start;
        let mut transfers = Vec::new();
        for _ in 0..random.below(4) {
            let signed = signed_at_random(&mut random, &now);
            transfers.push(signed);
            forger = forger.transfer_as_read(&signed);
            let mut overlay = Overlay::new(&world.state).unwrap();
            if apply_batch(
                &mut overlay,
                &context(),
                &transfers,
                &[fee_slot(0, 1), fee_slot(0, 2)],
            )
            .is_err_and(|error| !matches!(error, ApplyError::Fee { .. }))
            {
                break;
            }
            for index in 0..16 {
                if let Some(leaf) = overlay.leaf(AccountIndex(index)).unwrap() {
                    now.insert(index, leaf);
                }
            }
        }
        let forger = forger.finish_as_read();
        let label = SMALL_CIRCUIT
            .first_broken_rule(&forger.assignment())
            .map(|label| label.to_string());
        match world.apply(&transfers, &fees) {
            Ok(applied) => {
                assert_eq!(label, None, "batch {batch}: native accepts");
                assert_eq!(applied.new_root, forger.witness.new_root, "batch {batch}");
                let values = assign(&SMALL, &KEY_ID, &applied).unwrap();
                assert_eq!(SMALL_CIRCUIT.first_unsatisfied(&values), None, "batch {batch}");
                *seen.entry("accepted".into()).or_default() += 1;
            }
            Err(error) => {
                let native = match &error {
                    ApplyError::Transfer { index, error } => format!("transfer[{index}].{}", error.rule()),
                    ApplyError::Fee { slot, error } => format!("fee[{slot}].{}", error.rule()),
                    other => panic!("batch {batch}: {other}"),
                };
                assert_eq!(label.as_deref(), Some(&*native), "batch {batch}: {error}");
                // `transfer.rule` or `fee.rule`, without the slot.
                let (slot, rule) = native.split_once("].").unwrap();
                let section = slot.split_once('[').unwrap().0;
                *seen.entry(format!("{section}.{rule}")).or_default() += 1;
            }
        }
    }
    println!("{seen:?}");
    for rule in [
        "accepted",
        "transfer.not_expired",
        "transfer.sender_exists",
        "transfer.sender_in_range",
        "transfer.nonce_matches",
        "transfer.nonce_in_range",
        "transfer.recipient_exists",
        "transfer.recipient_in_range",
        "transfer.token_matches",
        "transfer.balance_covers",
        "transfer.recipient_not_overflowed",
        "transfer.signature_canonical",
        "transfer.signature_valid",
        "transfer.fee_routed_once",
        "fee.recipient_exists",
        "fee.recipient_in_range",
        "fee.token_matches",
        "fee.recipient_not_overflowed",
    ] {
        assert!(seen.contains_key(rule), "no random batch met {rule}: {seen:?}");
    }
}
