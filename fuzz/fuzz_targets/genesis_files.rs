//! See `quittance_fuzz::genesis_files`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| quittance_fuzz::genesis_files::check(data));
