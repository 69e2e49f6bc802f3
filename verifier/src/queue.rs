//! The root chain's queue of priority operations, and the running hash that says which ones it holds, in which order.
//!
//! The contract appends to the queue and keeps the hash; an operator has to execute a prefix of it. The hash starts
//! at 32 zero bytes, and after one more operation it is
//!
//! ```text
//! keccak256(TAG_PRIORITY ‖ hash ‖ kind ‖ leaf ‖ token ‖ amount ‖ owner ‖ key x ‖ key y) mod 2^248
//! ```
//!
//! with every part a 32-byte big-endian word. Of a forced exit the owner is the caller, and token, amount and key
//! are 0. How an operation ended is not hashed: the queue says what was asked for.

use ark_bn254::Fr;

use crate::encoding::{below_2_248, fr_to_bytes_be, keccak256};

/// keccak256("quittance.priority.v1").
pub const TAG_PRIORITY: [u8; 32] = [
    0xf4, 0xf8, 0x89, 0x13, 0xd8, 0x82, 0xdc, 0x84, 0x21, 0xba, 0x96, 0x92, 0xe5, 0xb8, 0x67, 0x04, 0xad,
    0x7f, 0x97, 0x4f, 0x5e, 0x8b, 0x03, 0x09, 0x5d, 0x78, 0x3c, 0x33, 0xb1, 0x9a, 0xbe, 0xd1,
];

/// The hash of a queue that nothing was ever appended to.
pub const EMPTY_QUEUE: [u8; 32] = [0; 32];

/// What somebody asked for on the root chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriorityRequest {
    /// Money comes in.
    Deposit(Deposit),
    /// The owner of a leaf takes all of its money out.
    ForcedExit(ForcedExit),
}

/// A deposit: it opens an empty leaf, or credits one that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deposit {
    /// Leaf index.
    pub leaf: u32,
    /// The token.
    pub token: u32,
    /// The sum, in the token's smallest unit.
    pub amount: u128,
    /// The owner of a leaf that the deposit opens.
    pub owner: [u8; 20],
    /// The key of a leaf that the deposit opens: x and y, which may be no key, and then open nothing. Coordinates are below r: the
    /// root chain refuses others, because no batch could ever name them, and everything behind them would wait for good.
    pub key: [Fr; 2],
}

/// A forced exit: it pays the leaf's whole balance to its owner, if the caller is the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForcedExit {
    /// Leaf index.
    pub leaf: u32,
    /// Who called the root chain's contract.
    pub caller: [u8; 20],
}

impl PriorityRequest {
    /// The kind number of deposits.
    pub const DEPOSIT: u8 = 5;
    /// The kind number of forced exits.
    pub const FORCED_EXIT: u8 = 6;

    /// The kind number, 5 or 6.
    pub fn kind(&self) -> u8 {
        match self {
            Self::Deposit(_) => Self::DEPOSIT,
            Self::ForcedExit(_) => Self::FORCED_EXIT,
        }
    }

    /// The leaf that the operation is about.
    pub fn leaf(&self) -> u32 {
        match self {
            Self::Deposit(deposit) => deposit.leaf,
            Self::ForcedExit(exit) => exit.leaf,
        }
    }

    /// The queue's hash after this operation, given the one before it. Below 2^248.
    pub fn hash_after(&self, before: &[u8; 32]) -> [u8; 32] {
        let (token, amount, owner, [x, y]) = match self {
            Self::Deposit(deposit) => (deposit.token, deposit.amount, &deposit.owner, deposit.key),
            Self::ForcedExit(exit) => (0, 0, &exit.caller, <[Fr; 2]>::default()),
        };
        below_2_248(keccak256([
            &TAG_PRIORITY[..],
            before,
            &number_word(self.kind().into()),
            &number_word(self.leaf().into()),
            &number_word(token.into()),
            &number_word(amount),
            &[0; 12],
            owner,
            &fr_to_bytes_be(&x),
            &fr_to_bytes_be(&y),
        ]))
    }
}

/// A number as a 32-byte big-endian word.
fn number_word(number: u128) -> [u8; 32] {
    let mut bytes = [0; 32];
    if let Some(low) = bytes.last_chunk_mut::<16>() {
        *low = number.to_be_bytes();
    }
    bytes
}
