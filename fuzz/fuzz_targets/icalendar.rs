//! See [`boxoffice_fuzz::icalendar`].
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| boxoffice_fuzz::icalendar::check(data));
