//! The exit circuit: twin of [`Exit`].

use super::Exit;
use crate::hash::constraints::{HashGadget, LeafField};
use crate::leaf::constraints::{LeafWitness, enforce_exists, packed};
use crate::r1cs::{ConstraintSystem, FieldVar, Label, Section};
use crate::range::enforce_range;
use crate::statement::constraints::enforce_elements;
use crate::tree::constraints::root;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, PrimeField};

/// Bits of the leaf's token and balance in their word.
const TOKEN_SHIFT: u64 = 128;
/// Bits of token and balance.
const LEAF_SHIFT: u64 = 160;

/// Hints for an exit, as field elements: ranges are the circuit's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExitWitness {
    /// The rollup's id.
    pub rollup_id: Fr,
    /// The state root.
    pub root: Fr,
    /// The leaf's index.
    pub index: Fr,
    /// The leaf.
    pub leaf: LeafWitness,
    /// Siblings on its path, leaves first; one entry for each level of the tree.
    pub path: Vec<[Fr; 3]>,
}

impl ExitWitness {
    /// The hints of an exit.
    #[must_use]
    pub fn new(exit: &Exit) -> Self {
        Self {
            rollup_id: Fr::from_be_bytes_mod_order(&exit.rollup_id),
            root: exit.root,
            index: Fr::from(exit.index.get()),
            leaf: LeafWitness::from(&exit.leaf),
            path: exit.path.siblings.clone(),
        }
    }

    /// Values for a circuit of which only the rows are wanted.
    #[must_use]
    pub fn padding(levels: usize) -> Self {
        Self {
            rollup_id: Fr::ZERO,
            root: Fr::ZERO,
            index: Fr::ZERO,
            leaf: LeafWitness::PADDING,
            path: vec![[Fr::ZERO; 3]; levels],
        }
    }
}

/// The whole circuit, for as many levels as the path has. Public inputs are (h, z, y).
///
/// Each rule by its attack: S4, S49 `account_in_range` (a second reading of the packed word or of the statement's word); S14
/// `account_exists`; S13 `account_path`; S48 `statement_hash` and `statement_evaluation` (another owner, balance or root).
/// The owner needs no range: the statement's element is the verifier's, which has 160 bits. Whose key the leaf has and which nonce is
/// nobody's business in an emergency.
pub fn enforce_exit<C: ConstraintSystem, H: HashGadget>(cs: &mut C, witness: &ExitWitness) {
    let rule = |name| Label {
        section: Section::Exit,
        slot: 0,
        rule: name,
    };

    cs.label(rule("account_in_range"));
    let rollup_id = cs.witness(witness.rollup_id);
    let claimed_root = cs.witness(witness.root);
    let index = cs.witness(witness.index);
    let balance = cs.witness(witness.leaf.balance);
    let nonce = cs.witness(witness.leaf.nonce);
    let token = cs.witness(witness.leaf.token);
    let index_bits = enforce_range(cs, &index, 2 * witness.path.len());
    enforce_range(cs, &balance, 128);
    enforce_range(cs, &nonce, 32);
    enforce_range(cs, &token, 32);

    cs.label(rule("account_exists"));
    let owner = cs.witness(witness.leaf.owner);
    enforce_exists(cs, &owner);

    cs.label(rule("account_path"));
    let key = witness.leaf.key.map(LeafField::Inner);
    let leaf = H::leaf(cs, key, &packed(&balance, &nonce, &token), &owner);
    let computed_root = root::<C, H>(cs, &index_bits, leaf, &witness.path);
    cs.enforce_equal(&computed_root, &claimed_root);

    let shift = |bits: u64| Fr::from(2u64).pow([bits]);
    let word = FieldVar::sum([
        (shift(LEAF_SHIFT), &index),
        (shift(TOKEN_SHIFT), &token),
        (Fr::ONE, &balance),
    ]);
    enforce_elements::<C, H>(cs, &[rollup_id, claimed_root, word, owner], rule);
}
