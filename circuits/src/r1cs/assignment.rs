//! Values of the variables, without rows.

use super::slots::{Before, Slots, in_order};
use super::{ConstraintSystem, FieldVar, Inverses, Label};
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use rayon::prelude::*;

/// Collects the value of each variable in order: constant one, public inputs, witness.
///
/// Sections are filled on the threads of the current rayon pool.
#[derive(Debug)]
pub struct Assignment {
    values: Vec<Fr>,
    inverses: Inverses,
    #[cfg(test)]
    pub(crate) sections_in_order: usize,
}

impl Assignment {
    /// Starts with the public inputs (without the constant one).
    pub fn new(public_inputs: &[Fr]) -> Self {
        Self::in_buffer(public_inputs, Vec::new())
    }

    /// The same in memory that is there already; what it holds is dropped.
    pub fn in_buffer(public_inputs: &[Fr], buffer: Vec<Fr>) -> Self {
        let mut values = buffer;
        values.clear();
        values.push(Fr::ONE);
        values.extend_from_slice(public_inputs);
        Self {
            values,
            inverses: Inverses::default(),
            #[cfg(test)]
            sections_in_order: 0,
        }
    }

    /// All values, the constant one first.
    pub fn into_values(self) -> Vec<Fr> {
        self.values
    }

    /// Number of variables so far.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Never true: the constant one is always there.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Fills the slots in parallel, each in its own piece of the values. `None` if a slot has not exactly as many variables
    /// as its section says.
    fn side_by_side<S: Slots<()>>(
        &mut self,
        slots: &S,
        start: &S::Link,
    ) -> Option<(Vec<S::Outcome>, S::Link)> {
        let (count, size) = (slots.count(), slots.variables().max(1));
        let first = self.values.len();
        let zeros = rayon::iter::repeat_n(Fr::ZERO, count.checked_mul(size)?);
        self.values.par_extend(zeros);
        let (known, section) = self.values.split_at_mut(first);
        let known = &*known;
        let bodies: Option<Vec<(S::Outcome, &mut Fr)>> = section
            .par_chunks_exact_mut(size)
            .enumerate()
            .map(|(index, piece)| {
                let (link, body) = piece.split_last_mut()?;
                let mut cs = Piece::new(known, body);
                let outcome = slots.body(&mut cs, index, Before::unknown());
                cs.is_complete().then_some((outcome, link))
            })
            .collect();
        let mut link = start.clone();
        let mut outcomes = Vec::with_capacity(count);
        for (index, (outcome, place)) in bodies?.into_iter().enumerate() {
            let mut cs = Piece::new(known, core::slice::from_mut(place));
            link = slots.link(&mut cs, index, &outcome, &link);
            if !cs.is_complete() {
                return None;
            }
            outcomes.push(outcome);
        }
        Some((outcomes, link))
    }
}

impl ConstraintSystem for Assignment {
    type L = ();

    fn public_input(&self, index: u32) -> FieldVar<()> {
        value_at(&self.values, index)
    }

    fn witness(&mut self, value: Fr) -> FieldVar<()> {
        self.values.push(value);
        FieldVar::variable(0, value)
    }

    fn enforce(&mut self, _: &FieldVar<()>, _: &FieldVar<()>, _: &FieldVar<()>) {}

    fn label(&mut self, _: Label) {}

    fn inverses(&mut self) -> &mut Inverses {
        &mut self.inverses
    }

    fn slots<S: Slots<()>>(&mut self, slots: &S, start: &S::Link) -> (Vec<S::Outcome>, S::Link) {
        let first = self.values.len();
        if let Some(done) = self.side_by_side(slots, start) {
            return done;
        }
        #[cfg(test)]
        {
            self.sections_in_order += 1;
        }
        self.values.truncate(first);
        in_order(self, slots, start)
    }
}

/// A run of variables whose places are fixed.
#[derive(Debug)]
struct Piece<'a> {
    /// The values before the section, the public inputs among them.
    known: &'a [Fr],
    free: core::slice::IterMut<'a, Fr>,
    /// Whether there were more values than places.
    exceeded: bool,
    inverses: Inverses,
}

impl<'a> Piece<'a> {
    fn new(known: &'a [Fr], places: &'a mut [Fr]) -> Self {
        Self {
            known,
            free: places.iter_mut(),
            exceeded: false,
            inverses: Inverses::default(),
        }
    }

    /// Whether each place has its value, and each value its place.
    fn is_complete(&self) -> bool {
        self.free.len() == 0 && !self.exceeded
    }
}

impl ConstraintSystem for Piece<'_> {
    type L = ();

    fn public_input(&self, index: u32) -> FieldVar<()> {
        value_at(self.known, index)
    }

    fn witness(&mut self, value: Fr) -> FieldVar<()> {
        match self.free.next() {
            Some(place) => *place = value,
            None => self.exceeded = true,
        }
        FieldVar::variable(0, value)
    }

    fn enforce(&mut self, _: &FieldVar<()>, _: &FieldVar<()>, _: &FieldVar<()>) {}

    fn label(&mut self, _: Label) {}

    fn inverses(&mut self) -> &mut Inverses {
        &mut self.inverses
    }
}

fn value_at(values: &[Fr], index: u32) -> FieldVar<()> {
    let value = usize::try_from(index).ok().and_then(|index| values.get(index));
    FieldVar::variable(0, value.copied().unwrap_or(Fr::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three variables and a link: the sum of all indices so far.
    struct Counted {
        says: usize,
        has: u64,
    }

    impl Slots<()> for Counted {
        type Outcome = FieldVar<()>;
        type Link = FieldVar<()>;

        fn count(&self) -> usize {
            9
        }

        fn variables(&self) -> usize {
            self.says
        }

        fn body<C: ConstraintSystem<L = ()>>(
            &self,
            cs: &mut C,
            index: usize,
            _: Before<'_, FieldVar<()>>,
        ) -> FieldVar<()> {
            for place in 1..self.has {
                cs.witness(Fr::from(100 * place));
            }
            cs.witness(Fr::from(index as u64))
        }

        fn link<C: ConstraintSystem<L = ()>>(
            &self,
            cs: &mut C,
            _: usize,
            outcome: &FieldVar<()>,
            before: &FieldVar<()>,
        ) -> FieldVar<()> {
            cs.witness(before.value() + outcome.value())
        }
    }

    #[test]
    fn slots_side_by_side_equal_slots_in_order_whatever_their_section_says() {
        for says in [0, 1, 3, 4, 5, 100] {
            let slots = Counted { says, has: 3 };
            let start = FieldVar::constant(Fr::from(7u64));
            let mut ordered = Assignment::new(&[Fr::ONE]);
            let (_, expected) = in_order(&mut ordered, &slots, &start);
            let mut parallel = Assignment::new(&[Fr::ONE]);
            let (outcomes, link) = parallel.slots(&slots, &start);
            assert_eq!(parallel.sections_in_order, usize::from(says != 4), "{says}");
            assert_eq!(outcomes.len(), 9);
            assert_eq!(link.value(), expected.value());
            assert_eq!(link.value(), Fr::from(7u64 + 36));
            assert_eq!(parallel.into_values(), ordered.into_values());
        }
    }
}
