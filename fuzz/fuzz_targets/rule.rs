//! See [`boxoffice_fuzz::rule`].
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| boxoffice_fuzz::rule::check(data));
