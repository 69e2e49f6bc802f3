//! Applied batches as bytes, so that a batch can be proved after a restart, or by another machine.
//!
//! Little-endian: version 2 | levels 1 | rollup id 32 | batch number 4 | queue's hash 32 (big-endian) | old root 32 | new root 32 |
//! six counts 4 each, in the order of sections | priority operations | openings | transfers | withdrawals | rotations | fee slots.
//! A *seen* leaf is leaf 108 | path levels·96; a *signature* is R8 64 | S 32 | fee slot 4.
//!
//! | item | bytes |
//! |---|---|
//! | priority operation | kind 1 (5 deposit, 6 forced exit) \| leaf 4 \| token 4 \| amount 16 \| owner or caller 20 | key 64 | done 1 | account there 1 | leaf 108 if it is | path |
//! | opening | from 4 | to 4 | amount 8 | fee 2 | nonce 4 | valid until 4 | key 64 | owner 20 | signature | sender seen | path of the new leaf |
//! | transfer | from 4 | to 4 | amount 8 | fee 2 | nonce 4 | valid until 4 | signature | sender seen | recipient seen |
//! | withdrawal | from 4 | amount 16 | fee 2 | nonce 4 | valid until 4 | address 20 | signature | sender seen |
//! | rotation | from 4 | fee 2 | nonce 4 | valid until 4 | key 64 | owner 20 | signature | sender seen |
//! | fee slot | leaf 4 | token 4 | amount 16 | account seen |
//!
//! A forced exit has zeros for token, amount and key. Decoding takes no more memory than the input's length justifies and
//! accepts exactly what encoding writes.

mod items;

use super::{AppliedBatch, BatchContext};
use crate::leaf::LeafError;
use crate::tree::Levels;
use crate::types::BatchNumber;
use ark_bn254::Fr;
use ark_ff::{BigInt, BigInteger, PrimeField};
use items::Item;
use thiserror::Error;

const VERSION: u8 = 2;

/// Why bytes are not an applied batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AppliedDecodeError {
    /// Another format.
    #[error("applied batch has format version {got}, this build reads {expected}")]
    Version {
        /// Version found.
        got: u8,
        /// Version known.
        expected: u8,
    },
    /// Too few bytes for what the counts announce.
    #[error("applied batch ends after {got} bytes, needs {needed} more")]
    Truncated {
        /// Length of the input.
        got: usize,
        /// Bytes missing for the field being read.
        needed: usize,
    },
    /// More bytes than the batch.
    #[error("applied batch is followed by {got} more bytes")]
    Trailing {
        /// Bytes left over.
        got: usize,
    },
    /// A field element is not below r.
    #[error("field element at byte {offset} is not below r")]
    NotCanonical {
        /// Where it starts.
        offset: usize,
    },
    /// A number is out of its range.
    #[error("{field} is out of range")]
    OutOfRange {
        /// Name of the field.
        field: &'static str,
    },
    /// A leaf is not valid.
    #[error("leaf is invalid: {0}")]
    Leaf(#[from] LeafError),
}

impl AppliedBatch {
    /// The encoding.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION, self.levels];
        put_field(&mut bytes, &self.context.rollup_id);
        bytes.extend(self.context.batch_number.get().to_le_bytes());
        bytes.extend(self.context.queue);
        put_field(&mut bytes, &self.old_root);
        put_field(&mut bytes, &self.new_root);
        for length in [
            self.priority.len(),
            self.openings.len(),
            self.transfers.len(),
            self.withdrawals.len(),
            self.rotations.len(),
            self.fees.len(),
        ] {
            // A batch fits a shape, whose counts are u32.
            bytes.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
        }
        put_all(&mut bytes, &self.priority);
        put_all(&mut bytes, &self.openings);
        put_all(&mut bytes, &self.transfers);
        put_all(&mut bytes, &self.withdrawals);
        put_all(&mut bytes, &self.rotations);
        put_all(&mut bytes, &self.fees);
        bytes
    }

    /// Reads an encoding.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AppliedDecodeError> {
        let mut reader = Reader {
            bytes,
            offset: 0,
            levels: 0,
            fee_slots: 0,
        };
        let [version, levels] = reader.take()?;
        if version != VERSION {
            return Err(AppliedDecodeError::Version {
                got: version,
                expected: VERSION,
            });
        }
        Levels::new(levels).map_err(|_| AppliedDecodeError::OutOfRange { field: "levels" })?;
        reader.levels = levels;
        let rollup_id = reader.field()?;
        let batch_number = BatchNumber(reader.u32()?);
        let queue: [u8; 32] = reader.take()?;
        if queue[0] != 0 {
            return Err(AppliedDecodeError::OutOfRange { field: "queue" });
        }
        let context = BatchContext {
            rollup_id,
            batch_number,
            queue,
        };
        let (old_root, new_root) = (reader.field()?, reader.field()?);
        let mut counts = [0; 6];
        for count in &mut counts {
            *count = reader.u32()?;
        }
        let [priority, openings, transfers, withdrawals, rotations, fees] = counts;
        reader.fee_slots = fees;
        let batch = Self {
            levels,
            context,
            old_root,
            new_root,
            priority: reader.all(priority)?,
            openings: reader.all(openings)?,
            transfers: reader.all(transfers)?,
            withdrawals: reader.all(withdrawals)?,
            rotations: reader.all(rotations)?,
            fees: reader.all(fees)?,
        };
        match reader.bytes.len() - reader.offset {
            0 => Ok(batch),
            got => Err(AppliedDecodeError::Trailing { got }),
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
    /// Levels of the batch's tree: the length of every path.
    levels: u8,
    /// Fee slots of the batch.
    fee_slots: u32,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], AppliedDecodeError> {
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        let Some((taken, _)) = rest.split_first_chunk::<N>() else {
            return Err(AppliedDecodeError::Truncated {
                got: self.bytes.len(),
                needed: N - rest.len(),
            });
        };
        self.offset += N;
        Ok(*taken)
    }

    fn u32(&mut self) -> Result<u32, AppliedDecodeError> {
        self.take().map(u32::from_le_bytes)
    }

    fn limbs(&mut self) -> Result<[u64; 4], AppliedDecodeError> {
        let mut limbs = [0; 4];
        for limb in &mut limbs {
            *limb = u64::from_le_bytes(self.take()?);
        }
        Ok(limbs)
    }

    fn field(&mut self) -> Result<Fr, AppliedDecodeError> {
        let offset = self.offset;
        Fr::from_bigint(BigInt(self.limbs()?)).ok_or(AppliedDecodeError::NotCanonical { offset })
    }

    /// A list. Growth is bounded by the input: each item read consumes its bytes or fails.
    fn all<T: Item>(&mut self, count: u32) -> Result<Vec<T>, AppliedDecodeError> {
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(T::read(self)?);
        }
        Ok(items)
    }
}

fn put_all<T: Item>(bytes: &mut Vec<u8>, items: &[T]) {
    items.iter().for_each(|item| item.write(bytes));
}

fn put_field(bytes: &mut Vec<u8>, element: &Fr) {
    bytes.extend(element.into_bigint().to_bytes_le());
}
