//! Attacks on signatures and on what they sign.

use crate::attacks::attacks;
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
    Forger::new().fee_slots(&[fee_slot(5, 1), fee_slot(11, 2)])
}

fn forged(signed: &SignedTransfer) -> Forger {
    forger().transfer(signed).finish()
}

#[track_caller]
fn refused(signed: &SignedTransfer, rule: &str) {
    forged(signed).assert_only(&format!("transfer[0].{rule}"));
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

/// An S for which S + l still has 251 bits, so that only the comparison can refuse it.
fn with_s_plus_the_order() -> SignedTransfer {
    let mut bound = BigInteger256::from(1u64) << 251;
    bound.sub_with_borrow(&BigInteger256::new(ORDER));
    let mut signed = with_small_s(&bound);
    let mut s = BigInteger256::new(signed.signature.s);
    s.add_with_carry(&BigInteger256::new(ORDER));
    signed.signature.s = s.0;
    signed
}

/// The honest transfer, signed by another account.
fn by_another_key() -> SignedTransfer {
    let transfer = transfer(0, 1, 500, 20, 0);
    let signature = key(1).sign(&transfer.message(&rollup_id()));
    SignedTransfer { transfer, signature }
}

attacks! {
    fn s19_signature_canonical_refuses_s_plus_the_order() breaks "transfer[0].signature_canonical" {
        forged(&with_s_plus_the_order())
    }

    fn s22_signature_valid_refuses_another_key() breaks "transfer[0].signature_valid" {
        forged(&by_another_key())
    }

    fn s21_r8_right_in_x_only() breaks "transfer[0].signature_valid" {
        with_fitted_s(|right| Point::new(right.x, right.y + Fr::ONE))
    }

    fn s21_r8_right_in_y_only() breaks "transfer[0].signature_valid" {
        with_fitted_s(|right| Point::new(right.x + Fr::ONE, right.y))
    }

    fn s21_r8_negated() breaks "transfer[0].signature_valid" {
        with_fitted_s(|right| right.neg())
    }
}

#[test]
fn s19_s22_the_native_rules_refuse_the_same() {
    refused(&with_s_plus_the_order(), "signature_canonical");
    refused(&by_another_key(), "signature_valid");
    with_fitted_s(|right| right).assert_accepted();
}

#[test]
fn s19_signature_canonical_refuses_s_of_more_than_251_bits() {
    let mut signed = signed(0, 1, 500, 20, 0);
    signed.signature.s[3] |= 1 << 63;
    forged(&signed).assert_first("transfer[0].signature_canonical");
    let native = World::new().apply(&[signed], &[fee_slot(5, 1)]).unwrap_err();
    assert_eq!(native.rule(), Some("signature_canonical"));
}

#[test]
fn s19_the_order_itself_and_the_greatest_scalar() {
    let mut signed = signed(0, 1, 500, 20, 0);
    signed.signature.s = ORDER;
    forged(&signed).assert_first("transfer[0].signature_canonical");
    // l − 1 is canonical; it just does not fit the equation.
    signed.signature.s[0] -= 1;
    refused(&signed, "signature_valid");
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
    let w = Forger::with(|leaves| leaves[2].key = leaves[0].key).fee_slots(&[fee_slot(5, 1)]);
    w.transfer(&twin)
        .finish()
        .assert_only("transfer[0].signature_valid");
    let later = SignedTransfer {
        transfer: Transfer {
            nonce: Nonce(1),
            ..honest
        },
        signature,
    };
    let w = Forger::with(|leaves| leaves[0].nonce = Fr::ONE).fee_slots(&[fee_slot(5, 1)]);
    w.transfer(&later)
        .finish()
        .assert_only("transfer[0].signature_valid");
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

/// A signer fits S to an R8 that is not the right point: for each coordinate there is a row.
fn with_fitted_s(r8: impl Fn(Point) -> Point) -> Forger {
    let order = BigUint::from_bytes_le(&BigInteger256::new(ORDER).to_bytes_le());
    let (secret, nonce) = (1_234_567u64, 99_991u64);
    let key = PublicKey::new(BASE8.mul(&[secret, 0, 0, 0])).unwrap();
    let r8 = r8(BASE8.mul(&[nonce, 0, 0, 0]));
    let transfer = transfer(0, 1, 500, 20, 0);
    let h = challenge(&key, &transfer.message(&rollup_id()), &r8);
    let h = BigUint::from_bytes_le(&h.into_bigint().to_bytes_le());
    let mut s = [0; 4];
    let digits = ((BigUint::from(nonce) + h * 8u32 * secret) % &order).to_u64_digits();
    for (limb, digit) in s.iter_mut().zip(digits) {
        *limb = digit;
    }
    let signature = Signature { r8, s };
    let w = Forger::with(|leaves| leaves[0].key = [key.x(), key.y()]).fee_slots(&[fee_slot(5, 1)]);
    w.transfer(&SignedTransfer { transfer, signature }).finish()
}
