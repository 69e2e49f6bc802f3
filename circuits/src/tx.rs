//! Operations: one file for each kind, its native rules, and its gadget beneath.

pub mod fee;
pub mod transfer;
