//! The attacks, by what they attack. Names begin with the row of the list of known bug classes (`S1` … `S49`, see
//! `circuits/README.md`) that they mount. Each says which rule rejects it, and almost all that *only* this rule does.

mod fees;
mod freedom;
mod signature;
mod slots;
mod state;
mod statement;
mod sweep;
