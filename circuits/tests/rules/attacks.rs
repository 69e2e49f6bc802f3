//! Attacks as data: each is a forged assignment, and the one rule that rejects it.
//!
//! [`attacks!`] makes a test of each, and a list of all in a file. The tests show that *only* this rule stands in the way;
//! [`mutants`](crate::mutants) removes the rule's rows and shows that the attack then succeeds.

use crate::forger::Forger;
use crate::support::*;
use ark_bn254::Fr;
use std::collections::BTreeSet;

/// An attack on one rule.
pub(crate) struct Attack {
    /// The name of its test, which begins with the rows of the list of known bug classes that it mounts.
    pub(crate) name: &'static str,
    /// The rule that rejects it, as `section[slot].rule`.
    pub(crate) label: &'static str,
    pub(crate) forge: fn() -> Forged,
}

/// Values for all variables of the circuit of [`SMALL`], public inputs included.
pub(crate) struct Forged(pub(crate) Vec<Fr>);

impl From<Forger> for Forged {
    fn from(forger: Forger) -> Self {
        Self(forger.assignment())
    }
}

impl From<Vec<Fr>> for Forged {
    fn from(values: Vec<Fr>) -> Self {
        Self(values)
    }
}

/// `fn name() breaks "section[slot].rule" { .. }` for each attack; the body gives what a [`Forged`] is made of. After `in "section";`
/// the labels are without the section.
macro_rules! attacks {
    ($(#[doc = $doc:literal])* fn $($rest:tt)*) => {
        $crate::attacks::attacks! { in ""; $(#[doc = $doc])* fn $($rest)* }
    };
    (in $section:literal; $($(#[doc = $doc:literal])* fn $name:ident() breaks $label:literal $body:block)*) => {
        pub(crate) const ATTACKS: &[$crate::attacks::Attack] = &[$($crate::attacks::Attack {
            name: stringify!($name),
            label: concat!($section, $label),
            forge: || $body.into(),
        }),*];
        $(
            $(#[doc = $doc])*
            #[test]
            fn $name() {
                $crate::attacks::assert_rejected(ATTACKS, stringify!($name));
            }
        )*
    };
}
pub(crate) use attacks;

/// Asserts that exactly its rule rejects the attack.
#[track_caller]
pub(crate) fn assert_rejected(attacks: &[Attack], name: &str) {
    let attack = attacks.iter().find(|attack| attack.name == name).unwrap();
    let Forged(values) = (attack.forge)();
    assert_eq!(broken_rules(&values), BTreeSet::from([attack.label.to_owned()]));
}

/// Rows that reject an assignment.
pub(crate) fn broken_rows(values: &[Fr]) -> Vec<usize> {
    assert_eq!(
        values.len(),
        SMALL_CIRCUIT.num_instance + SMALL_CIRCUIT.num_witness
    );
    (0..SMALL_CIRCUIT.num_constraints())
        .filter(|row| !SMALL_CIRCUIT.is_row_satisfied(*row, values))
        .collect()
}

/// Name of a row's rule, as `section[slot].rule`.
pub(crate) fn label(row: usize) -> String {
    SMALL_CIRCUIT
        .label(row)
        .map_or_else(String::new, |label| label.to_string())
}

/// Rows of a rule in one slot.
pub(crate) fn rows_of(rule: &str) -> Vec<usize> {
    let rows: Vec<usize> = (0..SMALL_CIRCUIT.num_constraints())
        .filter(|row| label(*row) == rule)
        .collect();
    assert!(!rows.is_empty(), "no rows of {rule}");
    rows
}

/// Names of all rules that reject an assignment.
pub(crate) fn broken_rules(values: &[Fr]) -> BTreeSet<String> {
    broken_rows(values).into_iter().map(label).collect()
}

impl Forger {
    /// Names of all rules that reject the witness.
    pub(crate) fn broken_rules(&self) -> BTreeSet<String> {
        broken_rules(&self.assignment())
    }

    /// Asserts that exactly this rule rejects the witness: without its rows, the attack would succeed.
    #[track_caller]
    pub(crate) fn assert_only(&self, rule: &str) {
        assert_eq!(self.broken_rules(), BTreeSet::from([rule.to_owned()]));
    }

    /// Asserts that the first row which rejects the witness belongs to this rule.
    #[track_caller]
    pub(crate) fn assert_first(&self, rule: &str) {
        let label = SMALL_CIRCUIT.first_broken_rule(&self.assignment());
        assert_eq!(label.map(|label| label.to_string()).as_deref(), Some(rule));
    }

    /// Asserts that this rule is among those that reject the witness.
    #[track_caller]
    pub(crate) fn assert_among(&self, rule: &str) {
        let rules = self.broken_rules();
        assert!(rules.contains(rule), "{rules:?}");
    }

    #[track_caller]
    pub(crate) fn assert_accepted(&self) {
        assert_eq!(self.broken_rules(), BTreeSet::new());
    }
}
