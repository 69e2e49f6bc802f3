//! See `quittance_fuzz::transfer_json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| quittance_fuzz::transfer_json::check(data));
