//! See `quittance_fuzz::exit_bundle`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| quittance_fuzz::exit_bundle::check(data));
