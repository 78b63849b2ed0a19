//! DBOS: a row for each flow and each step in a PostgreSQL of its own, `fsync` and `synchronous_commit` on.

use ::dbos::{Config, DBOS, EngineOnly, WorkflowRef, step};
use async_trait::async_trait;

use crate::Result;
use crate::flows::{Engine, outcome};
use crate::postgres::Cluster;

/// Connections of its pool: on two cores faster than one for each of 64 callers.
const CONNECTIONS_MAX: u32 = 16;

pub struct Dbos {
    flow: WorkflowRef<(u64, u32), u64, EngineOnly>,
    /// Stopped after its client is gone.
    _cluster: Cluster,
}

impl Dbos {
    /// None where PostgreSQL is not installed.
    pub async fn start() -> Result<Option<Self>> {
        let Some(cluster) = Cluster::start()? else { return Ok(None) };
        let client = cluster.connect().await?;
        for setting in ["fsync", "synchronous_commit"] {
            let value: String = client.query_one(&format!("SHOW {setting}"), &[]).await?.get(0);
            if value != "on" {
                return Err(format!("{setting} is {value}").into());
            }
        }
        let config = Config {
            app_version: Some("1".to_owned()),
            max_connections: CONNECTIONS_MAX,
            ..Config::new("boxoffice-benches", cluster.url())
        };
        let dbos = DBOS::new(config);
        let flow = dbos.register_workflow("flow", flow)?;
        dbos.launch().await?;
        Ok(Some(Self { flow, _cluster: cluster }))
    }
}

async fn flow((n, steps): (u64, u32)) -> ::dbos::Result<u64> {
    let mut sum = 0;
    for number in 0..steps {
        sum += step("step", move || async move { ::dbos::Result::Ok(outcome(n, number)) }).await?;
    }
    Ok(sum)
}

#[async_trait]
impl Engine for Dbos {
    fn name(&self) -> &'static str {
        "DBOS"
    }

    async fn flow(&self, n: u64, steps: u32) -> Result<u64> {
        Ok(self.flow.run((n, steps)).await?)
    }
}
