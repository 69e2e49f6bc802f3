//! Secret scalars, from the operating system and from nowhere else.

use ark_bn254::Fr;
use ark_ff::{PrimeField, Zero};
use rand_core::{OsRng, RngCore};

/// The operating system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct EntropyError(#[from] rand_core::Error);

/// A uniform non-zero scalar: 512 random bits reduced, so the bias is below 2^-250.
pub(crate) fn scalar() -> Result<Fr, EntropyError> {
    loop {
        let mut bytes = [0; 64];
        OsRng.try_fill_bytes(&mut bytes)?;
        let scalar = Fr::from_le_bytes_mod_order(&bytes);
        if !scalar.is_zero() {
            return Ok(scalar);
        }
    }
}
