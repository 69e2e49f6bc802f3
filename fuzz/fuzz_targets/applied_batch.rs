//! See `quittance_fuzz::applied_batch`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| quittance_fuzz::applied_batch::check(data));
