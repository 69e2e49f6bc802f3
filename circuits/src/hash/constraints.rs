//! The one trait through which rules call hashes in a circuit: twin of [`FieldHasher`](super::FieldHasher).
//!
//! Rules never name Poseidon. A later proof system with an in-circuit challenge can prove all hashes by one
//! sum-check; it then replaces [`PoseidonGadget`] and nothing else.

use crate::poseidon::constraints::{PoseidonRows, WIDTH_4, WIDTH_5, WIDTH_6, WIDTH_17, fifth_power};
use crate::r1cs::{ConstraintSystem, FieldVar};
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

/// Hashes as rows.
pub trait HashGadget {
    /// One level of a path, for the old and the new child at once.
    ///
    /// `position` are the two boolean bits of the child's place among its four siblings, least significant first;
    /// `siblings` are hints for the other three children in order. Returns the old and the new parent.
    fn node_update<C: ConstraintSystem>(
        cs: &mut C,
        position: [&FieldVar<C::L>; 2],
        children: [&FieldVar<C::L>; 2],
        siblings: &[Fr; 3],
    ) -> [FieldVar<C::L>; 2];

    /// One level of a path: the parent of a child at this position, with hints for the other three children.
    fn node<C: ConstraintSystem>(
        cs: &mut C,
        position: [&FieldVar<C::L>; 2],
        child: &FieldVar<C::L>,
        siblings: &[Fr; 3],
    ) -> FieldVar<C::L>;

    /// The hash of one leaf.
    fn leaf<C: ConstraintSystem>(
        cs: &mut C,
        key: [LeafField<'_, C::L>; 2],
        packed: &FieldVar<C::L>,
        owner: &FieldVar<C::L>,
    ) -> FieldVar<C::L>;

    /// Hashes of one leaf before and after a change of its packed word. Key and owner stay.
    fn leaf_update<C: ConstraintSystem>(
        cs: &mut C,
        key: [LeafField<'_, C::L>; 2],
        packed: [&FieldVar<C::L>; 2],
        owner: &FieldVar<C::L>,
    ) -> [FieldVar<C::L>; 2];

    /// What all signed messages of a batch share: the part of the hash that sees the rollup id only.
    fn message_prefix<C: ConstraintSystem>(cs: &mut C, rollup_id: &FieldVar<C::L>) -> FieldVar<C::L>;

    /// The signed message from its prefix and two words, the second zero where the kind of operation has none.
    fn message<C: ConstraintSystem>(
        cs: &mut C,
        prefix: &FieldVar<C::L>,
        first: &FieldVar<C::L>,
        second: Option<&FieldVar<C::L>>,
    ) -> FieldVar<C::L>;

    /// Whom a leaf belongs to, from key x, key y and owner.
    fn holder<C: ConstraintSystem>(cs: &mut C, inputs: [&FieldVar<C::L>; 3]) -> FieldVar<C::L>;

    /// The signature's challenge: `Poseidon(inputs)` with t = 6.
    fn challenge<C: ConstraintSystem>(cs: &mut C, inputs: &[FieldVar<C::L>; 5]) -> FieldVar<C::L>;

    /// The sponge over the statement's elements.
    fn sponge<C: ConstraintSystem>(cs: &mut C, elements: &[FieldVar<C::L>]) -> FieldVar<C::L>;
}

/// A field of a leaf: one that other rules use too, or one that only has to exist.
#[derive(Debug)]
pub enum LeafField<'a, L> {
    /// A variable that other rules read.
    Shared(&'a FieldVar<L>),
    /// Nobody else reads it: the rows hint what the first S-box makes of this value, which saves three of them.
    Inner(Fr),
}

/// Circomlib's Poseidon.
#[derive(Clone, Copy, Debug)]
pub struct PoseidonGadget;

/// Initial capacity of a leaf's hash: a leaf is never a node.
const LEAF_CAPACITY: Fr = Fr::ONE;
/// Initial capacity of a holder's hash: a holder is never a message.
const HOLDER_CAPACITY: Fr = ark_ff::MontFp!("2");

impl HashGadget for PoseidonGadget {
    /// 583 constraints for old and new parent together.
    ///
    /// The siblings are needed only inside the two hashes, so the hints are the outputs of their first S-boxes,
    /// which old and new parent share. Only the changing child passes through S-boxes of its own. Its constant
    /// depends on its place and is selected by the position bits.
    fn node_update<C: ConstraintSystem>(
        cs: &mut C,
        [b0, b1]: [&FieldVar<C::L>; 2],
        [old, new]: [&FieldVar<C::L>; 2],
        siblings: &[Fr; 3],
    ) -> [FieldVar<C::L>; 2] {
        let rows: &PoseidonRows<5> = &WIDTH_5;
        let (both, constant) = place_constant(cs, [b0, b1]);
        let old = crate::poseidon::constraints::sbox(cs, &old.plus(&constant));
        let new = crate::poseidon::constraints::sbox(cs, &new.plus(&constant));

        let children = bound_children(cs, [b0, b1], &old, siblings);
        // The new children differ from the old ones at the position only.
        let change = new.minus(&old);
        let at_odd = cs.multiply(b0, &change);
        let at_upper = cs.multiply(b1, &change);
        let at_3 = cs.multiply(&both, &change);
        let at_1 = at_odd.minus(&at_3);
        let at_2 = at_upper.minus(&at_3);
        let at_0 = change.minus(&at_odd).minus(&at_2);

        let capacity = rows.constant_box(0, Fr::ZERO);
        let [k0, k1, k2, k3] = children;
        let changed = [
            capacity.clone(),
            k0.plus(&at_0),
            k1.plus(&at_1),
            k2.plus(&at_2),
            k3.plus(&at_3),
        ];
        let old_parent = rows.finish(cs, &[capacity, k0, k1, k2, k3], 0);
        let new_parent = rows.finish(cs, &changed, 0);
        [old_parent, new_parent]
    }

    /// 292 constraints. As [`node_update`](HashGadget::node_update), for one parent.
    fn node<C: ConstraintSystem>(
        cs: &mut C,
        position: [&FieldVar<C::L>; 2],
        child: &FieldVar<C::L>,
        siblings: &[Fr; 3],
    ) -> FieldVar<C::L> {
        let rows: &PoseidonRows<5> = &WIDTH_5;
        let (_, constant) = place_constant(cs, position);
        let child = crate::poseidon::constraints::sbox(cs, &child.plus(&constant));
        let [k0, k1, k2, k3] = bound_children(cs, position, &child, siblings);
        rows.finish(cs, &[rows.constant_box(0, Fr::ZERO), k0, k1, k2, k3], 0)
    }

    /// 291 constraints, and three more for each shared field of the key.
    fn leaf<C: ConstraintSystem>(
        cs: &mut C,
        key: [LeafField<'_, C::L>; 2],
        packed: &FieldVar<C::L>,
        owner: &FieldVar<C::L>,
    ) -> FieldVar<C::L> {
        let rows: &PoseidonRows<5> = &WIDTH_5;
        let [x, y] = key_boxes(cs, key);
        let owner = rows.first_box(cs, 4, owner);
        let packed = rows.first_box(cs, 3, packed);
        rows.finish(cs, &[rows.constant_box(0, LEAF_CAPACITY), x, y, packed, owner], 0)
    }

    /// 579 constraints, and three more for each shared field of the key.
    fn leaf_update<C: ConstraintSystem>(
        cs: &mut C,
        key: [LeafField<'_, C::L>; 2],
        [old, new]: [&FieldVar<C::L>; 2],
        owner: &FieldVar<C::L>,
    ) -> [FieldVar<C::L>; 2] {
        let rows: &PoseidonRows<5> = &WIDTH_5;
        let capacity = rows.constant_box(0, LEAF_CAPACITY);
        let [x, y] = key_boxes(cs, key);
        let owner = rows.first_box(cs, 4, owner);
        [old, new].map(|packed| {
            let packed = rows.first_box(cs, 3, packed);
            rows.finish(
                cs,
                &[capacity.clone(), x.clone(), y.clone(), packed, owner.clone()],
                0,
            )
        })
    }

    /// The first S-box on the rollup id: three constraints for a whole batch.
    fn message_prefix<C: ConstraintSystem>(cs: &mut C, rollup_id: &FieldVar<C::L>) -> FieldVar<C::L> {
        WIDTH_4.first_box(cs, 1, rollup_id)
    }

    /// 255 constraints, three more with a second word.
    fn message<C: ConstraintSystem>(
        cs: &mut C,
        prefix: &FieldVar<C::L>,
        first: &FieldVar<C::L>,
        second: Option<&FieldVar<C::L>>,
    ) -> FieldVar<C::L> {
        let rows: &PoseidonRows<4> = &WIDTH_4;
        let first = rows.first_box(cs, 2, first);
        let second = match second {
            Some(word) => rows.first_box(cs, 3, word),
            None => rows.constant_box(3, Fr::ZERO),
        };
        rows.finish(
            cs,
            &[rows.constant_box(0, Fr::ZERO), prefix.clone(), first, second],
            0,
        )
    }

    /// 261 constraints.
    fn holder<C: ConstraintSystem>(cs: &mut C, inputs: [&FieldVar<C::L>; 3]) -> FieldVar<C::L> {
        WIDTH_4.hash(cs, HOLDER_CAPACITY, &inputs.map(Clone::clone))
    }

    /// 321 constraints.
    fn challenge<C: ConstraintSystem>(cs: &mut C, inputs: &[FieldVar<C::L>; 5]) -> FieldVar<C::L> {
        WIDTH_6.hash(cs, Fr::ZERO, inputs)
    }

    /// `3·(elements in the first block) + 561` constraints for one block; each further block adds 612.
    fn sponge<C: ConstraintSystem>(cs: &mut C, elements: &[FieldVar<C::L>]) -> FieldVar<C::L> {
        let rows: &PoseidonRows<17> = &WIDTH_17;
        let rate = rows.width() - 1;
        let length = u64::try_from(elements.len()).unwrap_or(u64::MAX);
        let blocks: Vec<&[FieldVar<C::L>]> = elements.chunks(rate).collect();
        let mut state: Option<[FieldVar<C::L>; 17]> = None;
        for (index, block) in blocks.iter().enumerate() {
            let boxes = core::array::from_fn(|place| {
                let absorbed = place.checked_sub(1).and_then(|i| block.get(i));
                match (&state, absorbed) {
                    (None, Some(element)) => rows.first_box(cs, place, element),
                    (None, None) if place == 0 => rows.constant_box(place, Fr::from(length)),
                    (None, None) => rows.constant_box(place, Fr::ZERO),
                    (Some(state), Some(element)) => rows.first_box(cs, place, &state[place].plus(element)),
                    (Some(state), None) => rows.first_box(cs, place, &state[place]),
                }
            });
            if index + 1 == blocks.len() {
                return rows.finish(cs, &boxes, 1);
            }
            state = Some(rows.finish_all(cs, &boxes));
        }
        FieldVar::zero()
    }
}

/// The product of the position's bits, and the constant that the first layer adds to the child there. One constraint.
fn place_constant<C: ConstraintSystem>(
    cs: &mut C,
    [b0, b1]: [&FieldVar<C::L>; 2],
) -> (FieldVar<C::L>, FieldVar<C::L>) {
    let rows: &PoseidonRows<5> = &WIDTH_5;
    let both = cs.multiply(b0, b1);
    let [c0, c1, c2, c3] = [1, 2, 3, 4].map(|index| rows.first_constant(index));
    let mut constant = FieldVar::constant(c0);
    constant.add_scaled(b0, c1 - c0);
    constant.add_scaled(b1, c2 - c0);
    constant.add_scaled(&both, c3 - c2 - c1 + c0);
    (both, constant)
}

/// What the first S-boxes make of four children, of which the one at the position is known. Three constraints.
fn bound_children<C: ConstraintSystem>(
    cs: &mut C,
    [b0, b1]: [&FieldVar<C::L>; 2],
    own: &FieldVar<C::L>,
    siblings: &[Fr; 3],
) -> [FieldVar<C::L>; 4] {
    let rows: &PoseidonRows<5> = &WIDTH_5;
    // Hint: what the first S-boxes make of the four children.
    let place = usize::from(b0.value() == Fr::ONE) + 2 * usize::from(b1.value() == Fr::ONE);
    let mut siblings = siblings.iter();
    let children: [FieldVar<C::L>; 4] = core::array::from_fn(|index| {
        let value = if index == place {
            own.value()
        } else {
            let sibling = siblings.next().copied().unwrap_or(Fr::ZERO);
            fifth_power(sibling + rows.first_constant(index + 1))
        };
        cs.witness(value)
    });
    // Its constraint: the child at the position is the known one (S13: a leaf not bound to its path).
    let low = cs
        .multiply(b0, &children[1].minus(&children[0]))
        .plus(&children[0]);
    let high = cs
        .multiply(b0, &children[3].minus(&children[2]))
        .plus(&children[2]);
    cs.enforce(b1, &high.minus(&low), &own.minus(&low));
    children
}

/// The first S-boxes on the key's coordinates.
fn key_boxes<C: ConstraintSystem>(cs: &mut C, [x, y]: [LeafField<'_, C::L>; 2]) -> [FieldVar<C::L>; 2] {
    let rows: &PoseidonRows<5> = &WIDTH_5;
    [(1, x), (2, y)].map(|(index, field)| match field {
        LeafField::Shared(element) => rows.first_box(cs, index, element),
        LeafField::Inner(value) => cs.witness(fifth_power(value + rows.first_constant(index))),
    })
}
