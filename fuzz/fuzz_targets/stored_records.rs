//! See `quittance_fuzz::stored_records`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| quittance_fuzz::stored_records::check(data));
