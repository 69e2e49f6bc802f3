//! See `quittance_fuzz::bundle_json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| quittance_fuzz::bundle_json::check(data));
