//! The records of the store's tables, each in a file of its own, and what they have in common.
//!
//! A record is written as its fields ([`codec`]) and then *sealed*: 8 bytes follow that bind it to its table and its key
//! ([`seal`]). A flipped bit, or a row under another key, is then noticed and never misread.

pub(super) mod batch;
pub(super) mod codec;
pub(super) mod head;
pub(super) mod identity;
pub(super) mod operation;
mod queue;
pub(super) mod remembered;
pub(super) mod row;
pub(super) mod seal;
pub(super) mod undo;
pub(super) mod whole;
