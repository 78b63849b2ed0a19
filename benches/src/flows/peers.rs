//! The engines of others that are here.

mod dbos;
mod restate;

use std::sync::Arc;

use super::Engine;
use crate::Result;

/// Starts them; says which is left out, and why.
pub async fn start() -> Result<Vec<Arc<dyn Engine>>> {
    let mut engines: Vec<Arc<dyn Engine>> = Vec::new();
    match restate::Restate::start().await? {
        Some(restate) => engines.push(Arc::new(restate)),
        None => println!("\n(Restate is left out: its server is not here, see benches/flows/fetch-restate.sh)"),
    }
    match dbos::Dbos::start().await? {
        Some(dbos) => engines.push(Arc::new(dbos)),
        None => println!("\n(DBOS is left out: PostgreSQL is not installed)"),
    }
    Ok(engines)
}
