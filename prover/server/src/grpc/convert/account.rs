//! `Account`, `PublicKey` and `AuthenticationPath`.

use quittance_circuits::babyjubjub::{Point, PublicKey};
use quittance_circuits::leaf::Leaf;
use quittance_circuits::tree::Path;
use quittance_proto::v1;

use super::field_element;
use crate::encoding::fr_to_bytes_be;
use crate::grpc::fields::Violations;

/// Writes one account.
pub(crate) fn to_proto(index: u32, leaf: &Leaf, path: Option<&Path>) -> v1::Account {
    v1::Account {
        index,
        public_key: Some(v1::PublicKey {
            x: fr_to_bytes_be(&leaf.key.x()).to_vec(),
            y: fr_to_bytes_be(&leaf.key.y()).to_vec(),
        }),
        balance: leaf.balance.to_be_bytes().to_vec(),
        nonce: leaf.nonce,
        token: leaf.token,
        owner: leaf.owner().get().to_vec(),
        path: path.map(|path| v1::AuthenticationPath {
            leaf_hash: fr_to_bytes_be(&leaf.hash()).to_vec(),
            levels: path
                .siblings
                .iter()
                .map(|siblings| v1::Siblings {
                    hashes: siblings
                        .iter()
                        .map(|hash| fr_to_bytes_be(hash).to_vec())
                        .collect(),
                })
                .collect(),
        }),
    }
}

/// Reads a public key: on the curve, in the prime subgroup, not the identity.
pub(crate) fn key_from_proto(
    message: Option<&v1::PublicKey>,
    path: &str,
    violations: &mut Violations,
) -> Option<PublicKey> {
    let message = violations.require(message, path, "is required")?;
    let x = field_element(&message.x, &format!("{path}.x"), violations);
    let y = field_element(&message.y, &format!("{path}.y"), violations);
    match PublicKey::new(Point::new(x?, y?)) {
        Ok(key) => Some(key),
        Err(error) => {
            violations.add(path, error);
            None
        }
    }
}
