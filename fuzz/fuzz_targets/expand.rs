//! See [`boxoffice_fuzz::expand`].
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| boxoffice_fuzz::expand::check(data));
