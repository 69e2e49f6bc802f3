//! Attacks on what all signed operations share, on each kind: flags, expiry, the signer's leaf, nonce, balance, signature, fee.

use crate::attacks::{attacks, rows_of};
use crate::forger::*;
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInteger, BigInteger256, Field, PrimeField};
use num_bigint::BigUint;
use quittance_circuits::babyjubjub::{BASE8, ORDER, Point, PublicKey};
use quittance_circuits::eddsa::{Signature, challenge};
use quittance_circuits::leaf::constraints::LeafWitness;
use quittance_circuits::tx::sender::constraints::SignerWitness;
use std::collections::BTreeMap;

fn forger() -> Forger {
    forger_with(|_| {})
}

fn forger_with(change: impl FnOnce(&mut [LeafWitness; PLACES])) -> Forger {
    Forger::with(change).fee_slots(&[fee_slot(5, 1), fee_slot(11, 2)])
}

/// The kind's plain operation alone, its slot told something else about the signer.
fn told(kind: Kind, change: impl FnOnce(&mut SignerWitness)) -> Forger {
    forger().signed_told(&Draft::new(kind).sign(), change).finish()
}

/// The kind's plain operation alone, after a change to the leaves.
fn in_state(kind: Kind, change: impl FnOnce(&mut [LeafWitness; PLACES])) -> Forger {
    forger_with(change).signed(&Draft::new(kind).sign()).finish()
}

/// An operation that a changed draft makes.
fn drafted(kind: Kind, change: impl FnOnce(&mut Draft)) -> Forger {
    let mut draft = Draft::new(kind);
    change(&mut draft);
    forger().signed(&draft.sign()).finish()
}

/// The kind's plain operation, then a padding slot with a rich account of nobody, which publishes something.
fn published(kind: Kind, change: impl FnOnce(&mut SignerWitness)) -> Forger {
    let mut w = forger().signed(&Draft::new(kind).sign()).finish();
    let slot = w.signer_mut(kind, 1);
    slot.leaf.balance = Fr::from(10u64);
    change(slot);
    w
}

/// balance·2^64 + nonce·2^32 + token = (balance − 1)·2^64 + (nonce + 2^32)·2^32 + token, and the client did sign a word that reads
/// like this: in it the nonce's 33rd bit is the first of valid_until.
fn with_a_nonce_of_33_bits(kind: Kind) -> Forger {
    let mut later = Draft::new(kind);
    later.valid_until += 1;
    let w = forger().signed_told(&later.sign(), |w| {
        w.valid_until -= Fr::ONE;
        w.leaf.balance -= Fr::ONE;
        w.leaf.nonce += two_to(32);
        w.nonce = w.leaf.nonce;
    });
    w.finish()
}

fn with_last_nonce(kind: Kind, nonce: u32) -> Forger {
    let last = forger_with(|leaves| leaves[0].nonce = Fr::from(nonce));
    last.signed(&Draft::new(kind).nonce(nonce).sign()).finish()
}

/// The account holds less than amount and fee by so much.
fn short_by(kind: Kind, missing: u128) -> Forger {
    let draft = Draft::new(kind);
    let balance = Fr::from(draft.amount + draft.fee - missing);
    in_state(kind, |leaves| leaves[0].balance = balance)
}

/// After the first slot the state is another one, in which account 1 is richer.
fn with_another_state_between(kind: Kind) -> Vec<Fr> {
    let mut w = forger().signed(&Draft::new(kind).sign());
    let honest = w.root();
    w.leaves[1].balance += Fr::from(5u64);
    let other = w.root();
    let mut second = Draft::new(kind);
    second.from = 8;
    second.to = if kind == Kind::Opening { 4 } else { 9 };
    let mut w = w.signed(&second.sign()).finish();
    w.witness.new_root = w.root();
    w.tampered_result(&format!("{}[0].root_chained", kind.section()), other - honest)
}

/// S + l where that still has 251 bits, so that only the comparison can refuse it.
fn with_s_plus_the_order(kind: Kind) -> Forger {
    let mut bound = BigInteger256::from(1u64) << 251;
    bound.sub_with_borrow(&BigInteger256::new(ORDER));
    let small = (1u32..).find_map(|later| {
        let mut draft = Draft::new(kind);
        draft.valid_until += later;
        let mut signature = *draft.sign().signature();
        let mut s = BigInteger256::new(signature.s);
        let fits = s < bound;
        s.add_with_carry(&BigInteger256::new(ORDER));
        signature.s = s.0;
        fits.then(|| draft.with(signature))
    });
    forger().signed(&small.unwrap()).finish()
}

/// A signer fits S to an R8 that is not the right point: for each coordinate there is a row.
fn with_fitted_s(kind: Kind, r8: impl Fn(Point) -> Point) -> Forger {
    let nonce = 99_991u64;
    let key = PublicKey::new(BASE8.mul(&[SECRET, 0, 0, 0])).unwrap();
    let r8 = r8(BASE8.mul(&[nonce, 0, 0, 0]));
    let draft = Draft::new(kind);
    let h = challenge(&key, &draft.sign().message(&rollup_id()), &r8);
    let h = BigUint::from_bytes_le(&h.into_bigint().to_bytes_le());
    let s = scalar(BigUint::from(nonce) + h * 8u32 * SECRET);
    let w = forger_with(|leaves| leaves[0].key = [key.x(), key.y()]);
    w.signed(&draft.with(Signature { r8, s })).finish()
}

/// A secret key that is a plain number.
pub(super) const SECRET: u64 = 1_234_567;

/// A number modulo the order of the subgroup.
pub(super) fn scalar(number: BigUint) -> [u64; 4] {
    let order = BigUint::from_bytes_le(&BigInteger256::new(ORDER).to_bytes_le());
    let mut s = [0; 4];
    for (limb, digit) in s.iter_mut().zip((number % order).to_u64_digits()) {
        *limb = digit;
    }
    s
}

/// Padding alone, in a batch with two enabled fee slots of its own token, its fee of nothing routed like this.
fn unrouted(kind: Kind, selectors: [Fr; 2]) -> Forger {
    let w = Forger::with(|leaves| {
        leaves[5].token = Fr::ZERO;
        leaves[6].token = Fr::ZERO;
    });
    let mut w = w.fee_slots(&[fee_slot(5, 0), fee_slot(6, 0)]).finish();
    w.signer_mut(kind, 0).selectors = selectors.to_vec();
    w
}

const TWO_TOKENS: [(u32, u32); 2] = [(5, 1), (11, 2)];
const TWO_OF_ONE_TOKEN: [(u32, u32); 2] = [(5, 1), (6, 1)];

/// The plain operation, which pays in token 1, in a batch with these fee slots, its fee routed like this.
fn routed(kind: Kind, slots: [(u32, u32); 2], selectors: [Fr; 2]) -> Forger {
    let w = Forger::new().fee_slots(&slots.map(|(leaf, token)| fee_slot(leaf, token)));
    let w = w.signed_told(&Draft::new(kind).sign(), |w| w.selectors = selectors.to_vec());
    w.finish()
}

/// The slot hands a fee slot one more than it should: the third of the three rows for each fee slot says how much.
fn overpaid(kind: Kind, slot: usize) -> Vec<Fr> {
    let slots = TWO_OF_ONE_TOKEN.map(|(leaf, token)| fee_slot(leaf, token));
    let mut w = Forger::new().fee_slots(&slots).signed(&Draft::new(kind).sign());
    w.credited[slot] += Fr::ONE;
    let row = rows_of(&format!("{}[0].fee_routed_once", kind.section()))[3 * slot + 2];
    let (_, variable) = SMALL_CIRCUIT.c[row][0];
    w.finish().tampered(&BTreeMap::from([(variable, Fr::ONE)]))
}

/// The attacks of this file on one kind.
macro_rules! attacks_on {
    ($module:ident, $kind:ident, $section:literal) => {
        pub(super) mod $module {
            use super::*;

            const KIND: Kind = Kind::$kind;

            attacks! {
                in $section;

                fn s26_slot_flags_refuse_enabled_after_disabled() breaks "[1].slot_flags" {
                    forger().padding(KIND).signed(&Draft::new(KIND).sign()).finish()
                }

                fn s26_padding_publishes_no_sender() breaks "[1].slot_flags" {
                    published(KIND, |slot| slot.from = Fr::ONE)
                }

                fn s26_padding_publishes_no_fee() breaks "[1].slot_flags" {
                    published(KIND, |slot| slot.fee = Fr::ONE)
                }

                fn s09_not_expired_refuses_the_batch_after() breaks "[0].not_expired" {
                    drafted(KIND, |draft| draft.valid_until = BATCH - 1)
                }

                /// A leaf without owner, if one ever got into the tree.
                fn s14_sender_exists_refuses_a_leaf_without_owner() breaks "[0].sender_exists" {
                    in_state(KIND, |leaves| leaves[0].owner = Fr::ZERO)
                }

                fn s49_sender_leaf_read_with_a_nonce_of_33_bits() breaks "[0].sender_in_range" {
                    with_a_nonce_of_33_bits(KIND)
                }

                fn s09_nonce_matches_refuses_a_gap() breaks "[0].nonce_matches" {
                    drafted(KIND, |draft| draft.nonce = 1)
                }

                fn s09_nonce_in_range_refuses_the_last_nonce() breaks "[0].nonce_in_range" {
                    with_last_nonce(KIND, u32::MAX)
                }

                fn s06_balance_covers_refuses_an_underflow_by_one() breaks "[0].balance_covers" {
                    short_by(KIND, 1)
                }

                fn s19_signature_canonical_refuses_s_plus_the_order() breaks "[0].signature_canonical" {
                    with_s_plus_the_order(KIND)
                }

                fn s22_signature_valid_refuses_another_key() breaks "[0].signature_valid" {
                    forger().signed(&Draft::new(KIND).sign_by(&key(1))).finish()
                }

                fn s21_r8_right_in_x_only() breaks "[0].signature_valid" {
                    with_fitted_s(KIND, |right| Point::new(right.x, right.y + Fr::ONE))
                }

                fn s21_r8_right_in_y_only() breaks "[0].signature_valid" {
                    with_fitted_s(KIND, |right| Point::new(right.x + Fr::ONE, right.y))
                }

                fn s45_fee_routed_once_refuses_none() breaks "[0].fee_routed_once" {
                    routed(KIND, TWO_TOKENS, [Fr::ZERO, Fr::ZERO])
                }

                fn s45_fee_routed_once_refuses_two_slots_of_one_token() breaks "[0].fee_routed_once" {
                    routed(KIND, TWO_OF_ONE_TOKEN, [Fr::ONE, Fr::ONE])
                }

                /// 2 − 1 = 1: the sum is right.
                fn s12_selectors_are_boolean() breaks "[0].fee_routed_once" {
                    routed(KIND, TWO_OF_ONE_TOKEN, [Fr::from(2u64), -Fr::ONE])
                }

                /// 1 − 1 = 0: a disabled slot that takes from one fee slot what it gives to the other.
                fn s12_s45_padding_takes_from_no_first_slot() breaks "[0].fee_routed_once" {
                    unrouted(KIND, [-Fr::ONE, Fr::ONE])
                }

                fn s12_s45_padding_takes_from_no_second_slot() breaks "[0].fee_routed_once" {
                    unrouted(KIND, [Fr::ONE, -Fr::ONE])
                }

                /// The other slot's fees grow by a fee of our token.
                fn s24_a_fee_goes_to_a_slot_of_its_token() breaks "[0].fee_routed_once" {
                    routed(KIND, TWO_TOKENS, [Fr::ZERO, Fr::ONE])
                }

                fn s24_a_fee_goes_to_the_second_slot_if_that_is_of_its_token() breaks "[0].fee_routed_once" {
                    routed(KIND, [TWO_TOKENS[1], TWO_TOKENS[0]], [Fr::ONE, Fr::ZERO])
                }

                fn s45_a_slot_takes_the_fee_that_was_routed() breaks "[0].fee_routed_once" {
                    overpaid(KIND, 0)
                }

                fn s45_a_slot_takes_no_fee_that_was_routed_elsewhere() breaks "[0].fee_routed_once" {
                    overpaid(KIND, 1)
                }

                /// A richer leaf than the tree holds, with all that follows from it.
                fn s13_sender_path_refuses_a_richer_leaf() breaks "[0].sender_path" {
                    told(KIND, |w| w.leaf.balance += Fr::from(5u64))
                }

                fn s13_root_chained_refuses_another_state_after_a_slot() breaks "[0].root_chained" {
                    with_another_state_between(KIND)
                }
            }
        }
    };
}

attacks_on!(opening, Opening, "opening");
attacks_on!(transfer, Transfer, "transfer");
attacks_on!(withdrawal, Withdrawal, "withdrawal");
attacks_on!(rotation, Rotation, "rotation");

#[test]
fn the_forger_is_accepted_when_honest() {
    for kind in Kind::ALL {
        told(kind, |_| {}).assert_accepted();
        drafted(kind, |draft| draft.valid_until = BATCH).assert_accepted();
        drafted(kind, |draft| draft.valid_until = u32::MAX).assert_accepted();
        with_last_nonce(kind, u32::MAX - 1).assert_accepted();
        short_by(kind, 0).assert_accepted();
        with_fitted_s(kind, |right| right).assert_accepted();
        routed(kind, TWO_OF_ONE_TOKEN, [Fr::ONE, Fr::ZERO]).assert_accepted();
        routed(kind, TWO_OF_ONE_TOKEN, [Fr::ZERO, Fr::ONE]).assert_accepted();
    }
}

#[test]
fn s04_sender_index_at_the_end_of_the_tree() {
    // Index 16 has the same low bits as index 0. Its top bit would have to be 2, so the path is not that of index 0 either.
    for kind in Kind::ALL {
        let mut draft = Draft::new(kind);
        draft.from = 16;
        let w = forger().signed(&draft.sign_by(&key(0))).finish();
        w.assert_first(&format!("{}[0].sender_in_range", kind.section()));
    }
}

#[test]
fn s04_valid_until_and_fee_beyond_their_ranges() {
    for kind in Kind::ALL {
        // 33 bits fit the signed word; what is refused is a distance of 2^32 from the batch.
        let far = told(kind, |w| w.valid_until += two_to(32));
        far.assert_first(&format!("{}[0].not_expired", kind.section()));
        // Encoding 2^16 + m would decode like m.
        let fee = told(kind, |w| w.fee += two_to(16));
        fee.assert_among(&format!("{}[0].balance_covers", kind.section()));
    }
}

/// Fees are of the signer's token, so that a token beyond its range meets two ranges: here, and the fee slot's.
#[test]
fn s49_sender_leaf_read_with_a_token_of_33_bits() {
    for kind in Kind::ALL {
        let w = forger_with(|leaves| leaves[0].nonce = Fr::ONE);
        let mut w = w.signed_told(&Draft::new(kind).sign(), |w| {
            w.leaf.nonce = Fr::ZERO;
            w.leaf.token += two_to(32);
        });
        w.witness.fees[0].token += two_to(32);
        let rules = w.finish().broken_rules();
        for rule in [
            format!("{}[0].sender_in_range", kind.section()),
            "fee[0].recipient_in_range".into(),
        ] {
            assert!(rules.contains(&rule), "{rule}: {rules:?}");
        }
    }
}

#[test]
fn s49_sender_leaf_read_with_a_negative_nonce() {
    // One unit of balance against a nonce of 3 − 2^32.
    for kind in Kind::ALL {
        let w = forger_with(|leaves| leaves[0].nonce = Fr::from(3u64));
        let w = w.signed_told(&Draft::new(kind).nonce(3).sign(), |w| {
            w.leaf.balance += Fr::ONE;
            w.leaf.nonce -= two_to(32);
            w.nonce = w.leaf.nonce;
        });
        w.finish()
            .assert_first(&format!("{}[0].sender_in_range", kind.section()));
    }
}

#[test]
fn s09_a_replay_in_one_batch() {
    for kind in Kind::ALL {
        let signed = Draft::new(kind).sign();
        let w = forger().signed(&signed).signed(&signed).finish();
        w.assert_among(&format!("{}[1].nonce_matches", kind.section()));
    }
}

#[test]
fn s09_a_replay_in_a_later_batch() {
    for kind in Kind::ALL {
        let signed = Draft::new(kind).sign();
        let after = forger().signed(&signed).finish();
        let mut leaves = after.leaves;
        // By the same key, whatever the operation has made of the account; and an opening's place is free once more.
        leaves[0].key = forger().leaves[0].key;
        leaves[3] = LeafWitness::EMPTY;
        let again = Forger::of(leaves).fee_slots(&[fee_slot(5, 1)]).signed(&signed);
        again
            .finish()
            .assert_only(&format!("{}[0].nonce_matches", kind.section()));
    }
}

#[test]
fn s12_s25_flags_are_boolean() {
    for kind in Kind::ALL {
        let rule = format!("{}[0].slot_flags", kind.section());
        for flag in [-Fr::ONE, Fr::from(2u64), Fr::from(2u64).inverse().unwrap()] {
            let mut w = told(kind, |_| {});
            w.signer_mut(kind, 0).enabled = flag;
            let first = rows_of(&rule)[0];
            assert!(
                !SMALL_CIRCUIT.is_row_satisfied(first, &w.assignment()),
                "{rule}, {flag}"
            );
        }
    }
}

#[test]
fn s14_an_empty_place_signs_nothing() {
    for kind in Kind::ALL {
        let mut draft = Draft::new(kind);
        (draft.from, draft.amount, draft.fee) = (12, 0, 0);
        let w = forger().signed(&draft.sign()).finish();
        w.assert_first(&format!("{}[0].sender_exists", kind.section()));
    }
}

#[test]
fn s13_a_path_binds_its_siblings() {
    for kind in Kind::ALL {
        for level in 0..2 {
            let mut w = told(kind, |_| {});
            w.signer_mut(kind, 0).path[level].swap(0, 1);
            w.assert_among(&format!("{}[0].sender_path", kind.section()));
        }
    }
}

#[test]
fn s19_s_beyond_251_bits_and_the_order_itself() {
    for kind in Kind::ALL {
        let rule = format!("{}[0].signature_canonical", kind.section());
        let draft = Draft::new(kind);
        let honest = *draft.sign().signature();
        let mut long = honest;
        long.s[3] |= 1 << 63;
        let order = Signature { s: ORDER, ..honest };
        for signature in [long, order] {
            let w = forger().signed(&draft.with(signature)).finish();
            w.assert_first(&rule);
        }
        // l − 1 is canonical; it just does not fit the equation.
        let mut s = ORDER;
        s[0] -= 1;
        let w = forger().signed(&draft.with(Signature { s, ..honest })).finish();
        w.assert_only(&format!("{}[0].signature_valid", kind.section()));
    }
}

#[test]
fn s20_s22_no_signature_and_torsion() {
    let order_two = Point::new(Fr::ZERO, -Fr::ONE);
    for kind in Kind::ALL {
        let draft = Draft::new(kind);
        let honest = *draft.sign().signature();
        let mut forged = vec![Signature {
            r8: honest.r8.add(&order_two),
            ..honest
        }];
        for r8 in [Point::IDENTITY, BASE8, Point::new(Fr::ZERO, Fr::ZERO), order_two] {
            forged.push(Signature { r8, s: [0; 4] });
        }
        for signature in forged {
            let w = forger().signed(&draft.with(signature)).finish();
            w.assert_only(&format!("{}[0].signature_valid", kind.section()));
        }
    }
}

#[test]
fn s22_the_flag_cannot_switch_a_signature_off_alone() {
    // Disabled for the signature means disabled for everything: the operation is neither executed nor published.
    for kind in Kind::ALL {
        let mut w = forger().signed(&Draft::new(kind).sign_by(&key(1))).finish();
        w.signer_mut(kind, 0).enabled = Fr::ZERO;
        let rules = w.broken_rules();
        let rule = |name| format!("{}[0].{name}", kind.section());
        assert!(!rules.contains(&rule("signature_valid")));
        assert!(rules.contains(&rule("slot_flags")), "{rules:?}");
        // The root did not move, so what follows stands on another tree.
        assert!(rules.contains("fee[0].recipient_path"), "{rules:?}");
    }
}

#[test]
fn s23_every_signed_field_counts() {
    type Change = (&'static [Kind], fn(&mut Draft));
    use Kind::{Opening, Rotation, Transfer, Withdrawal};
    let changes: [Change; 8] = [
        (&[Transfer], |draft| draft.to = 2),
        (&[Opening], |draft| draft.to = 4),
        (&[Opening, Transfer, Withdrawal], |draft| draft.amount += 1),
        (&Kind::ALL, |draft| draft.fee += 1),
        (&Kind::ALL, |draft| draft.valid_until += 1),
        (&[Opening, Rotation], |draft| {
            draft.key = *key(31).public_key().point()
        }),
        (&[Opening, Rotation], |draft| draft.owner.0[7] ^= 1),
        (&[Withdrawal], |draft| draft.address.0[7] ^= 1),
    ];
    for (kinds, change) in changes {
        for kind in kinds {
            let mut draft = Draft::new(*kind);
            let signature = *draft.sign().signature();
            change(&mut draft);
            let w = forger().signed(&draft.with(signature)).finish();
            w.assert_only(&format!("{}[0].signature_valid", kind.section()));
        }
    }
    // Another signer with the same key, and another nonce at the right time.
    for kind in Kind::ALL {
        let rule = format!("{}[0].signature_valid", kind.section());
        let mut twin = Draft::new(kind);
        let signature = *twin.sign().signature();
        twin.from = 2;
        let w = forger_with(|leaves| leaves[2].key = leaves[0].key);
        w.signed(&twin.with(signature)).finish().assert_only(&rule);
        let later = Draft::new(kind).nonce(1);
        let w = forger_with(|leaves| leaves[0].nonce = Fr::ONE);
        w.signed(&later.with(signature)).finish().assert_only(&rule);
    }
}

#[test]
fn s23_s28_a_signature_for_another_rollup() {
    let elsewhere = Fr::from_be_bytes_mod_order(&quittance_verifier::rollup_id(1, [1; 20]));
    for kind in Kind::ALL {
        let draft = Draft::new(kind);
        let signature = key(0).sign(&draft.sign().message(&elsewhere));
        let w = forger().signed(&draft.with(signature)).finish();
        w.assert_only(&format!("{}[0].signature_valid", kind.section()));
    }
}

#[test]
fn s46_a_signature_for_another_kind() {
    // The same fields under each other kind: what one kind signs, no other accepts.
    for kind in Kind::ALL {
        for other in Kind::ALL.into_iter().filter(|other| *other != kind) {
            let signed = Draft {
                kind: other,
                ..Draft::new(kind)
            };
            let draft = Draft::new(kind);
            let signature = *signed.sign().signature();
            let w = forger().signed(&draft.with(signature)).finish();
            w.assert_only(&format!("{}[0].signature_valid", kind.section()));
            let native = World::new().apply_signed(&[draft.with(signature)], &[fee_slot(5, 1)]);
            assert_eq!(native.unwrap_err().rule(), Some("signature_valid"));
        }
    }
}

#[test]
fn s11_fee_account_is_the_signer_or_the_recipient() {
    for kind in Kind::ALL {
        let draft = Draft::new(kind);
        let leaves = if kind == Kind::Opening {
            vec![0, 3]
        } else {
            vec![0, 1]
        };
        for leaf in leaves {
            let w = Forger::new().fee_slots(&[fee_slot(leaf, 1)]);
            let before = w.total();
            let w = w.signed(&draft.sign()).finish();
            w.assert_accepted();
            let out = if kind == Kind::Withdrawal { draft.amount } else { 0 };
            assert_eq!(w.total() + Fr::from(out), before, "{kind:?}, fee leaf {leaf}");
            let native = World::new()
                .apply_signed(&[draft.sign()], &[fee_slot(leaf, 1)])
                .unwrap();
            assert_eq!(native.new_root, w.root());
            assert_satisfied(&native);
        }
    }
}
