//! Offline verification of Quittance proofs: statement, keys, proofs and bundles.
