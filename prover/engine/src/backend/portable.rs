//! Any processor, safe Rust: the oracle. Values are always below 2p, so every bound is kept by itself.

mod field;
mod lanes;

use super::{FqParams, FrParams, Machine};
use lanes::Eight;

/// The portable backend.
#[derive(Debug)]
pub(crate) struct Portable;

impl Machine for Portable {
    type Fq = Eight<FqParams>;
    type Fr = Eight<FrParams>;
}
