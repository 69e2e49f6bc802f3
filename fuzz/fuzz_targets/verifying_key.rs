//! See `quittance_fuzz::verifying_key`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| quittance_fuzz::verifying_key::check(data));
