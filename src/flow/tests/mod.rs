//! Durable functions: tables of cases and laws.

mod retry;
