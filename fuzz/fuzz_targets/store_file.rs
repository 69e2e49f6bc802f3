//! See `quittance_fuzz::store_file`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| quittance_fuzz::store_file::check(data));
