//! See `quittance_fuzz::config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| quittance_fuzz::config::check(data));
