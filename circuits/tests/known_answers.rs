//! Hashes, keys and signatures against independent implementations.
//!
//! The files under `vectors/` were written by the scripts beside them, from npm circomlibjs.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a vector that cannot be read fails the test"
)]

use ark_bn254::Fr;
use ark_ff::{BigInteger, MontFp, PrimeField};
use light_poseidon::PoseidonHasher;
use quittance_circuits::babyjubjub::{Point, PublicKey};
use quittance_circuits::eddsa::{SecretKey, Signature, verify};
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::hash::{FieldHasher, RulesHasher};
use quittance_circuits::leaf::Leaf;
use quittance_circuits::poseidon::params::params;
use quittance_circuits::poseidon::{hash_with_capacity, permute, sponge};
use quittance_circuits::state::{MemoryState, Overlay, StateReader};
use quittance_circuits::tree::empty_root;
use quittance_circuits::tx::{
    Deposit, ForcedExit, Opening, Priority, Rotation, SignedOpening, SignedOperation, SignedRotation,
    SignedTransfer, SignedWithdrawal, Transfer, Withdrawal,
};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce, RootAddress, TokenId};
use quittance_verifier::EMPTY_QUEUE;
use serde_json::Value;
use sha3::{Digest, Keccak256};

fn vectors(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn array(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn element(value: &Value) -> Fr {
    value.as_str().unwrap().parse().unwrap()
}

fn elements(value: &Value) -> Vec<Fr> {
    array(value).iter().map(element).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex<const N: usize>(value: &Value) -> [u8; N] {
    let text = value.as_str().unwrap();
    assert_eq!(text.len(), 2 * N);
    core::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
}

fn integer(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}

fn numbers(n: u64) -> Vec<Fr> {
    (1..=n).map(Fr::from).collect()
}

#[test]
fn constants_are_those_of_circomlibjs() {
    let file = vectors(include_str!("vectors/poseidon.json"));
    let pinned = array(&file["constants"]);
    assert_eq!(pinned.len(), 16);
    for entry in pinned {
        let t = usize::try_from(entry["t"].as_u64().unwrap()).unwrap();
        let params = params(t);
        assert_eq!(
            entry["count"].as_u64(),
            u64::try_from(params.round_constants.len()).ok()
        );
        let mut digest = Keccak256::new();
        for constant in params.round_constants.iter().chain(params.mds.iter().flatten()) {
            digest.update(constant.into_bigint().to_bytes_be());
        }
        assert_eq!(
            format!("0x{}", hex(&digest.finalize())),
            entry["keccak"],
            "t = {t}"
        );
    }
}

#[test]
fn permutations_equal_circomlibjs() {
    let file = vectors(include_str!("vectors/poseidon.json"));
    for case in array(&file["hashes"]) {
        let (inputs, capacity, expected) = (
            elements(&case["inputs"]),
            element(&case["capacity"]),
            elements(&case["state"]),
        );
        let mut state = vec![capacity];
        state.extend(&inputs);
        permute(&mut state);
        assert_eq!(state, expected);
        assert_eq!(hash_with_capacity(&inputs, capacity), expected[0]);
    }
}

/// Published by circomlibjs in its own tests (`test/poseidon.js`).
#[test]
fn poseidon_equals_published_vectors() {
    let zero = Fr::from(0u64);
    assert_eq!(
        hash_with_capacity(&numbers(2), zero),
        MontFp!("7853200120776062878684798364095072458815029376092732009249414926327459813530")
    );
    assert_eq!(
        hash_with_capacity(&numbers(4), zero),
        MontFp!("18821383157269793795438455681495246036402687001665670618754263018637548127333")
    );
    assert_eq!(
        hash_with_capacity(&numbers(16), zero),
        MontFp!("9989051620750914585850546081941653841776809718687451684622678807385399211877")
    );
}

#[test]
fn poseidon_equals_light_poseidon() {
    for n in 1..=12 {
        let inputs: Vec<Fr> = (0..n).map(|i| -Fr::from(i * i + 3)).collect();
        let mut reference = light_poseidon::Poseidon::<Fr>::new_circom(usize::try_from(n).unwrap()).unwrap();
        assert_eq!(
            hash_with_capacity(&inputs, Fr::from(0u64)),
            reference.hash(&inputs).unwrap(),
            "{n} inputs"
        );
    }
}

/// The sponge written out: the number of elements in state\[0\], blocks added, output state\[1\].
#[test]
fn sponge_is_built_from_the_permutation() {
    for m in [1u64, 15, 16, 17, 32, 33] {
        let elements = numbers(m);
        let mut state = vec![Fr::from(0u64); 17];
        state[0] = Fr::from(m);
        for block in elements.chunks(16) {
            for (i, element) in block.iter().enumerate() {
                state[1 + i] += element;
            }
            permute(&mut state);
        }
        assert_eq!(sponge(&elements), state[1], "{m} elements");
    }
}

#[test]
fn keys_and_signatures_equal_circomlibjs() {
    let file = vectors(include_str!("vectors/eddsa.json"));
    let mut signatures = 0;
    for case in array(&file["keys"]) {
        let secret = SecretKey::from_bytes(&unhex(&case["secret"]));
        let key = secret.public_key();
        assert_eq!(
            *key.point(),
            Point::new(element(&case["ax"]), element(&case["ay"]))
        );
        for case in array(&case["signatures"]) {
            let message = element(&case["message"]);
            let s: Fr = element(&case["s"]);
            let signature = Signature {
                r8: Point::new(element(&case["r8x"]), element(&case["r8y"])),
                s: s.into_bigint().0,
            };
            assert_eq!(verify(&key, &message, &signature), Ok(()));
            assert_eq!(secret.sign(&message), signature);
            signatures += 1;
        }
    }
    assert_eq!(signatures, 56);
}

#[test]
fn leaves_roots_and_paths_equal_circomlibjs() {
    let file = vectors(include_str!("vectors/state.json"));
    for (level, root) in (0u8..).zip(array(&file["empty_roots"])) {
        assert_eq!(empty_root(level), Some(element(root)), "level {level}");
    }

    let leaves: Vec<(AccountIndex, Leaf)> = array(&file["accounts"])
        .iter()
        .map(|account| {
            let key = SecretKey::from_bytes(&unhex(&account["secret"])).public_key();
            assert_eq!(
                (key.x(), key.y()),
                (element(&account["ax"]), element(&account["ay"]))
            );
            let leaf = Leaf::new(
                key,
                account["balance"].as_str().unwrap().parse().unwrap(),
                integer(&account["nonce"]),
                integer(&account["token"]),
                RootAddress(unhex(&account["owner"])),
            )
            .unwrap();
            assert_eq!(
                (leaf.packed(), leaf.hash()),
                (element(&account["packed"]), element(&account["leaf"]))
            );
            (AccountIndex(integer(&account["index"])), leaf)
        })
        .collect();

    let levels = u8::try_from(file["levels"].as_u64().unwrap()).unwrap();
    let root = element(&file["root"]);
    let at_once = MemoryState::genesis(levels, leaves.clone()).unwrap();
    assert_eq!(at_once.root().unwrap(), root);

    let state = MemoryState::new(levels).unwrap();
    let mut one_by_one = Overlay::new(&state).unwrap();
    for (index, leaf) in leaves {
        one_by_one.set_leaf(index, leaf).unwrap();
    }
    assert_eq!(one_by_one.root(), root);

    let path = one_by_one
        .path(AccountIndex(integer(&file["path"]["index"])))
        .unwrap();
    let expected: Vec<Vec<Fr>> = array(&file["path"]["siblings"]).iter().map(elements).collect();
    let siblings: Vec<Vec<Fr>> = path.siblings.iter().map(|level| level.to_vec()).collect();
    assert_eq!(siblings, expected);
}

/// The fields of an operation as the vectors write them.
struct Written<'a>(&'a Value);

impl Written<'_> {
    fn index(&self, name: &str) -> AccountIndex {
        AccountIndex(integer(&self.0[name]))
    }

    fn amount(&self) -> FloatAmount {
        FloatAmount::new(self.0["amount_float40"].as_str().unwrap().parse().unwrap()).unwrap()
    }

    fn fee(&self) -> FloatFee {
        FloatFee::new(u16::try_from(integer(&self.0["fee_float16"])).unwrap())
    }

    fn nonce(&self) -> Nonce {
        Nonce(integer(&self.0["nonce"]))
    }

    fn valid_until(&self) -> BatchNumber {
        BatchNumber(integer(&self.0["valid_until"]))
    }

    fn key(&self) -> Point {
        Point::new(element(&self.0["key_x"]), element(&self.0["key_y"]))
    }

    fn address(&self, name: &str) -> RootAddress {
        RootAddress(unhex(&self.0[name]))
    }

    fn signature(&self) -> Signature {
        let signature = &self.0["signature"];
        Signature {
            r8: Point::new(element(&signature["r8x"]), element(&signature["r8y"])),
            s: element(&signature["s"]).into_bigint().0,
        }
    }

    fn operation(&self) -> SignedOperation {
        let signature = self.signature();
        match self.0["kind"].as_str().unwrap() {
            "transfer" => SignedTransfer {
                transfer: Transfer {
                    from: self.index("from"),
                    to: self.index("to"),
                    amount: self.amount(),
                    fee: self.fee(),
                    nonce: self.nonce(),
                    valid_until: self.valid_until(),
                },
                signature,
            }
            .into(),
            "opening" => SignedOpening {
                opening: Opening {
                    from: self.index("from"),
                    to: self.index("to"),
                    amount: self.amount(),
                    fee: self.fee(),
                    nonce: self.nonce(),
                    valid_until: self.valid_until(),
                    key: self.key(),
                    owner: self.address("owner"),
                },
                signature,
            }
            .into(),
            "withdrawal" => SignedWithdrawal {
                withdrawal: Withdrawal {
                    from: self.index("from"),
                    amount: self.0["amount"].as_str().unwrap().parse().unwrap(),
                    fee: self.fee(),
                    nonce: self.nonce(),
                    valid_until: self.valid_until(),
                    address: self.address("address"),
                },
                signature,
            }
            .into(),
            "rotation" => SignedRotation {
                rotation: Rotation {
                    from: self.index("from"),
                    fee: self.fee(),
                    nonce: self.nonce(),
                    valid_until: self.valid_until(),
                    key: self.key(),
                    owner: self.address("owner"),
                },
                signature,
            }
            .into(),
            other => panic!("unknown kind {other}"),
        }
    }
}

#[test]
fn messages_and_signatures_of_every_kind_equal_circomlibjs() {
    let file = vectors(include_str!("vectors/operations.json"));
    let mut kinds = std::collections::BTreeMap::new();
    for case in array(&file["operations"]) {
        let operation = Written(case).operation();
        let rollup_id = element(&case["rollup_id"]);
        let message = operation.message(&rollup_id);
        assert_eq!(message, element(&case["message"]));
        let words = [rollup_id, element(&case["w0"]), element(&case["w1"])];
        assert_eq!(message, hash_with_capacity(&words, Fr::from(0u64)));
        let secret = SecretKey::from_bytes(&unhex(&case["secret"]));
        assert_eq!(
            operation.check_signature(&rollup_id, &secret.public_key()),
            Ok(())
        );
        assert_eq!(secret.sign(&message), *operation.signature());
        *kinds
            .entry(case["kind"].as_str().unwrap().to_owned())
            .or_insert(0) += 1;
    }
    let expected = ["opening", "rotation", "transfer", "withdrawal"];
    assert!(kinds.keys().eq(expected), "{kinds:?}");
}

#[test]
fn holders_and_keys_equal_circomlibjs() {
    let file = vectors(include_str!("vectors/operations.json"));
    for case in array(&file["holders"]) {
        let (key, owner) = (Written(case).key(), Written(case).address("owner"));
        let holder = RulesHasher::holder(&[key.x, key.y, owner.into()]);
        assert_eq!(holder, element(&case["holder"]));
    }
    for case in array(&file["keys"]) {
        let point = Point::new(element(&case["x"]), element(&case["y"]));
        assert_eq!(PublicKey::new(point).is_ok(), case["valid"].as_bool().unwrap());
    }
}

#[test]
fn the_queues_running_hash_equals_that_of_another_program() {
    let file = vectors(include_str!("vectors/operations.json"));
    let mut hash = EMPTY_QUEUE;
    for case in array(&file["queue"]) {
        let (leaf, owner) = (Written(case).index("leaf"), Written(case).address("owner"));
        let request = match case["kind"].as_u64().unwrap() {
            5 => Priority::Deposit(Deposit {
                leaf,
                token: TokenId(integer(&case["token"])),
                amount: case["amount"].as_str().unwrap().parse().unwrap(),
                owner,
                key: Written(case).key(),
            }),
            _ => Priority::ForcedExit(ForcedExit { leaf, caller: owner }),
        };
        hash = request.request().hash_after(&hash);
        assert_eq!(hex(&hash), case["hash"].as_str().unwrap());
    }
}

#[test]
fn statement_hashes_equal_circomlibjs() {
    let file = vectors(include_str!("vectors/state.json"));
    for case in array(&file["statements"]) {
        let m = case["m"].as_u64().unwrap();
        let elements: Vec<Fr> = (0..m).map(|i| -Fr::from(1 + i * i)).collect();
        assert_eq!(sponge(&elements), element(&case["hash"]), "{m} elements");
    }
}
