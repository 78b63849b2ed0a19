//! The server: a process in a temporary directory, on free loopback ports, and a lean client for it.

use std::fs::File;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::Result;
use crate::load::pause;

/// A server that answers later than this is not coming.
const START_MAX: Duration = Duration::from_secs(60);

/// Killed when it is dropped.
pub struct Server {
    process: Child,
    ingress: u16,
    admin: u16,
    http: Client<HttpConnector, Full<Bytes>>,
    _folder: tempfile::TempDir,
}

/// Where `fetch-restate.sh` puts it: `restate` in the folder that cargo builds into.
fn program() -> Result<Option<PathBuf>> {
    let me = std::env::current_exe()?;
    let built = me.ancestors().nth(2).map(|target| target.join("restate/restate-server"));
    Ok(built.filter(|program| program.is_file()))
}

/// Ports that nobody has now.
fn free_ports() -> Result<[u16; 3]> {
    let any = || TcpListener::bind(("127.0.0.1", 0));
    let held = [any()?, any()?, any()?];
    let [node, ingress, admin] = &held;
    Ok([node.local_addr()?.port(), ingress.local_addr()?.port(), admin.local_addr()?.port()])
}

impl Server {
    /// Its defaults but for where it lives, what it tells the world, and four partitions instead of 24, with which it is
    /// faster on two cores. None where the program is not here.
    pub async fn start() -> Result<Option<Self>> {
        let Some(program) = program()? else { return Ok(None) };
        let folder = tempfile::Builder::new().prefix("boxoffice-restate-").tempdir()?;
        let [node, ingress, admin] = free_ports()?;
        let config = folder.path().join("config.toml");
        std::fs::write(
            &config,
            format!(
                "base-dir = '{}'\nnode-name = 'bench'\ncluster-name = 'bench'\nlisten-mode = 'tcp'\n\
                 bind-ip = '127.0.0.1'\nbind-port = {node}\nadvertised-host = '127.0.0.1'\ndisable-telemetry = true\n\
                 default-num-partitions = 4\n\
                 log-filter = 'warn'\n[ingress]\nbind-port = {ingress}\n[admin]\nbind-port = {admin}\n",
                folder.path().join("data").display()
            ),
        )?;
        let log = File::create(folder.path().join("log"))?;
        let process = Command::new(program)
            .arg("--config-file")
            .arg(&config)
            .current_dir(folder.path())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let http = Client::builder(TokioExecutor::new()).build(connector);
        let server = Self { process, ingress, admin, http, _folder: folder };
        server.ready(admin, "health").await?;
        server.ready(ingress, "restate/health").await?;
        Ok(Some(server))
    }

    async fn ready(&self, port: u16, path: &str) -> Result<()> {
        let started = Instant::now();
        while let Err(error) = self.ask(Method::GET, port, path, String::new()).await {
            if started.elapsed() > START_MAX {
                return Err(format!("the server of Restate does not answer: {error}").into());
            }
            pause(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Tells it where the handlers are; it asks them what they are.
    pub async fn register(&self, port: u16) -> Result<()> {
        let body = format!("{{\"uri\":\"http://127.0.0.1:{port}\"}}");
        self.ask(Method::POST, self.admin, "deployments", body).await.map(drop)
    }

    /// A call from outside: the answer's body.
    pub async fn call(&self, path: &str, body: String) -> Result<Bytes> {
        self.ask(Method::POST, self.ingress, path, body).await
    }

    async fn ask(&self, method: Method, port: u16, path: &str, body: String) -> Result<Bytes> {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://127.0.0.1:{port}/{path}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(body))?;
        let answer = self.http.request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        if status.is_success() {
            Ok(body)
        } else {
            Err(format!("{path}: {status}: {}", String::from_utf8_lossy(&body)).into())
        }
    }

    /// Bytes of memory that it has.
    pub fn resident(&self) -> Result<u64> {
        crate::load::resident(&self.process.id().to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.process.kill().and_then(|()| self.process.wait()) {
            eprintln!("the server of Restate was not stopped: {error}");
        }
    }
}
