//! Attacks on signatures and on what they sign.

use crate::forger::*;
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInteger, BigInteger256, Field, PrimeField};
use num_bigint::BigUint;
use quittance_circuits::babyjubjub::{BASE8, ORDER, Point, PublicKey};
use quittance_circuits::eddsa::{Signature, challenge};
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::tx::transfer::{SignedTransfer, Transfer};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce};

fn forger() -> Forger {
    let mut forger = Forger::new();
    forger.fee_slots(&[fee_slot(5, 1), fee_slot(11, 2)]);
    forger
}

#[track_caller]
fn refused(signed: &SignedTransfer, rule: &str) {
    forger()
        .transfer(signed)
        .finish()
        .assert_only(&format!("transfer[0].{rule}"));
    let native = World::new().apply(&[*signed], &[fee_slot(5, 1)]).unwrap_err();
    assert_eq!(native.rule(), Some(rule));
}

/// A transfer whose signature has an S below the bound.
fn with_small_s(bound: &BigInteger256) -> SignedTransfer {
    (1u32..)
        .map(|later| {
            let mut transfer = transfer(0, 1, 500, 20, 0);
            transfer.valid_until = BatchNumber(BATCH + later);
            sign(transfer)
        })
        .find(|signed| BigInteger256::new(signed.signature.s) < *bound)
        .unwrap()
}

#[test]
fn s19_signature_canonical_refuses_s_plus_the_order() {
    // An S for which S + l still has 251 bits, so that only the comparison can refuse it.
    let mut bound = BigInteger256::from(1u64) << 251;
    bound.sub_with_borrow(&BigInteger256::new(ORDER));
    let mut signed = with_small_s(&bound);
    let mut s = BigInteger256::new(signed.signature.s);
    s.add_with_carry(&BigInteger256::new(ORDER));
    signed.signature.s = s.0;
    refused(&signed, "signature_canonical");
}

#[test]
fn s19_signature_canonical_refuses_s_of_more_than_251_bits() {
    let mut signed = signed(0, 1, 500, 20, 0);
    signed.signature.s[3] |= 1 << 63;
    let mut w = forger();
    w.transfer(&signed)
        .finish()
        .assert_first("transfer[0].signature_canonical");
    let native = World::new().apply(&[signed], &[fee_slot(5, 1)]).unwrap_err();
    assert_eq!(native.rule(), Some("signature_canonical"));
}

#[test]
fn s19_the_order_itself_and_the_greatest_scalar() {
    let mut signed = signed(0, 1, 500, 20, 0);
    signed.signature.s = ORDER;
    let mut w = forger();
    w.transfer(&signed)
        .finish()
        .assert_first("transfer[0].signature_canonical");
    // l − 1 is canonical; it just does not fit the equation.
    signed.signature.s[0] -= 1;
    refused(&signed, "signature_valid");
}

#[test]
fn s22_signature_valid_refuses_another_key() {
    let transfer = transfer(0, 1, 500, 20, 0);
    let signature = key(1).sign(&transfer.message(&rollup_id()));
    refused(&SignedTransfer { transfer, signature }, "signature_valid");
}

#[test]
fn s22_signature_valid_refuses_no_signature() {
    let transfer = transfer(0, 1, 500, 20, 0);
    for r8 in [Point::IDENTITY, BASE8, Point::new(Fr::ZERO, Fr::ZERO)] {
        let signature = Signature { r8, s: [0; 4] };
        refused(&SignedTransfer { transfer, signature }, "signature_valid");
    }
}

#[test]
fn s20_torsion_in_r8_is_judged_by_the_equation() {
    // R8 + T for T = (0, −1): the cofactored equation would hold for some challenge, ours compares points.
    let order_two = Point::new(Fr::ZERO, -Fr::ONE);
    let mut signed = signed(0, 1, 500, 20, 0);
    signed.signature.r8 = signed.signature.r8.add(&order_two);
    refused(&signed, "signature_valid");
    signed.signature.r8 = order_two;
    refused(&signed, "signature_valid");
}

#[test]
fn s21_r8_off_the_curve() {
    let mut signed = signed(0, 1, 500, 20, 0);
    signed.signature.r8.x += Fr::ONE;
    assert!(!signed.signature.r8.is_on_curve());
    refused(&signed, "signature_valid");
}

#[test]
fn s23_every_signed_field_counts() {
    let honest = transfer(0, 1, 500, 20, 0);
    let signature = sign(honest).signature;
    let changes: [fn(&mut Transfer); 5] = [
        |t| t.to = AccountIndex(2),
        |t| t.amount = FloatAmount::encode_exact(501).unwrap(),
        |t| t.amount = FloatAmount::new(50 | 1 << 35).unwrap(),
        |t| t.fee = FloatFee::encode_exact(21).unwrap(),
        |t| t.valid_until = BatchNumber(BATCH + 11),
    ];
    for change in changes {
        let mut transfer = honest;
        change(&mut transfer);
        refused(&SignedTransfer { transfer, signature }, "signature_valid");
    }
    // Another sender with the same key, and another nonce at the right time.
    let twin = SignedTransfer {
        transfer: Transfer {
            from: AccountIndex(2),
            ..honest
        },
        signature,
    };
    let mut w = Forger::with(|leaves| leaves[2].key = leaves[0].key);
    w.fee_slots(&[fee_slot(5, 1)]).transfer(&twin).finish();
    w.assert_only("transfer[0].signature_valid");
    let later = SignedTransfer {
        transfer: Transfer {
            nonce: Nonce(1),
            ..honest
        },
        signature,
    };
    let mut w = Forger::with(|leaves| leaves[0].nonce = Fr::ONE);
    w.fee_slots(&[fee_slot(5, 1)]).transfer(&later).finish();
    w.assert_only("transfer[0].signature_valid");
}

#[test]
fn s23_s28_a_signature_for_another_rollup() {
    let transfer = transfer(0, 1, 500, 20, 0);
    let elsewhere = Fr::from_be_bytes_mod_order(&quittance_verifier::rollup_id(1, [1; 20]));
    let signature = key(0).sign(&transfer.message(&elsewhere));
    refused(&SignedTransfer { transfer, signature }, "signature_valid");
}

#[test]
fn s46_a_signature_for_another_kind() {
    // The same fields under another kind of operation.
    let transfer = transfer(0, 1, 500, 20, 0);
    let ours = transfer.message(&rollup_id());
    let word = {
        use quittance_circuits::tx::transfer::*;
        let at = |shift: u32, value: u64| Fr::from(value) * Fr::from(2u64).pow([u64::from(shift)]);
        move |kind: u64| {
            Fr::from(kind)
                + at(FROM_SHIFT, 0)
                + at(TO_SHIFT, 1)
                + at(AMOUNT_SHIFT, transfer.amount.get())
                + at(FEE_SHIFT, u64::from(transfer.fee.get()))
                + at(VALID_UNTIL_SHIFT, u64::from(transfer.valid_until.get()))
        }
    };
    use quittance_circuits::hash::{FieldHasher, RulesHasher};
    let message = |kind| RulesHasher::message(&[rollup_id(), word(kind), Fr::ZERO]);
    assert_eq!(message(1), ours);
    for kind in [0, 2, 3, 4, 255] {
        let signature = key(0).sign(&message(kind));
        refused(&SignedTransfer { transfer, signature }, "signature_valid");
    }
}

#[test]
fn s21_r8_right_in_one_coordinate_only() {
    // A signer fits S to an R8 of which one coordinate is that of the right point: each coordinate has its own row.
    let order = BigUint::from_bytes_le(&BigInteger256::new(ORDER).to_bytes_le());
    let (secret, nonce) = (1_234_567u64, 99_991u64);
    let key = PublicKey::new(BASE8.mul(&[secret, 0, 0, 0])).unwrap();
    let right = BASE8.mul(&[nonce, 0, 0, 0]);
    let transfer = transfer(0, 1, 500, 20, 0);
    let wrong = [
        Point::new(right.x, right.y + Fr::ONE),
        Point::new(right.x + Fr::ONE, right.y),
        right.neg(),
    ];
    for r8 in [right].into_iter().chain(wrong) {
        let h = challenge(&key, &transfer.message(&rollup_id()), &r8);
        let h = BigUint::from_bytes_le(&h.into_bigint().to_bytes_le());
        let mut s = [0; 4];
        for (limb, digit) in s
            .iter_mut()
            .zip(((BigUint::from(nonce) + h * 8u32 * secret) % &order).to_u64_digits())
        {
            *limb = digit;
        }
        let mut w = Forger::with(|leaves| leaves[0].key = [key.x(), key.y()]);
        w.fee_slots(&[fee_slot(5, 1)]);
        w.transfer(&SignedTransfer {
            transfer,
            signature: Signature { r8, s },
        })
        .finish();
        if r8 == right {
            w.assert_accepted();
        } else {
            w.assert_only("transfer[0].signature_valid");
        }
    }
}
