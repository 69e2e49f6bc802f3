//! The attacks, by what they attack. Names begin with the row of the list of known bug classes (`S1` … `S49`, see
//! `circuits/ATTACKS.md`) that they mount. Each says which rule rejects it, and almost all that *only* this rule does.

mod class;
mod exit;
mod fees;
mod freedom;
pub(crate) mod hidden;
mod holder;
mod opening;
mod priority;
mod rotation;
mod signature;
mod signer;
mod slots;
mod statement;
pub(crate) mod sweep;
mod transfer;
mod window;
mod withdrawal;

use crate::attacks::Attack;

/// All attacks that one rule alone rejects.
pub(crate) fn attacks() -> impl Iterator<Item = &'static Attack> {
    [
        signer::opening::ATTACKS,
        signer::transfer::ATTACKS,
        signer::withdrawal::ATTACKS,
        signer::rotation::ATTACKS,
        priority::ATTACKS,
        class::ATTACKS,
        opening::ATTACKS,
        transfer::ATTACKS,
        withdrawal::ATTACKS,
        rotation::ATTACKS,
        fees::ATTACKS,
        slots::ATTACKS,
        signature::ATTACKS,
        hidden::ATTACKS,
        window::opening::ATTACKS,
        window::transfer::ATTACKS,
        window::withdrawal::ATTACKS,
        window::rotation::ATTACKS,
        statement::ATTACKS,
    ]
    .into_iter()
    .flatten()
}
