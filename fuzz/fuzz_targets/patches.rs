//! See `hoist_fuzz_checks::patches`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| hoist_fuzz_checks::patches(input));
