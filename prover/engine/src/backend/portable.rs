//! Any processor, safe Rust: the oracle. Values are below 2p, but for what butterflies leave, so every bound is kept by itself.

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
