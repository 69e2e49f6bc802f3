//! See `quittance_fuzz::operation_json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| quittance_fuzz::operation_json::check(data));
