//! Other systems: see [`boxoffice_core::federation`].

#[cfg(feature = "federation-http")]
pub mod http;

pub use boxoffice_core::federation::*;
