//! See `hoist_fuzz_checks::answers`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| hoist_fuzz_checks::answers(input));
