//! Attacks on accounts: balances, nonces, tokens, indices, paths.

use crate::forger::*;
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use quittance_circuits::float::FloatAmount;
use quittance_circuits::leaf::constraints::LeafWitness;
use quittance_circuits::tx::transfer::SignedTransfer;
use quittance_circuits::types::{AccountIndex, BatchNumber};

const FEES: [(u32, u32); 2] = [(5, 1), (11, 2)];

fn forger() -> Forger {
    forger_with(|_| {})
}

fn forger_with(change: impl FnOnce(&mut [LeafWitness; PLACES])) -> Forger {
    let mut forger = Forger::with(change);
    forger.fee_slots(&FEES.map(|(leaf, token)| fee_slot(leaf, token)));
    forger
}

fn two_to(bits: u64) -> Fr {
    Fr::from(2u64).pow([bits])
}

#[test]
fn the_forger_is_accepted_when_honest() {
    forger()
        .transfer(&signed(0, 1, 500, 20, 0))
        .transfer(&signed(8, 9, 70, 3, 0))
        .finish()
        .assert_accepted();
}

#[test]
fn not_expired_refuses_the_batch_after() {
    let mut late = transfer(0, 1, 500, 20, 0);
    late.valid_until = BatchNumber(BATCH - 1);
    forger()
        .transfer(&sign(late))
        .finish()
        .assert_only("transfer[0].not_expired");
    late.valid_until = BatchNumber(BATCH);
    forger().transfer(&sign(late)).finish().assert_accepted();
    late.valid_until = BatchNumber(u32::MAX);
    forger().transfer(&sign(late)).finish().assert_accepted();
}

#[test]
fn s04_valid_until_beyond_its_range() {
    // 33 bits fit the signed word; what is refused is a distance of 2^32 from the batch.
    let honest = signed(0, 1, 500, 20, 0);
    let mut far = forger();
    far.forge(&honest, |w| w.valid_until += two_to(32)).finish();
    far.assert_first("transfer[0].not_expired");
}

#[test]
fn s14_sender_exists_refuses_an_empty_place() {
    let mut ghost = forger();
    ghost.transfer(&signed(12, 1, 0, 0, 0)).finish();
    ghost.assert_first("transfer[0].sender_exists");
    // A leaf without owner, if one ever got into the tree.
    forger_with(|leaves| leaves[0].owner = Fr::ZERO)
        .transfer(&signed(0, 1, 5, 1, 0))
        .finish()
        .assert_only("transfer[0].sender_exists");
}

#[test]
fn s14_recipient_exists_refuses_an_empty_place() {
    let mut ghost = forger();
    ghost.transfer(&signed(0, 12, 5, 1, 0)).finish();
    ghost.assert_first("transfer[0].recipient_exists");
    forger_with(|leaves| leaves[1].owner = Fr::ZERO)
        .transfer(&signed(0, 1, 5, 1, 0))
        .finish()
        .assert_only("transfer[0].recipient_exists");
}

#[test]
fn s14_a_node_is_not_a_leaf() {
    // The children of an inner node are known, so the adversary claims them as key, packed word and owner of a leaf, which would
    // have the node's hash if leaves had no capacity of their own.
    use quittance_circuits::hash::{FieldHasher, RulesHasher};
    let [a, b, c] = forger().path(0)[0];
    let first = RulesHasher::leaf(&[a, b, c, a]);
    assert_ne!(first, RulesHasher::node(&[a, b, c, a]));
    let fields = Forger::new().leaves[0];
    let packed = fields.balance * two_to(64) + fields.nonce * two_to(32) + fields.token;
    let node = RulesHasher::node(&[fields.key[0], fields.key[1], packed, fields.owner]);
    // A tree that holds, where account 0 should be, the *node* with those four children.
    let mut forger = forger();
    forger.transfer(&signed(0, 1, 5, 1, 0)).finish();
    let [x, y, z] = forger.witness.transfers[0].sender_path[0];
    let upper = forger.witness.transfers[0].sender_path[1];
    let bottom = RulesHasher::node(&[node, x, y, z]);
    forger.witness.old_root = RulesHasher::node(&[bottom, upper[0], upper[1], upper[2]]);
    assert!(forger.broken_rules().contains("transfer[0].sender_path"));
}

#[test]
fn s04_sender_index_at_the_end_of_the_tree() {
    // Index 16 has the same low bits as index 0.
    let mut alias = transfer(0, 1, 500, 20, 0);
    alias.from = AccountIndex(16);
    let message = alias.message(&rollup_id());
    let alias = SignedTransfer {
        transfer: alias,
        signature: key(0).sign(&message),
    };
    // Its top bit would have to be 2, so the path is not that of index 0 either.
    forger()
        .transfer(&alias)
        .finish()
        .assert_first("transfer[0].sender_in_range");
}

#[test]
fn s04_recipient_index_at_the_end_of_the_tree() {
    let alias = sign({
        let mut alias = transfer(0, 1, 500, 20, 0);
        alias.to = AccountIndex(17);
        alias
    });
    forger()
        .transfer(&alias)
        .finish()
        .assert_first("transfer[0].recipient_in_range");
}

#[test]
fn s49_sender_leaf_read_with_a_nonce_of_33_bits() {
    // balance·2^64 + nonce·2^32 + token = (balance − 1)·2^64 + (nonce + 2^32)·2^32 + token
    let mut w = forger();
    w.forge(&signed(0, 1, 500, 20, 0), |w| {
        w.sender.balance -= Fr::ONE;
        w.sender.nonce += two_to(32);
        w.nonce = w.sender.nonce;
    });
    let rules = w.finish().broken_rules();
    assert!(rules.contains("transfer[0].sender_in_range"), "{rules:?}");
    // Besides, nobody signed that nonce.
    assert_eq!(rules.len(), 2, "{rules:?}");
    assert!(rules.contains("transfer[0].signature_valid"), "{rules:?}");
}

#[test]
fn s49_sender_leaf_read_with_a_token_of_33_bits() {
    let mut w = forger_with(|leaves| leaves[0].nonce = Fr::ONE);
    w.forge(&signed(0, 1, 500, 20, 0), |w| {
        w.sender.nonce = Fr::ZERO;
        w.sender.token += two_to(32);
    });
    w.finish().assert_first("transfer[0].sender_in_range");
}

#[test]
fn s49_recipient_leaf_read_with_a_nonce_of_33_bits() {
    let mut w = forger();
    w.forge_with(
        &signed(0, 1, 500, 20, 0),
        |_| {},
        |w| {
            w.recipient.balance -= Fr::ONE;
            w.recipient.nonce += two_to(32);
        },
    );
    w.finish().assert_only("transfer[0].recipient_in_range");
}

#[test]
fn s49_sender_leaf_read_with_a_negative_nonce() {
    // One unit of balance against a nonce of −2^32.
    let mut w = forger_with(|leaves| leaves[0].nonce = Fr::from(3u64));
    w.forge(&signed(0, 1, 500, 20, 3), |w| {
        w.sender.balance += Fr::ONE;
        w.sender.nonce -= two_to(32);
        w.nonce = w.sender.nonce;
    });
    w.finish().assert_first("transfer[0].sender_in_range");
}

#[test]
fn s09_nonce_matches_refuses_replay_and_gap() {
    let first = signed(0, 1, 500, 20, 0);
    forger()
        .transfer(&first)
        .transfer(&first)
        .finish()
        .assert_only("transfer[1].nonce_matches");
    forger()
        .transfer(&signed(0, 1, 500, 20, 1))
        .finish()
        .assert_only("transfer[0].nonce_matches");
    forger()
        .transfer(&signed(0, 1, 500, 20, 0))
        .transfer(&signed(0, 1, 500, 20, 1))
        .finish()
        .assert_accepted();
}

#[test]
fn s09_nonce_in_range_refuses_the_last_nonce() {
    let last = |nonce: u32| {
        let mut forger = forger_with(|leaves| leaves[0].nonce = Fr::from(nonce));
        forger.transfer(&signed(0, 1, 500, 20, nonce)).finish();
        forger
    };
    last(u32::MAX).assert_only("transfer[0].nonce_in_range");
    last(u32::MAX - 1).assert_accepted();
}

#[test]
fn s44_an_emptied_account_keeps_its_nonce() {
    let everything = signed(0, 1, START - 20, 20, 0);
    let mut emptied = forger();
    emptied
        .transfer(&everything)
        .transfer(&signed(1, 0, START, 0, 0))
        .transfer(&everything)
        .finish();
    emptied.assert_only("transfer[2].nonce_matches");
}

#[test]
fn s24_token_matches_refuses_a_cross_token_move() {
    forger()
        .transfer(&signed(0, 8, 500, 20, 0))
        .finish()
        .assert_only("transfer[0].token_matches");
    // Nor may the recipient's token be read as the sender's.
    let mut w = forger();
    w.forge_with(&signed(0, 8, 500, 20, 0), |_| {}, |w| w.recipient.token = Fr::ONE);
    assert!(w.finish().broken_rules().contains("transfer[0].recipient_path"));
}

#[test]
fn s06_balance_covers_refuses_an_underflow_by_one() {
    forger()
        .transfer(&signed(0, 1, START - 19, 20, 0))
        .finish()
        .assert_only("transfer[0].balance_covers");
    forger()
        .transfer(&signed(0, 1, START - 20, 20, 0))
        .finish()
        .assert_accepted();
}

#[test]
fn s08_amount_and_fee_at_their_largest() {
    let mut huge = transfer(0, 1, 1, 1, 0);
    huge.amount = FloatAmount::new((1 << 40) - 1).unwrap();
    huge.fee = quittance_circuits::float::FloatFee::new(u16::MAX);
    let mut w = forger();
    w.transfer(&sign(huge)).finish();
    w.assert_first("transfer[0].balance_covers");
}

#[test]
fn s04_amount_encoding_at_2_to_the_40() {
    // Encoding 2^40 + m would decode like m.
    let mut w = forger();
    w.forge(&signed(0, 1, 500, 20, 0), |w| w.amount += two_to(40))
        .finish();
    w.assert_first("transfer[0].balance_covers");
    let mut w = forger();
    w.forge(&signed(0, 1, 500, 20, 0), |w| w.fee += two_to(16))
        .finish();
    w.assert_first("transfer[0].balance_covers");
}

#[test]
fn s07_recipient_not_overflowed() {
    let at = |balance: u128| {
        let mut forger = forger_with(|leaves| leaves[1].balance = Fr::from(balance));
        forger.transfer(&signed(0, 1, 500, 20, 0)).finish();
        forger
    };
    at(u128::MAX - 499).assert_only("transfer[0].recipient_not_overflowed");
    at(u128::MAX - 500).assert_accepted();
    at(u128::MAX).assert_only("transfer[0].recipient_not_overflowed");
}

#[test]
fn s13_sender_path_binds_the_leaf_to_the_root() {
    let honest = signed(0, 1, 500, 20, 0);
    // A richer leaf than the tree holds; a leaf at another place; a sibling exchanged.
    let mut richer = forger();
    richer
        .forge(&honest, |w| w.sender.balance += Fr::from(5u64))
        .finish();
    assert!(richer.broken_rules().contains("transfer[0].sender_path"));
    let mut honest_batch = forger();
    honest_batch.transfer(&honest).finish();
    for level in 0..2 {
        let mut moved = honest_batch.clone();
        moved.witness.transfers[0].sender_path[level].swap(0, 1);
        let rules = moved.broken_rules();
        assert!(rules.contains("transfer[0].sender_path"), "{rules:?}");
    }
}

#[test]
fn s13_recipient_path_binds_the_leaf_to_the_root() {
    let honest = signed(0, 1, 500, 20, 0);
    let mut richer = forger();
    richer
        .forge_with(&honest, |_| {}, |w| w.recipient.balance += Fr::from(5u64))
        .finish();
    assert!(richer.broken_rules().contains("transfer[0].recipient_path"));
    let mut honest_batch = forger();
    honest_batch.transfer(&honest).finish();
    let mut thief = honest_batch.clone();
    // The recipient's key is read from the tree too: it cannot be replaced.
    thief.witness.transfers[0].recipient.key = thief.witness.transfers[0].sender.key;
    assert!(thief.broken_rules().contains("transfer[0].recipient_path"));
}

#[test]
fn s10_self_transfer_moves_the_nonce_and_pays_the_fee() {
    let mut own = forger();
    own.transfer(&signed(0, 0, 500, 20, 0)).finish().assert_accepted();
    assert_eq!(own.leaves[0].balance, Fr::from(START - 20));
    assert_eq!(own.leaves[0].nonce, Fr::ONE);
    // Reading the recipient before the sender's update would mint.
    let mut mint = forger();
    let before = mint.leaves[0];
    mint.forge_with(&signed(0, 0, 500, 20, 0), |_| {}, |w| w.recipient = before);
    assert!(
        mint.finish()
            .broken_rules()
            .contains("transfer[0].recipient_path")
    );
}

#[test]
fn s13_root_chained_binds_each_slot_to_the_next() {
    let mut batch = forger();
    batch
        .transfer(&signed(0, 1, 500, 20, 0))
        .transfer(&signed(8, 9, 70, 3, 0))
        .finish();
    let honest = batch.assignment();
    for slot in 0..2 {
        // The root after the slot is the last variable of its last row.
        let rule = format!("transfer[{slot}].root_chained");
        let row = (0..SMALL_CIRCUIT.num_constraints())
            .find(|row| {
                SMALL_CIRCUIT
                    .label(*row)
                    .is_some_and(|label| label.to_string() == rule)
            })
            .unwrap();
        let (_, variable) = *SMALL_CIRCUIT.c[row].last().unwrap();
        let mut broken = honest.clone();
        broken[variable] += Fr::ONE;
        let rules = broken_rules(&broken);
        assert!(rules.contains(&rule), "{rules:?}");
    }
    // And the last root is the one that is stated.
    batch.witness.new_root += Fr::ONE;
    batch.assert_only("statement.root_chained");
}
