//! Requests over HTTP to the routes of the service.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use serde_json::Value;
use tower::ServiceExt;
use wayin::app::App;
use wayin::server;

use super::app::{TestApp, sign_token};

/// Sends a request to the service; returns status, headers and body.
pub async fn send(app: &Arc<App>, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
    let response = server::build_router(Arc::clone(app))
        .oneshot(request)
        .await
        .unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = to_bytes(response.into_body(), 1 << 24).await.unwrap();
    (status, headers, body.to_vec())
}

/// The address of an answer as a CSV file with its parameters: text as it is, everything else as JSON.
pub fn export_address(file: &str, parameters: &Value) -> String {
    add_parameters(&format!("/export/{file}.csv"), parameters)
}

/// The address of an answer as a workbook with its parameters.
pub fn workbook_address(file: &str, parameters: &Value) -> String {
    add_parameters(&format!("/export/{file}.xlsx"), parameters)
}

fn add_parameters(path: &str, parameters: &Value) -> String {
    let mut address = format!("{path}?");
    for (name, value) in parameters.as_object().unwrap() {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), ToOwned::to_owned);
        write!(address, "{name}=").unwrap();
        for byte in text.bytes() {
            write!(address, "%{byte:02X}").unwrap();
        }
        address.push('&');
    }
    address
}

/// A GET request for an address.
pub fn get(address: &str, authorization: Option<&str>) -> Request<Body> {
    let mut request = Request::get(address);
    if let Some(authorization) = authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    request.body(Body::empty()).unwrap()
}

/// Downloads a path of the service as a member or without a token; returns status and body.
pub async fn download(app: &TestApp, path: &str, subject: Option<&str>) -> (StatusCode, Vec<u8>) {
    let mut request = Request::get(path);
    if let Some(subject) = subject {
        request = request.header(header::AUTHORIZATION, format!("Bearer {}", sign_token(subject)));
    }
    let response = server::build_router(Arc::clone(&app.app))
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let status = response.status();
    (
        status,
        to_bytes(response.into_body(), 1 << 24).await.unwrap().to_vec(),
    )
}
