//! Signed operations, one struct for each kind.

use quittance_proto::v1::{self, signed_operation::Kind};
use serde::{Deserialize, Serialize};

use super::bytes::{amount, digits, hex};
use crate::encoding::to_hex;

/// A signed operation, under the name of its kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::cli) enum SignedJson {
    Transfer(TransferJson),
    Opening(OpeningJson),
    Withdrawal(WithdrawalJson),
    Rotation(RotationJson),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct TransferJson {
    from: u32,
    to: u32,
    amount_float40: u64,
    fee_float16: u32,
    nonce: u32,
    valid_until: u32,
    signature: SignatureJson,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct OpeningJson {
    from: u32,
    to: u32,
    amount_float40: u64,
    fee_float16: u32,
    nonce: u32,
    valid_until: u32,
    key_x: String,
    key_y: String,
    owner: String,
    signature: SignatureJson,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct WithdrawalJson {
    from: u32,
    amount: String,
    fee_float16: u32,
    nonce: u32,
    valid_until: u32,
    address: String,
    signature: SignatureJson,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct RotationJson {
    from: u32,
    fee_float16: u32,
    nonce: u32,
    valid_until: u32,
    key_x: String,
    key_y: String,
    owner: String,
    signature: SignatureJson,
}

/// A signature; 32 bytes each, big-endian.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureJson {
    r8x: String,
    r8y: String,
    s: String,
}

impl SignedJson {
    /// From a message with a kind.
    pub(in crate::cli) fn from_proto(message: &v1::SignedOperation) -> Option<Self> {
        message.kind.as_ref().map(Self::from_kind)
    }

    fn from_kind(kind: &Kind) -> Self {
        match kind {
            Kind::Transfer(message) => Self::Transfer(TransferJson::from_proto(message)),
            Kind::Opening(message) => Self::Opening(OpeningJson::from_proto(message)),
            Kind::Withdrawal(message) => Self::Withdrawal(WithdrawalJson::from_proto(message)),
            Kind::Rotation(message) => Self::Rotation(RotationJson::from_proto(message)),
        }
    }

    pub(super) fn into_proto(self) -> Result<v1::SignedOperation, String> {
        let kind = match self {
            Self::Transfer(transfer) => Kind::Transfer(transfer.into_proto()?),
            Self::Opening(opening) => Kind::Opening(opening.into_proto()?),
            Self::Withdrawal(withdrawal) => Kind::Withdrawal(withdrawal.into_proto()?),
            Self::Rotation(rotation) => Kind::Rotation(rotation.into_proto()?),
        };
        Ok(v1::SignedOperation { kind: Some(kind) })
    }
}

impl TransferJson {
    pub(in crate::cli) fn from_proto(message: &v1::SignedTransfer) -> Self {
        Self {
            from: message.from,
            to: message.to,
            amount_float40: message.amount_float40,
            fee_float16: message.fee_float16,
            nonce: message.nonce,
            valid_until: message.valid_until,
            signature: SignatureJson::from_proto(message.signature.as_ref()),
        }
    }

    fn into_proto(self) -> Result<v1::SignedTransfer, String> {
        Ok(v1::SignedTransfer {
            from: self.from,
            to: self.to,
            amount_float40: self.amount_float40,
            fee_float16: self.fee_float16,
            nonce: self.nonce,
            valid_until: self.valid_until,
            signature: Some(self.signature.into_proto("transfer")?),
        })
    }
}

impl OpeningJson {
    pub(in crate::cli) fn from_proto(message: &v1::SignedOpening) -> Self {
        Self {
            from: message.from,
            to: message.to,
            amount_float40: message.amount_float40,
            fee_float16: message.fee_float16,
            nonce: message.nonce,
            valid_until: message.valid_until,
            key_x: to_hex(&message.key_x),
            key_y: to_hex(&message.key_y),
            owner: to_hex(&message.owner),
            signature: SignatureJson::from_proto(message.signature.as_ref()),
        }
    }

    fn into_proto(self) -> Result<v1::SignedOpening, String> {
        Ok(v1::SignedOpening {
            from: self.from,
            to: self.to,
            amount_float40: self.amount_float40,
            fee_float16: self.fee_float16,
            nonce: self.nonce,
            valid_until: self.valid_until,
            signature: Some(self.signature.into_proto("opening")?),
            key_x: hex::<32>("opening.key_x", &self.key_x)?,
            key_y: hex::<32>("opening.key_y", &self.key_y)?,
            owner: hex::<20>("opening.owner", &self.owner)?,
        })
    }
}

impl WithdrawalJson {
    pub(in crate::cli) fn from_proto(message: &v1::SignedWithdrawal) -> Self {
        Self {
            from: message.from,
            amount: digits(&message.amount),
            fee_float16: message.fee_float16,
            nonce: message.nonce,
            valid_until: message.valid_until,
            address: to_hex(&message.address),
            signature: SignatureJson::from_proto(message.signature.as_ref()),
        }
    }

    fn into_proto(self) -> Result<v1::SignedWithdrawal, String> {
        Ok(v1::SignedWithdrawal {
            from: self.from,
            amount: amount("withdrawal.amount", &self.amount)?,
            fee_float16: self.fee_float16,
            nonce: self.nonce,
            valid_until: self.valid_until,
            signature: Some(self.signature.into_proto("withdrawal")?),
            address: hex::<20>("withdrawal.address", &self.address)?,
        })
    }
}

impl RotationJson {
    pub(in crate::cli) fn from_proto(message: &v1::SignedRotation) -> Self {
        Self {
            from: message.from,
            fee_float16: message.fee_float16,
            nonce: message.nonce,
            valid_until: message.valid_until,
            key_x: to_hex(&message.key_x),
            key_y: to_hex(&message.key_y),
            owner: to_hex(&message.owner),
            signature: SignatureJson::from_proto(message.signature.as_ref()),
        }
    }

    fn into_proto(self) -> Result<v1::SignedRotation, String> {
        Ok(v1::SignedRotation {
            from: self.from,
            fee_float16: self.fee_float16,
            nonce: self.nonce,
            valid_until: self.valid_until,
            signature: Some(self.signature.into_proto("rotation")?),
            key_x: hex::<32>("rotation.key_x", &self.key_x)?,
            key_y: hex::<32>("rotation.key_y", &self.key_y)?,
            owner: hex::<20>("rotation.owner", &self.owner)?,
        })
    }
}

impl SignatureJson {
    /// A message without a signature is no answer of the service; it is shown with an empty one.
    fn from_proto(message: Option<&v1::Signature>) -> Self {
        let signature = message.cloned().unwrap_or_default();
        Self {
            r8x: to_hex(&signature.r8x),
            r8y: to_hex(&signature.r8y),
            s: to_hex(&signature.s),
        }
    }

    fn into_proto(self, kind: &str) -> Result<v1::Signature, String> {
        let bytes = |name: &str, text: &str| hex::<32>(&format!("{kind}.signature.{name}"), text);
        Ok(v1::Signature {
            r8x: bytes("r8x", &self.r8x)?,
            r8y: bytes("r8y", &self.r8y)?,
            s: bytes("s", &self.s)?,
        })
    }
}
