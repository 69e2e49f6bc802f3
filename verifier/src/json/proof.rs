//! A proof's points as JSON objects.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use super::object::Object;
use crate::encoding::{from_hex, to_hex};
use crate::{DecodeError, Proof};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProofDocument {
    a: Object<G1Document>,
    b: Object<G2Document>,
    c: Object<G1Document>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct G1Document {
    x: String,
    y: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct G2Document {
    x_c1: String,
    x_c0: String,
    y_c1: String,
    y_c0: String,
}

impl From<&Proof> for ProofDocument {
    fn from(proof: &Proof) -> Self {
        let [ax, ay, bx1, bx0, by1, by0, cx, cy] = words(proof);
        Self {
            a: Object(G1Document { x: ax, y: ay }),
            b: Object(G2Document {
                x_c1: bx1,
                x_c0: bx0,
                y_c1: by1,
                y_c0: by0,
            }),
            c: Object(G1Document { x: cx, y: cy }),
        }
    }
}

impl ProofDocument {
    pub(super) fn decode(&self) -> Result<Proof, DecodeError> {
        let Self {
            a: Object(a),
            b: Object(b),
            c: Object(c),
        } = self;
        let mut bytes = Vec::with_capacity(Proof::BYTES);
        for (text, field) in [
            (&a.x, "proof.a"),
            (&a.y, "proof.a"),
            (&b.x_c1, "proof.b"),
            (&b.x_c0, "proof.b"),
            (&b.y_c1, "proof.b"),
            (&b.y_c0, "proof.b"),
            (&c.x, "proof.c"),
            (&c.y, "proof.c"),
        ] {
            bytes.extend(from_hex::<32>(text, field)?);
        }
        Proof::from_bytes(&bytes)
    }
}

fn words(proof: &Proof) -> [String; 8] {
    let bytes = proof.to_bytes();
    let mut words = bytes.as_chunks::<32>().0.iter();
    core::array::from_fn(|_| words.next().map(|word| to_hex(word)).unwrap_or_default())
}
