//! See `quittance_fuzz::r1cs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| quittance_fuzz::r1cs::check(data));
