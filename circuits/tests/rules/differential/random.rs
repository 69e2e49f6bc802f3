//! Random states and operations, the same on every machine: mostly plausible, now and then broken in one way.
//!
//! Chance alone would meet some rules once in a thousand batches, or never. So most batches have an [`Aim`]: one operation is broken in the
//! way that this rule refuses, and in no other, and the state is such that it can be.

use crate::support::*;
use quittance_circuits::babyjubjub::{BASE8, Point};
use quittance_circuits::eddsa::{SecretKey, Signature};
use quittance_circuits::leaf::Leaf;
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::{Deposit, ForcedExit, Priority, SignedOperation};
use quittance_circuits::types::{AccountIndex, RootAddress, TokenId};
use std::collections::BTreeMap;

/// SplitMix64.
pub(super) struct Random(pub(super) u64);

/// The rule that one operation of a batch, or one of its fee slots, is to break. Without one, all is left to chance.
pub(super) type Aim = Option<&'static str>;

/// Whether something is done that this rule refuses: if it is aimed at, or one time in `n` where nothing is.
fn breaks(random: &mut Random, aim: Aim, rule: &str, n: u64) -> bool {
    aim.map_or_else(|| random.one_in(n), |aim| aim == rule)
}

/// What a generator knows of the state: the leaves, and which key signs for each.
pub(super) struct Known {
    pub(super) leaves: BTreeMap<u32, Leaf>,
    pub(super) keys: BTreeMap<u32, u32>,
    /// Keys made so far for accounts that are opened or handed over.
    next_key: u32,
}

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn index(&mut self, bound: u32) -> u32 {
        u32::try_from(self.below(u64::from(bound))).unwrap()
    }

    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        let index = self.below(u64::try_from(from.len().max(1)).unwrap());
        from.get(usize::try_from(index).unwrap()).copied()
    }

    /// Of any size.
    fn amount(&mut self) -> u128 {
        let amount = u128::from(self.next()) << 64 | u128::from(self.next());
        amount >> self.below(128)
    }

    fn address(&mut self) -> RootAddress {
        let mut address = [0; 20];
        address[..8].copy_from_slice(&self.next().to_le_bytes());
        address[19] = 1;
        RootAddress(address)
    }
}

impl Known {
    /// Accounts with odd balances and nonces, two tokens, empty places in both halves.
    pub(super) fn at_random(random: &mut Random, aim: Aim) -> Self {
        let mut leaves = BTreeMap::new();
        for index in 0..16 {
            if random.one_in(3) {
                continue;
            }
            let balance = match random.below(12) {
                0 => 0,
                1 => u128::MAX - u128::from(random.below(1000)),
                2 => u128::MAX,
                _ => u128::from(random.below(5000)),
            };
            let nonce = match random.below(150) {
                0 => u32::MAX,
                1 => u32::MAX - 1,
                _ => random.index(3),
            };
            leaves.insert(index, leaf(index, balance, nonce, 1 + random.index(2)));
        }
        // The account that it takes.
        let token = 1 + random.index(2);
        match aim {
            Some("nonce_in_range") => leaves.insert(0, leaf(0, 4000, u32::MAX, token)),
            Some("recipient_not_overflowed") => leaves.insert(0, leaf(0, u128::MAX, 0, token)),
            _ => None,
        };
        Self {
            keys: leaves.keys().map(|index| (*index, *index)).collect(),
            leaves,
            next_key: 100,
        }
    }

    /// Fee slots that break what is aimed at.
    fn fee_slots_with(&self, random: &mut Random, rule: &str) -> Vec<FeeSlot> {
        // Fees on top of the fullest account of each token.
        if rule == "recipient_not_overflowed" {
            return self.fee_slots_by(|leaf| leaf.balance);
        }
        let mut slots = self.working_fee_slots();
        let token = slots.first().map_or(1, |slot| slot.token.get());
        let leaf = match rule {
            "recipient_exists" => self.empty(random, 0..16),
            "token_matches" => self.account(random, |_, leaf| leaf.token != token),
            _ => Some(16 + random.index(2)),
        };
        if let (Some(first), Some(leaf)) = (slots.first_mut(), leaf) {
            first.leaf = AccountIndex(leaf);
        }
        slots
    }

    /// For each token an account that is not nearly full.
    fn working_fee_slots(&self) -> Vec<FeeSlot> {
        self.fee_slots_by(|leaf| u128::MAX - leaf.balance)
    }

    /// Fee slots for a batch: without an aim, they mostly work.
    pub(super) fn fee_slots(&self, random: &mut Random, aim: Option<(&str, &str)>) -> Vec<FeeSlot> {
        match aim {
            Some(("fee", rule)) => return self.fee_slots_with(random, rule),
            // No slot for the other token.
            Some((_, "fee_routed_once")) => return self.working_fee_slots().into_iter().take(1).collect(),
            Some(_) => return self.working_fee_slots(),
            None => {}
        }
        match random.below(14) {
            0 => vec![fee_slot(random.index(18), 1), fee_slot(random.index(18), 2)],
            1 => vec![fee_slot(random.index(16), 1)],
            2 => self.fee_slots_with(random, "recipient_not_overflowed"),
            _ => self.working_fee_slots(),
        }
    }

    fn fee_slots_by(&self, preference: impl Fn(&Leaf) -> u128) -> Vec<FeeSlot> {
        let of_token = |token| {
            let accounts = self.leaves.iter().filter(|(_, leaf)| leaf.token == token);
            accounts
                .max_by_key(|(_, leaf)| preference(leaf))
                .map(|(index, _)| fee_slot(*index, token))
        };
        [1, 2].into_iter().filter_map(of_token).collect()
    }

    fn empty(&self, random: &mut Random, half: core::ops::Range<u32>) -> Option<u32> {
        let places: Vec<u32> = half.filter(|index| !self.leaves.contains_key(index)).collect();
        random.pick(&places)
    }

    fn account(&self, random: &mut Random, chosen: impl Fn(u32, &Leaf) -> bool) -> Option<u32> {
        let accounts = self.leaves.iter().filter(|(index, leaf)| chosen(**index, leaf));
        let accounts: Vec<u32> = accounts.map(|(index, _)| *index).collect();
        random.pick(&accounts)
    }

    /// A key that will sign for a place, if the operation succeeds; sometimes none at all.
    fn new_key(&mut self, random: &mut Random, aim: Aim) -> Point {
        self.next_key += 1;
        let point = *key(self.next_key).public_key().point();
        if !breaks(random, aim, "key_valid", 67) {
            return point;
        }
        match random.below(3) {
            0 => Point::new(-point.x, -point.y),
            1 => Point::new(point.x, point.x),
            _ => Point::IDENTITY,
        }
    }

    /// What the generator's key of a place becomes once an operation with a new key has succeeded.
    pub(super) fn hand_over(&mut self, index: u32) {
        self.keys.insert(index, self.next_key);
    }

    pub(super) fn priority(&mut self, random: &mut Random, aim: Aim) -> Priority {
        let anywhere = if breaks(random, aim, "recipient_in_range", 200) {
            16 + random.index(2)
        } else {
            random.index(16)
        };
        let leaf = AccountIndex(anywhere);
        let account = self.leaves.get(&anywhere).copied();
        if random.one_in(3) {
            let caller = match account {
                Some(account) if !random.one_in(4) => account.owner(),
                _ => random.address(),
            };
            return Priority::ForcedExit(ForcedExit { leaf, caller });
        }
        let key = self.new_key(random, aim);
        let token = match account {
            Some(account) if !random.one_in(5) => account.token,
            _ => 1 + random.index(2),
        };
        Priority::Deposit(Deposit {
            leaf,
            token: TokenId(token),
            amount: if random.one_in(4) {
                random.amount()
            } else {
                u128::from(random.below(3000))
            },
            owner: if random.one_in(15) {
                RootAddress([0; 20])
            } else {
                random.address()
            },
            key,
        })
    }

    /// Whose operation breaks the rule.
    fn sender_with(&self, random: &mut Random, rule: &str) -> Option<u32> {
        match rule {
            "sender_exists" => self.empty(random, 0..16),
            "sender_in_range" => Some(16 + random.index(3)),
            "nonce_in_range" => self.account(random, |_, leaf| leaf.nonce == u32::MAX),
            "balance_covers" => self.account(random, |_, leaf| leaf.balance < 10_000),
            // The batch has no fee slot of this token.
            "fee_routed_once" => self.account(random, |_, leaf| leaf.token == 2),
            "recipient_not_overflowed" => {
                let token = self.leaves.get(&0)?.token;
                self.account(random, |index, leaf| {
                    index != 0 && leaf.token == token && leaf.balance > 100
                })
            }
            _ => self.account(random, |_, leaf| leaf.nonce < u32::MAX),
        }
    }

    /// At which place the operation breaks the rule; for other rules a place that nobody objects to.
    fn recipient_with(&self, random: &mut Random, kind: Kind, from: u32, rule: &str) -> Option<u32> {
        let token = self.leaves.get(&from).map(|leaf| leaf.token);
        match (kind, rule) {
            (Kind::Opening, "leaf_empty") => self.account(random, |index, _| index < 8),
            (Kind::Opening, "recipient_in_range") => self.empty(random, 8..20),
            (Kind::Opening, _) => self.empty(random, 0..8),
            (_, "recipient_exists") => self.empty(random, 0..16),
            (_, "recipient_in_range") => Some(16 + random.index(3)),
            (_, "token_matches") => self.account(random, |_, leaf| Some(leaf.token) != token),
            (_, "recipient_not_overflowed") => Some(0),
            _ => {
                let roomy = |_, leaf: &Leaf| Some(leaf.token) == token && leaf.balance < u128::MAX / 2;
                self.account(random, roomy).or(Some(from))
            }
        }
    }

    fn sender(&self, random: &mut Random) -> u32 {
        match self.account(random, |_, _| true) {
            Some(index) if !random.one_in(80) => index,
            _ => random.index(19),
        }
    }

    /// `None` where no place is left for an opening, mostly.
    fn recipient(&self, random: &mut Random, kind: Kind, from: u32) -> Option<u32> {
        Some(match kind {
            Kind::Opening => match self.empty(random, 0..8) {
                Some(place) if !random.one_in(40) => place,
                None if !random.one_in(30) => return None,
                _ => random.index(20),
            },
            _ if random.one_in(60) => random.index(19),
            _ => {
                // Mostly of the same token, often the account itself.
                let token = self.leaves.get(&from).map(|account| account.token);
                self.account(random, |_, leaf| Some(leaf.token) == token)
                    .unwrap_or(from)
            }
        })
    }

    /// `None` where the state has no place for it.
    pub(super) fn signed(&mut self, random: &mut Random, kind: Kind, aim: Aim) -> Option<SignedOperation> {
        let mut draft = Draft::new(kind);
        (draft.from, draft.to) = match aim {
            Some(rule) => {
                let from = self.sender_with(random, rule)?;
                (from, self.recipient_with(random, kind, from, rule)?)
            }
            None => {
                let from = self.sender(random);
                (from, self.recipient(random, kind, from)?)
            }
        };
        let account = self.leaves.get(&draft.from).copied();
        let balance = account.map_or(0, |account| account.balance);
        draft.fee = u128::from(random.below(3)) * u128::from(random.below(15));
        if balance < draft.fee && (aim.is_some() || !random.one_in(20)) {
            draft.fee = 0;
        }
        let left = balance.saturating_sub(draft.fee);
        draft.amount = match random.below(60) {
            _ if aim.is_some() => left.min(1 + u128::from(random.below(300))),
            0 => random.amount(),
            1 => balance,
            2..8 => left,
            _ => left.min(u128::from(random.below(300))),
        };
        match aim {
            // A rotation pays nothing else.
            Some("balance_covers") if kind == Kind::Rotation => draft.fee = 2 * balance + 20,
            Some("balance_covers") => draft.amount = left + 1 + u128::from(random.below(300)),
            Some("recipient_not_overflowed") => draft.amount = left,
            _ => {}
        }
        draft.nonce = account.map_or(0, |account| account.nonce);
        if breaks(random, aim, "nonce_matches", 130) {
            draft.nonce = draft.nonce.wrapping_add(1 + random.index(3));
        }
        draft.valid_until = if breaks(random, aim, "not_expired", 120) {
            BATCH - 1
        } else {
            BATCH + random.index(3)
        };
        draft.key = self.new_key(random, aim);
        draft.owner = if breaks(random, aim, "owner_nonzero", 70) {
            RootAddress([0; 20])
        } else {
            random.address()
        };
        draft.address = if breaks(random, aim, "address_in_range", 60) {
            RootAddress([0; 20])
        } else {
            random.address()
        };
        let signer = key(self.keys.get(&draft.from).copied().unwrap_or(draft.from));
        let honest = *draft.sign_by(&signer).signature();
        let signature = if breaks(random, aim, "signature_canonical", 60) {
            let [low, second, third, _] = honest.s;
            Signature {
                s: [low, second, third, u64::MAX],
                ..honest
            }
        } else if breaks(random, aim, "signature_valid", 60) {
            wrong_signature(random, &draft, honest, &signer)
        } else {
            honest
        };
        Some(draft.with(signature))
    }
}

/// Of another operation, with a part of another one, or by somebody else.
fn wrong_signature(random: &mut Random, draft: &Draft, honest: Signature, signer: &SecretKey) -> Signature {
    match random.below(4) {
        0 => {
            let fee = draft.fee + 1;
            *Draft { fee, ..*draft }.sign_by(signer).signature()
        }
        1 => Signature {
            r8: honest.r8.add(&BASE8),
            ..honest
        },
        2 => {
            let [low, second, third, high] = honest.s;
            Signature {
                s: [low ^ 1, second, third, high],
                ..honest
            }
        }
        _ => *draft.sign_by(&key(77)).signature(),
    }
}
