//! Applied batches as bytes, so that a batch can be proved after a restart, or by another machine.
//!
//! Little-endian: version 1 | levels 1 | rollup id 32 | batch number 4 | old root 32 | new root 32 | number of transfers 4 |
//! number of fee slots 4 | transfers | fee slots. A transfer is from 4 | to 4 | amount 8 | fee 2 | nonce 4 | valid until 4 |
//! R8 64 | S 32 | fee slot 4 | sender's leaf 108 | path levels·96 | recipient's leaf 108 | path levels·96; a fee slot is leaf 4 |
//! token 4 | amount 16 | account's leaf 108 | path levels·96. Decoding takes no more memory than the input's length
//! justifies and accepts exactly what encoding writes.

use super::{AppliedBatch, AppliedFee, AppliedTransfer, BatchContext};
use crate::babyjubjub::Point;
use crate::eddsa::Signature;
use crate::float::{FloatAmount, FloatFee};
use crate::leaf::{Leaf, LeafError};
use crate::tree::{Levels, Path};
use crate::tx::fee::FeeSlot;
use crate::tx::transfer::{SignedTransfer, Transfer};
use crate::types::{AccountIndex, BatchNumber, Nonce, TokenId};
use ark_bn254::Fr;
use ark_ff::{BigInt, BigInteger, PrimeField};
use thiserror::Error;

const VERSION: u8 = 1;

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
        put_field(&mut bytes, &self.old_root);
        put_field(&mut bytes, &self.new_root);
        for length in [self.transfers.len(), self.fees.len()] {
            // A batch fits a shape, whose counts are u32.
            bytes.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
        }
        for applied in &self.transfers {
            let SignedTransfer { transfer, signature } = &applied.signed;
            bytes.extend(transfer.from.get().to_le_bytes());
            bytes.extend(transfer.to.get().to_le_bytes());
            bytes.extend(transfer.amount.get().to_le_bytes());
            bytes.extend(transfer.fee.get().to_le_bytes());
            bytes.extend(transfer.nonce.get().to_le_bytes());
            bytes.extend(transfer.valid_until.get().to_le_bytes());
            put_field(&mut bytes, &signature.r8.x);
            put_field(&mut bytes, &signature.r8.y);
            bytes.extend(signature.s.iter().flat_map(|limb| limb.to_le_bytes()));
            bytes.extend(u32::try_from(applied.fee_slot).unwrap_or(u32::MAX).to_le_bytes());
            put_leaf(&mut bytes, &applied.sender, &applied.sender_path);
            put_leaf(&mut bytes, &applied.recipient, &applied.recipient_path);
        }
        for fee in &self.fees {
            bytes.extend(fee.slot.leaf.get().to_le_bytes());
            bytes.extend(fee.slot.token.get().to_le_bytes());
            bytes.extend(fee.amount.to_le_bytes());
            put_leaf(&mut bytes, &fee.account, &fee.path);
        }
        bytes
    }

    /// Reads an encoding.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AppliedDecodeError> {
        let mut reader = Reader { bytes, offset: 0 };
        let [version, levels] = reader.take()?;
        if version != VERSION {
            return Err(AppliedDecodeError::Version {
                got: version,
                expected: VERSION,
            });
        }
        Levels::new(levels).map_err(|_| AppliedDecodeError::OutOfRange { field: "levels" })?;
        let rollup_id = reader.field()?;
        let batch_number = BatchNumber(reader.u32()?);
        let old_root = reader.field()?;
        let new_root = reader.field()?;
        let (transfer_count, fee_count) = (reader.u32()?, reader.u32()?);
        // Growth is bounded by the input: each item read consumes its bytes or fails.
        let mut transfers = Vec::new();
        for _ in 0..transfer_count {
            transfers.push(reader.transfer(levels, fee_count)?);
        }
        let mut fees = Vec::new();
        for _ in 0..fee_count {
            let slot = FeeSlot {
                leaf: AccountIndex(reader.u32()?),
                token: TokenId(reader.u32()?),
            };
            let amount = u128::from_le_bytes(reader.take()?);
            let (account, path) = reader.leaf(levels)?;
            fees.push(AppliedFee {
                slot,
                amount,
                account,
                path,
            });
        }
        match reader.bytes.len() - reader.offset {
            0 => {}
            got => return Err(AppliedDecodeError::Trailing { got }),
        }
        let context = BatchContext {
            rollup_id,
            batch_number,
        };
        Ok(Self {
            levels,
            context,
            old_root,
            new_root,
            transfers,
            fees,
        })
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
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

    fn leaf(&mut self, levels: u8) -> Result<(Leaf, Path), AppliedDecodeError> {
        let leaf = Leaf::from_bytes(&self.take::<{ Leaf::BYTES }>()?)?;
        let mut siblings = Vec::with_capacity(usize::from(levels));
        for _ in 0..levels {
            siblings.push([self.field()?, self.field()?, self.field()?]);
        }
        Ok((leaf, Path { siblings }))
    }

    fn transfer(&mut self, levels: u8, fee_count: u32) -> Result<AppliedTransfer, AppliedDecodeError> {
        let transfer = Transfer {
            from: AccountIndex(self.u32()?),
            to: AccountIndex(self.u32()?),
            amount: FloatAmount::new(u64::from_le_bytes(self.take()?))
                .map_err(|_| AppliedDecodeError::OutOfRange { field: "amount" })?,
            fee: FloatFee::new(u16::from_le_bytes(self.take()?)),
            nonce: Nonce(self.u32()?),
            valid_until: BatchNumber(self.u32()?),
        };
        let r8 = Point::new(self.field()?, self.field()?);
        let signature = Signature { r8, s: self.limbs()? };
        let fee_slot = self.u32()?;
        if fee_slot >= fee_count {
            return Err(AppliedDecodeError::OutOfRange { field: "fee_slot" });
        }
        let fee_slot =
            usize::try_from(fee_slot).map_err(|_| AppliedDecodeError::OutOfRange { field: "fee_slot" })?;
        let (sender, sender_path) = self.leaf(levels)?;
        let (recipient, recipient_path) = self.leaf(levels)?;
        let signed = SignedTransfer { transfer, signature };
        Ok(AppliedTransfer {
            signed,
            sender,
            sender_path,
            recipient,
            recipient_path,
            fee_slot,
        })
    }
}

fn put_field(bytes: &mut Vec<u8>, element: &Fr) {
    bytes.extend(element.into_bigint().to_bytes_le());
}

fn put_leaf(bytes: &mut Vec<u8>, leaf: &Leaf, path: &Path) {
    bytes.extend(leaf.to_bytes());
    path.siblings
        .iter()
        .flatten()
        .for_each(|node| put_field(bytes, node));
}
