//! Random states and operations, the same on every machine: mostly plausible, now and then broken in one way.

use crate::support::*;
use quittance_circuits::babyjubjub::{BASE8, Point};
use quittance_circuits::eddsa::Signature;
use quittance_circuits::leaf::Leaf;
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::{Deposit, ForcedExit, Priority, SignedOperation};
use quittance_circuits::types::{AccountIndex, RootAddress, TokenId};
use std::collections::BTreeMap;

/// SplitMix64.
pub(super) struct Random(pub(super) u64);

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

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
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
    pub(super) fn at_random(random: &mut Random) -> Self {
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
        Self {
            keys: leaves.keys().map(|index| (*index, *index)).collect(),
            leaves,
            next_key: 100,
        }
    }

    /// Fee slots that mostly work: for each token an account that is not nearly full.
    pub(super) fn fee_slots(&self, random: &mut Random) -> Vec<FeeSlot> {
        match random.below(14) {
            0 => vec![fee_slot(random.index(18), 1), fee_slot(random.index(18), 2)],
            1 => vec![fee_slot(random.index(16), 1)],
            // Fees on top of the fullest account of each token.
            2 => self.fee_slots_by(|leaf| leaf.balance),
            _ => self.fee_slots_by(|leaf| u128::MAX - leaf.balance),
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

    /// A key that will sign for a place, if the operation succeeds; sometimes none at all.
    fn new_key(&mut self, random: &mut Random, index: u32) -> (u32, Point) {
        self.next_key += 1;
        let point = *key(self.next_key).public_key().point();
        let point = match random.below(200) {
            0 => Point::new(-point.x, -point.y),
            1 => Point::new(point.x, point.x),
            2 => Point::IDENTITY,
            _ => point,
        };
        (index, point)
    }

    /// What the generator's key of a place becomes once an operation with a new key has succeeded.
    pub(super) fn hand_over(&mut self, index: u32) {
        self.keys.insert(index, self.next_key);
    }

    pub(super) fn priority(&mut self, random: &mut Random) -> Priority {
        let places = if random.one_in(25) { 18 } else { 16 };
        let anywhere = random.index(places);
        let leaf = AccountIndex(anywhere);
        let account = self.leaves.get(&anywhere).copied();
        if random.one_in(3) {
            let caller = match account {
                Some(account) if !random.one_in(4) => account.owner(),
                _ => random.address(),
            };
            return Priority::ForcedExit(ForcedExit { leaf, caller });
        }
        let (_, key) = self.new_key(random, anywhere);
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

    /// `None` where no place is left for an opening, mostly.
    pub(super) fn signed(&mut self, random: &mut Random, kind: Kind) -> Option<SignedOperation> {
        let mut draft = Draft::new(kind);
        let existing: Vec<u32> = self.leaves.keys().copied().collect();
        draft.from = match random.pick(&existing) {
            Some(index) if !random.one_in(80) => index,
            _ => random.index(19),
        };
        let account = self.leaves.get(&draft.from).copied();
        draft.to = match kind {
            Kind::Opening => match self.empty(random, 0..8) {
                Some(place) if !random.one_in(40) => place,
                None if !random.one_in(30) => return None,
                _ => random.index(20),
            },
            _ if random.one_in(60) => random.index(19),
            _ => {
                // Mostly of the same token, often the account itself.
                let token = account.map(|account| account.token);
                let same = self.leaves.iter().filter(|(_, leaf)| Some(leaf.token) == token);
                let same: Vec<u32> = same.map(|(index, _)| *index).collect();
                random.pick(&same).unwrap_or(draft.from)
            }
        };
        let balance = account.map_or(0, |account| account.balance);
        draft.fee = u128::from(random.below(3)) * u128::from(random.below(15));
        if balance < draft.fee && !random.one_in(20) {
            draft.fee = 0;
        }
        let left = balance.saturating_sub(draft.fee);
        draft.amount = match random.below(60) {
            0 => random.amount(),
            1 => balance,
            2..8 => left,
            _ => left.min(u128::from(random.below(300))),
        };
        draft.nonce = account.map_or(0, |account| account.nonce);
        if random.one_in(100) {
            draft.nonce = random.index(4);
        }
        draft.valid_until = if random.one_in(120) {
            BATCH - 1
        } else {
            BATCH + random.index(3)
        };
        let (_, new) = self.new_key(random, draft.to);
        draft.key = new;
        draft.owner = if random.one_in(70) {
            RootAddress([0; 20])
        } else {
            random.address()
        };
        draft.address = if random.one_in(60) {
            RootAddress([0; 20])
        } else {
            random.address()
        };
        let signer = key(self.keys.get(&draft.from).copied().unwrap_or(draft.from));
        let honest = *draft.sign_by(&signer).signature();
        let mut limbs = honest.s;
        let signature = match random.below(240) {
            0 => *Draft {
                fee: draft.fee + 1,
                ..draft
            }
            .sign_by(&signer)
            .signature(),
            1 => Signature {
                r8: honest.r8.add(&BASE8),
                ..honest
            },
            2 => {
                limbs[0] ^= 1;
                Signature { s: limbs, ..honest }
            }
            3..7 => {
                limbs[3] = u64::MAX;
                Signature { s: limbs, ..honest }
            }
            7 => *draft.sign_by(&key(77)).signature(),
            _ => honest,
        };
        Some(draft.with(signature))
    }
}
