//! Groth16 over BN254: keys, setup and proving for any R1CS.
