//! See [`boxoffice_fuzz::naive`].
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| boxoffice_fuzz::naive::check(data));
