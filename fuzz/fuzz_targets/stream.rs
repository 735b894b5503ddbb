//! See `hoist::fuzzing::stream`, which is there when fuzzing only.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| hoist::fuzzing::stream(input));
