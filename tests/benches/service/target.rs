//! What answers the requests: the service without a socket, or PostGraphile over the same database.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use serde_json::json;
use tower::ServiceExt as _;

use crate::BenchError;

/// How long PostGraphile may take to start.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// What answers the requests.
#[derive(Clone)]
pub enum Target {
    /// The service, and the value of the `Authorization` header.
    Wayin { router: Router, token: String },
    /// PostGraphile, at an address.
    PostGraphile { client: reqwest::Client, url: String },
}

impl Target {
    /// Sends a query, or opens the page with a path as a visitor. Fails if the response has errors.
    pub async fn send(&self, query: &str) -> Result<(), BenchError> {
        if let (Self::Wayin { router, .. }, true) = (self, query.starts_with('/')) {
            return open_page(router, query).await;
        }
        let body = json!({"query": query}).to_string();
        let (status, body) = match self {
            Self::Wayin { router, token } => {
                let request = Request::post("/graphql")
                    .header(header::CONTENT_TYPE, "application/json")
                    .header(header::AUTHORIZATION, token)
                    .body(Body::from(body))?;
                let response = router.clone().oneshot(request).await?;
                let status = response.status();
                (status, to_bytes(response.into_body(), 16 << 20).await?)
            }
            Self::PostGraphile { client, url } => {
                let request = client
                    .post(url)
                    .header(header::CONTENT_TYPE, "application/json")
                    .body(body);
                let response = request.send().await?;
                (response.status(), response.bytes().await?)
            }
        };
        // To read the JSON would take time that is not the service's.
        let text = str::from_utf8(&body)?;
        if status != StatusCode::OK || text.contains("\"errors\":") {
            return Err(format!("{query}: {status} {text}").into());
        }
        Ok(())
    }
}

async fn open_page(router: &Router, path: &str) -> Result<(), BenchError> {
    let response = router
        .clone()
        .oneshot(Request::get(path).body(Body::empty())?)
        .await?;
    let status = response.status();
    let body = to_bytes(response.into_body(), 16 << 20).await?;
    // A page without an answer would be no measurement.
    if status != StatusCode::OK || !str::from_utf8(&body)?.contains("<svg") {
        return Err(format!("{path}: {status}, {} bytes", body.len()).into());
    }
    Ok(())
}

/// A PostGraphile server, until this value is dropped.
pub struct PostGraphile {
    server: Child,
    target: Target,
}

impl PostGraphile {
    /// Starts the PostGraphile that `tests/benches/postgraphile/install` installed into a folder.
    pub async fn start(folder: &Path, database: &str) -> Result<Self, BenchError> {
        // Nothing else is likely to take the port in between.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let target = Target::PostGraphile {
            client: reqwest::Client::builder().no_proxy().build()?,
            url: format!("http://127.0.0.1:{port}/graphql"),
        };
        let server = Command::new("node")
            .arg("node_modules/postgraphile/dist/cli-run.js")
            .args(["--config", "graphile.config.mjs"])
            .current_dir(folder)
            .env("NODE_ENV", "production")
            .env("GRAPHILE_ENV", "production")
            .env("DATABASE_URL", database)
            .env("PORT", port.to_string())
            .stdout(Stdio::null())
            .spawn()?;
        let mut started = Self { server, target };
        let start = Instant::now();
        while let Err(failed) = started.target.send("{ __typename }").await {
            if let Some(status) = started.server.try_wait()? {
                return Err(format!("PostGraphile ended: {status}").into());
            }
            if start.elapsed() > START_TIMEOUT {
                return Err(failed);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(started)
    }

    /// Where it answers.
    pub fn target(&self) -> &Target {
        &self.target
    }
}

impl Drop for PostGraphile {
    fn drop(&mut self) {
        // Both fail if the server has already ended, which is no fault here.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
