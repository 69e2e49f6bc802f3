//! See `quittance_fuzz::leaf`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| quittance_fuzz::leaf::check(data));
