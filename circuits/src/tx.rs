//! Operations: one file for each kind, its native rules, and its gadget beneath.
//!
//! An operation is *signed* by the account that pays for it, or a *priority* operation that the root chain has ordered. A batch
//! runs its operations in the order of its [sections](quittance_verifier::Section).

mod error;
pub mod fee;
pub mod opening;
pub mod priority;
pub mod rotation;
pub mod sender;
pub mod slot;
pub mod transfer;
pub mod withdrawal;

pub use error::{Asked, RuleError};
pub use opening::{Opening, SignedOpening};
pub use priority::{Deposit, ForcedExit, Priority};
pub use rotation::{Rotation, SignedRotation};
pub use transfer::{SignedTransfer, Transfer};
pub use withdrawal::{SignedWithdrawal, Withdrawal};

use crate::babyjubjub::PublicKey;
use crate::eddsa::{self, Signature};
use crate::float::FloatFee;
use crate::leaf::Leaf;
use crate::tx::fee::FeeSlot;
use crate::types::{AccountIndex, BatchNumber, Nonce};
use ark_bn254::Fr;
use quittance_verifier::Section;

/// One operation of any kind that a batch's sections hold; fee slots are no operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Ordered by the root chain.
    Priority(Priority),
    /// Signed by an account.
    Signed(SignedOperation),
}

/// One signed operation of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedOperation {
    /// Opens an account.
    Opening(SignedOpening),
    /// Moves an amount between two accounts.
    Transfer(SignedTransfer),
    /// Pays an amount out on the root chain.
    Withdrawal(SignedWithdrawal),
    /// Hands an account over to another key and owner.
    Rotation(SignedRotation),
}

impl Operation {
    /// The section that runs it.
    #[must_use]
    pub const fn section(&self) -> Section {
        match self {
            Self::Priority(_) => Section::Priority,
            Self::Signed(signed) => signed.section(),
        }
    }

    /// The accounts that it reads or changes, fee accounts aside.
    pub fn accounts(&self) -> impl Iterator<Item = AccountIndex> + use<> {
        let (first, second) = match self {
            Self::Priority(priority) => (priority.leaf(), None),
            Self::Signed(signed) => (signed.from(), signed.to()),
        };
        core::iter::once(first).chain(second)
    }
}

impl From<Priority> for Operation {
    fn from(priority: Priority) -> Self {
        Self::Priority(priority)
    }
}

impl<T: Into<SignedOperation>> From<T> for Operation {
    fn from(signed: T) -> Self {
        Self::Signed(signed.into())
    }
}

impl SignedOperation {
    /// The section that runs it.
    #[must_use]
    pub const fn section(&self) -> Section {
        match self {
            Self::Opening(_) => Section::Openings,
            Self::Transfer(_) => Section::Transfers,
            Self::Withdrawal(_) => Section::Withdrawals,
            Self::Rotation(_) => Section::Rotations,
        }
    }

    /// The account that signs and pays the fee.
    #[must_use]
    pub const fn from(&self) -> AccountIndex {
        match self {
            Self::Opening(signed) => signed.opening.from,
            Self::Transfer(signed) => signed.transfer.from,
            Self::Withdrawal(signed) => signed.withdrawal.from,
            Self::Rotation(signed) => signed.rotation.from,
        }
    }

    /// The other account that it changes: the recipient of a transfer, the place of an opening.
    #[must_use]
    pub const fn to(&self) -> Option<AccountIndex> {
        match self {
            Self::Opening(signed) => Some(signed.opening.to),
            Self::Transfer(signed) => Some(signed.transfer.to),
            Self::Withdrawal(_) | Self::Rotation(_) => None,
        }
    }

    /// The signer's nonce.
    #[must_use]
    pub const fn nonce(&self) -> Nonce {
        match self {
            Self::Opening(signed) => signed.opening.nonce,
            Self::Transfer(signed) => signed.transfer.nonce,
            Self::Withdrawal(signed) => signed.withdrawal.nonce,
            Self::Rotation(signed) => signed.rotation.nonce,
        }
    }

    /// The last batch that may hold it.
    #[must_use]
    pub const fn valid_until(&self) -> BatchNumber {
        match self {
            Self::Opening(signed) => signed.opening.valid_until,
            Self::Transfer(signed) => signed.transfer.valid_until,
            Self::Withdrawal(signed) => signed.withdrawal.valid_until,
            Self::Rotation(signed) => signed.rotation.valid_until,
        }
    }

    /// The fee, in the token of the signer's account.
    #[must_use]
    pub const fn fee(&self) -> FloatFee {
        match self {
            Self::Opening(signed) => signed.opening.fee,
            Self::Transfer(signed) => signed.transfer.fee,
            Self::Withdrawal(signed) => signed.withdrawal.fee,
            Self::Rotation(signed) => signed.rotation.fee,
        }
    }

    /// The signature.
    #[must_use]
    pub const fn signature(&self) -> &Signature {
        match self {
            Self::Opening(signed) => &signed.signature,
            Self::Transfer(signed) => &signed.signature,
            Self::Withdrawal(signed) => &signed.signature,
            Self::Rotation(signed) => &signed.signature,
        }
    }

    /// The signed message `M = Poseidon(rollup_id, w0, w1)`; each kind writes its own bits, beginning with its number (S46).
    #[must_use]
    pub fn message(&self, rollup_id: &Fr) -> Fr {
        match self {
            Self::Opening(signed) => signed.opening.message(rollup_id),
            Self::Transfer(signed) => signed.transfer.message(rollup_id),
            Self::Withdrawal(signed) => signed.withdrawal.message(rollup_id),
            Self::Rotation(signed) => signed.rotation.message(rollup_id),
        }
    }

    /// The rules `signature_canonical` and `signature_valid`: signed by this key for this rollup. They need nothing of the
    /// state but the key.
    pub fn check_signature(&self, rollup_id: &Fr, key: &PublicKey) -> Result<(), RuleError> {
        let message = self.message(rollup_id);
        let signature = self.signature();
        let challenge = eddsa::challenge(key, &message, &signature.r8);
        eddsa::signature_canonical(signature, &challenge)
            .map_err(|_| RuleError::SignatureCanonical { s: signature.s })?;
        eddsa::signature_valid(key, signature, &challenge).map_err(|_| RuleError::SignatureValid { message })
    }
}

/// Where a signed operation is checked.
#[derive(Clone, Copy, Debug)]
pub struct RuleContext<'a> {
    /// The rollup that the signature must name.
    pub rollup_id: &'a Fr,
    /// Number of the batch.
    pub batch_number: BatchNumber,
    /// Number of places in the tree, 4^levels.
    pub capacity: u64,
    /// The batch's fee slots.
    pub fee_slots: &'a [FeeSlot],
}

/// What a signed operation that passed every rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// What happens to its signer.
    pub sender: SenderEffect,
    /// What happens to the other account; `None` for kinds that have none.
    pub other: Option<OtherEffect>,
}

/// What a signed operation does to its signer's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderEffect {
    /// The leaf as read.
    pub before: Leaf,
    /// The leaf afterwards (before it receives, if it pays itself).
    pub after: Leaf,
    /// Value of the fee.
    pub fee: u128,
    /// Position of the fee slot that receives it.
    pub fee_slot: usize,
}

/// What a signed operation does to an account that is not its signer's, or is it as well, after the signer's update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherEffect {
    /// The account.
    pub index: AccountIndex,
    /// Its leaf as read after the signer's update; `None` where an account is opened.
    pub before: Option<Leaf>,
    /// Its leaf afterwards.
    pub after: Leaf,
}

/// Checks every rule of a signed operation that is not true by construction, in the order of its kind.
///
/// `sender` is the leaf at [`SignedOperation::from`], `other` the one at [`SignedOperation::to`], both as they are before the
/// operation, `None` where the tree has none. The two rules of the signature are checked by `signature`, which is called in
/// their place with the signer's key: [`SignedOperation::check_signature`], or its outcome for a caller that has run it with
/// this key already.
pub fn check(
    context: &RuleContext<'_>,
    operation: &SignedOperation,
    sender: Option<&Leaf>,
    other: Option<&Leaf>,
    signature: impl FnOnce(&PublicKey) -> Result<(), RuleError>,
) -> Result<Effect, RuleError> {
    let alone = |sender| Effect { sender, other: None };
    match operation {
        SignedOperation::Opening(signed) => {
            opening::check(context, &signed.opening, sender, other, signature).map(Effect::from)
        }
        SignedOperation::Transfer(signed) => {
            transfer::check(context, &signed.transfer, sender, other, signature).map(Effect::from)
        }
        SignedOperation::Withdrawal(signed) => {
            withdrawal::check(context, &signed.withdrawal, sender, signature).map(alone)
        }
        SignedOperation::Rotation(signed) => {
            rotation::check(context, &signed.rotation, sender, signature).map(alone)
        }
    }
}
