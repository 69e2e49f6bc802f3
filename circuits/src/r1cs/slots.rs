//! Slots of a section: alike, next to each other, and linked.
//!
//! A slot's variables are made of its own hints and of what the whole batch shares. From the slot before it needs to know
//! something only in *rows* ("my root is yours"), and in its *link*, the one variable at its end. So rows and variables can be
//! written in order, and values filled in side by side: the bodies of all slots first, then the links from first to last.

use super::{ConstraintSystem, FieldVar, Linear};

/// A section.
pub trait Slots<L: Linear>: Sync {
    /// What the body of a slot gives to the batch.
    type Outcome: Send;

    /// What a slot leaves to the next.
    type Link: Clone + Sync;

    /// Number of slots.
    fn count(&self) -> usize;

    /// Variables of one slot, its link included. If it is wrong, values are filled in one after another.
    fn variables(&self) -> usize;

    /// All of slot `index` but its link.
    fn body<C: ConstraintSystem<L = L>>(
        &self,
        cs: &mut C,
        index: usize,
        before: Before<'_, Self::Link>,
    ) -> Self::Outcome;

    /// The link of slot `index`: exactly one variable.
    fn link<C: ConstraintSystem<L = L>>(
        &self,
        cs: &mut C,
        index: usize,
        outcome: &Self::Outcome,
        before: &Self::Link,
    ) -> Self::Link;
}

/// What the slot before has left, for rows only: where there are none, nobody knows it yet.
#[derive(Debug)]
pub struct Before<'a, K> {
    link: Option<&'a K>,
}

impl<'a, K> Before<'a, K> {
    /// It is known.
    pub(super) const fn known(link: &'a K) -> Self {
        Self { link: Some(link) }
    }

    /// Only values are wanted, and this one comes later.
    pub(super) const fn unknown() -> Self {
        Self { link: None }
    }

    /// Adds rows `a · b = c` that read it.
    pub fn enforce<C: ConstraintSystem, R>(&self, cs: &mut C, rows: impl FnOnce(&K) -> R)
    where
        R: IntoIterator<Item = [FieldVar<C::L>; 3]>,
    {
        for [a, b, c] in self.link.map(rows).into_iter().flatten() {
            cs.enforce(&a, &b, &c);
        }
    }
}

/// Writes a section slot by slot.
pub(super) fn in_order<C: ConstraintSystem, S: Slots<C::L>>(
    cs: &mut C,
    slots: &S,
    start: &S::Link,
) -> (Vec<S::Outcome>, S::Link) {
    let mut link = start.clone();
    let outcomes = (0..slots.count())
        .map(|index| {
            let outcome = slots.body(cs, index, Before::known(&link));
            link = slots.link(cs, index, &outcome, &link);
            outcome
        })
        .collect();
    (outcomes, link)
}
