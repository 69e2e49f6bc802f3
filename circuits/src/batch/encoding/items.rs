//! Each kind of operation as bytes.

use super::{AppliedDecodeError, Reader, put_field};
use crate::babyjubjub::Point;
use crate::batch::{
    AppliedFee, AppliedOpening, AppliedPriority, AppliedRotation, AppliedTransfer, AppliedWithdrawal,
};
use crate::eddsa::Signature;
use crate::float::{FloatAmount, FloatFee};
use crate::leaf::Leaf;
use crate::tree::Path;
use crate::tx::fee::FeeSlot;
use crate::tx::priority::{DEPOSIT_KIND, FORCED_EXIT_KIND};
use crate::tx::{
    Deposit, ForcedExit, Opening, Priority, Rotation, SignedOpening, SignedRotation, SignedTransfer,
    SignedWithdrawal, Transfer, Withdrawal,
};
use crate::types::{AccountIndex, BatchNumber, Nonce, RootAddress, TokenId};
use ark_bn254::Fr;
use ark_ff::AdditiveGroup;

/// One entry of a section.
pub(super) trait Item: Sized {
    fn write(&self, bytes: &mut Vec<u8>);
    fn read(reader: &mut Reader<'_>) -> Result<Self, AppliedDecodeError>;
}

impl Item for AppliedPriority {
    fn write(&self, bytes: &mut Vec<u8>) {
        let (kind, token, amount, owner, key) = match &self.operation {
            Priority::Deposit(deposit) => (
                DEPOSIT_KIND,
                deposit.token,
                deposit.amount,
                deposit.owner,
                deposit.key,
            ),
            Priority::ForcedExit(exit) => (FORCED_EXIT_KIND, TokenId(0), 0, exit.caller, NO_KEY),
        };
        // A kind has 8 bits.
        bytes.push(u8::try_from(kind).unwrap_or(u8::MAX));
        bytes.extend(self.operation.leaf().get().to_le_bytes());
        bytes.extend(token.get().to_le_bytes());
        bytes.extend(amount.to_le_bytes());
        bytes.extend(owner.get());
        put_point(bytes, &key);
        bytes.push(u8::from(self.done));
        bytes.push(u8::from(self.account.is_some()));
        if let Some(account) = &self.account {
            bytes.extend(account.to_bytes());
        }
        put_path(bytes, &self.path);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, AppliedDecodeError> {
        let [kind] = reader.take()?;
        let leaf = AccountIndex(reader.u32()?);
        let token = TokenId(reader.u32()?);
        let amount = u128::from_le_bytes(reader.take()?);
        let owner = RootAddress(reader.take()?);
        let key = reader.point()?;
        let operation = match u64::from(kind) {
            DEPOSIT_KIND => Priority::Deposit(Deposit {
                leaf,
                token,
                amount,
                owner,
                key,
            }),
            FORCED_EXIT_KIND if token == TokenId(0) && amount == 0 && key == NO_KEY => {
                Priority::ForcedExit(ForcedExit { leaf, caller: owner })
            }
            FORCED_EXIT_KIND => return Err(AppliedDecodeError::OutOfRange { field: "forced exit" }),
            _ => return Err(AppliedDecodeError::OutOfRange { field: "kind" }),
        };
        let done = reader.flag("done")?;
        let account = match reader.flag("account")? {
            true => Some(reader.leaf()?),
            false => None,
        };
        Ok(Self {
            operation,
            done,
            account,
            path: reader.path()?,
        })
    }
}

impl Item for AppliedOpening {
    fn write(&self, bytes: &mut Vec<u8>) {
        let SignedOpening { opening, signature } = &self.signed;
        bytes.extend(opening.from.get().to_le_bytes());
        bytes.extend(opening.to.get().to_le_bytes());
        bytes.extend(opening.amount.get().to_le_bytes());
        put_terms(bytes, opening.fee, opening.nonce, opening.valid_until);
        put_point(bytes, &opening.key);
        bytes.extend(opening.owner.get());
        put_signature(bytes, signature, self.fee_slot);
        put_seen(bytes, &self.sender, &self.sender_path);
        put_path(bytes, &self.recipient_path);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, AppliedDecodeError> {
        let (from, to) = (AccountIndex(reader.u32()?), AccountIndex(reader.u32()?));
        let amount = reader.amount()?;
        let (fee, nonce, valid_until) = reader.terms()?;
        let opening = Opening {
            from,
            to,
            amount,
            fee,
            nonce,
            valid_until,
            key: reader.point()?,
            owner: RootAddress(reader.take()?),
        };
        let (signature, fee_slot) = reader.signature()?;
        let (sender, sender_path) = reader.seen()?;
        Ok(Self {
            signed: SignedOpening { opening, signature },
            sender,
            sender_path,
            recipient_path: reader.path()?,
            fee_slot,
        })
    }
}

impl Item for AppliedTransfer {
    fn write(&self, bytes: &mut Vec<u8>) {
        let SignedTransfer { transfer, signature } = &self.signed;
        bytes.extend(transfer.from.get().to_le_bytes());
        bytes.extend(transfer.to.get().to_le_bytes());
        bytes.extend(transfer.amount.get().to_le_bytes());
        put_terms(bytes, transfer.fee, transfer.nonce, transfer.valid_until);
        put_signature(bytes, signature, self.fee_slot);
        put_seen(bytes, &self.sender, &self.sender_path);
        put_seen(bytes, &self.recipient, &self.recipient_path);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, AppliedDecodeError> {
        let (from, to) = (AccountIndex(reader.u32()?), AccountIndex(reader.u32()?));
        let amount = reader.amount()?;
        let (fee, nonce, valid_until) = reader.terms()?;
        let transfer = Transfer {
            from,
            to,
            amount,
            fee,
            nonce,
            valid_until,
        };
        let (signature, fee_slot) = reader.signature()?;
        let (sender, sender_path) = reader.seen()?;
        let (recipient, recipient_path) = reader.seen()?;
        Ok(Self {
            signed: SignedTransfer { transfer, signature },
            sender,
            sender_path,
            recipient,
            recipient_path,
            fee_slot,
        })
    }
}

impl Item for AppliedWithdrawal {
    fn write(&self, bytes: &mut Vec<u8>) {
        let SignedWithdrawal {
            withdrawal,
            signature,
        } = &self.signed;
        bytes.extend(withdrawal.from.get().to_le_bytes());
        bytes.extend(withdrawal.amount.to_le_bytes());
        put_terms(bytes, withdrawal.fee, withdrawal.nonce, withdrawal.valid_until);
        bytes.extend(withdrawal.address.get());
        put_signature(bytes, signature, self.fee_slot);
        put_seen(bytes, &self.sender, &self.sender_path);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, AppliedDecodeError> {
        let from = AccountIndex(reader.u32()?);
        let amount = u128::from_le_bytes(reader.take()?);
        let (fee, nonce, valid_until) = reader.terms()?;
        let withdrawal = Withdrawal {
            from,
            amount,
            fee,
            nonce,
            valid_until,
            address: RootAddress(reader.take()?),
        };
        let (signature, fee_slot) = reader.signature()?;
        let (sender, sender_path) = reader.seen()?;
        Ok(Self {
            signed: SignedWithdrawal {
                withdrawal,
                signature,
            },
            sender,
            sender_path,
            fee_slot,
        })
    }
}

impl Item for AppliedRotation {
    fn write(&self, bytes: &mut Vec<u8>) {
        let SignedRotation { rotation, signature } = &self.signed;
        bytes.extend(rotation.from.get().to_le_bytes());
        put_terms(bytes, rotation.fee, rotation.nonce, rotation.valid_until);
        put_point(bytes, &rotation.key);
        bytes.extend(rotation.owner.get());
        put_signature(bytes, signature, self.fee_slot);
        put_seen(bytes, &self.sender, &self.sender_path);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, AppliedDecodeError> {
        let from = AccountIndex(reader.u32()?);
        let (fee, nonce, valid_until) = reader.terms()?;
        let rotation = Rotation {
            from,
            fee,
            nonce,
            valid_until,
            key: reader.point()?,
            owner: RootAddress(reader.take()?),
        };
        let (signature, fee_slot) = reader.signature()?;
        let (sender, sender_path) = reader.seen()?;
        Ok(Self {
            signed: SignedRotation { rotation, signature },
            sender,
            sender_path,
            fee_slot,
        })
    }
}

impl Item for AppliedFee {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.slot.leaf.get().to_le_bytes());
        bytes.extend(self.slot.token.get().to_le_bytes());
        bytes.extend(self.amount.to_le_bytes());
        put_seen(bytes, &self.account, &self.path);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, AppliedDecodeError> {
        let slot = FeeSlot {
            leaf: AccountIndex(reader.u32()?),
            token: TokenId(reader.u32()?),
        };
        let amount = u128::from_le_bytes(reader.take()?);
        let (account, path) = reader.seen()?;
        Ok(Self {
            slot,
            amount,
            account,
            path,
        })
    }
}

/// What stands where a forced exit has no key.
const NO_KEY: Point = Point::new(Fr::ZERO, Fr::ZERO);

impl Reader<'_> {
    fn flag(&mut self, field: &'static str) -> Result<bool, AppliedDecodeError> {
        match self.take()? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(AppliedDecodeError::OutOfRange { field }),
        }
    }

    fn point(&mut self) -> Result<Point, AppliedDecodeError> {
        Ok(Point::new(self.field()?, self.field()?))
    }

    fn amount(&mut self) -> Result<FloatAmount, AppliedDecodeError> {
        FloatAmount::new(u64::from_le_bytes(self.take()?))
            .map_err(|_| AppliedDecodeError::OutOfRange { field: "amount" })
    }

    /// Fee, nonce, valid until.
    fn terms(&mut self) -> Result<(FloatFee, Nonce, BatchNumber), AppliedDecodeError> {
        let fee = FloatFee::new(u16::from_le_bytes(self.take()?));
        Ok((fee, Nonce(self.u32()?), BatchNumber(self.u32()?)))
    }

    /// A signature, and the fee slot.
    fn signature(&mut self) -> Result<(Signature, usize), AppliedDecodeError> {
        let r8 = self.point()?;
        let signature = Signature { r8, s: self.limbs()? };
        let fee_slot = self.u32()?;
        match usize::try_from(fee_slot) {
            Ok(slot) if fee_slot < self.fee_slots => Ok((signature, slot)),
            _ => Err(AppliedDecodeError::OutOfRange { field: "fee_slot" }),
        }
    }

    fn leaf(&mut self) -> Result<Leaf, AppliedDecodeError> {
        Ok(Leaf::from_bytes(&self.take::<{ Leaf::BYTES }>()?)?)
    }

    fn path(&mut self) -> Result<Path, AppliedDecodeError> {
        let mut siblings = Vec::with_capacity(usize::from(self.levels));
        for _ in 0..self.levels {
            siblings.push([self.field()?, self.field()?, self.field()?]);
        }
        Ok(Path { siblings })
    }

    fn seen(&mut self) -> Result<(Leaf, Path), AppliedDecodeError> {
        Ok((self.leaf()?, self.path()?))
    }
}

fn put_point(bytes: &mut Vec<u8>, point: &Point) {
    put_field(bytes, &point.x);
    put_field(bytes, &point.y);
}

fn put_terms(bytes: &mut Vec<u8>, fee: FloatFee, nonce: Nonce, valid_until: BatchNumber) {
    bytes.extend(fee.get().to_le_bytes());
    bytes.extend(nonce.get().to_le_bytes());
    bytes.extend(valid_until.get().to_le_bytes());
}

fn put_signature(bytes: &mut Vec<u8>, signature: &Signature, fee_slot: usize) {
    put_point(bytes, &signature.r8);
    bytes.extend(signature.s.iter().flat_map(|limb| limb.to_le_bytes()));
    bytes.extend(u32::try_from(fee_slot).unwrap_or(u32::MAX).to_le_bytes());
}

fn put_seen(bytes: &mut Vec<u8>, leaf: &Leaf, path: &Path) {
    bytes.extend(leaf.to_bytes());
    put_path(bytes, path);
}

fn put_path(bytes: &mut Vec<u8>, path: &Path) {
    path.siblings
        .iter()
        .flatten()
        .for_each(|node| put_field(bytes, node));
}
