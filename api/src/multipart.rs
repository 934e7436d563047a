//! A GraphQL multipart request: an operation, and the file that one of its variables stands for.

use std::collections::HashMap;

use async_graphql::{Request, UploadValue};
use axum::body::Body;
use multer::{Constraints, Field, Multipart, SizeLimit};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use crate::error::BodyError;
use crate::graphql::request;

/// The part that holds the operation.
const OPERATIONS: &str = "operations";
/// The part that says which variable the file stands for.
const MAP: &str = "map";

/// What the parts of a request may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most bytes of the operation, and of the map.
    pub operation: usize,
    /// The most bytes of the file.
    pub file: u64,
}

impl Limits {
    /// What a request may take in all: its parts, and as much again as an operation for what stands around them.
    fn of_request(&self) -> u64 {
        self.file.saturating_add(3 * self.operation as u64)
    }
}

/// Why a request is not read.
#[derive(Debug, thiserror::Error)]
pub enum MultipartError {
    /// The file is too long, or the parts together are.
    #[error("the file is too long")]
    LongFile,
    /// It is no such request.
    #[error("the body is not a GraphQL multipart request: {0}")]
    Malformed(String),
    /// The body cannot be read.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The file could not be kept while it is looked at.
    #[error("the file could not be kept: {0}")]
    Unkept(#[from] std::io::Error),
}

impl MultipartError {
    fn malformed(cause: impl ToString) -> Self {
        Self::Malformed(cause.to_string())
    }
}

/// Reads a request with one file. The kind is that of the header `Content-Type`, with its boundary.
pub async fn read(kind: &str, body: Body, limits: Limits) -> Result<Request, MultipartError> {
    let boundary = multer::parse_boundary(kind).map_err(MultipartError::malformed)?;
    let operation = limits.operation as u64;
    let sizes = SizeLimit::new()
        .whole_stream(limits.of_request())
        .per_field(limits.file)
        .for_field(OPERATIONS, operation)
        .for_field(MAP, operation);
    let constraints = Constraints::new().size_limit(sizes);
    let mut parts = Multipart::with_constraints(body.into_data_stream(), boundary, constraints);
    let refusal = |cause| refusal(cause, &limits);
    let mut request = None;
    let mut map: Option<HashMap<String, Vec<String>>> = None;
    let mut file = None;
    while let Some(part) = parts.next_field().await.map_err(refusal)? {
        match part.name() {
            Some(OPERATIONS) => {
                let text = part.bytes().await.map_err(refusal)?;
                let sent: Map<String, Value> = of_part(OPERATIONS, &text)?;
                request = Some(request::of_json(sent).map_err(MultipartError::malformed)?);
            }
            Some(MAP) => {
                let text = part.bytes().await.map_err(refusal)?;
                map = Some(of_part(MAP, &text)?);
            }
            Some(name) if part.file_name().is_some() => {
                if file.is_some() {
                    return Err(MultipartError::malformed("one file is sent at once"));
                }
                let name = name.to_owned();
                file = Some((name, keep(part, &limits).await?));
            }
            _ => {}
        }
    }
    let missing = |part: &str| MultipartError::Malformed(format!("the part \"{part}\" is missing"));
    let mut request = request.ok_or_else(|| missing(OPERATIONS))?;
    for (name, variables) in map.ok_or_else(|| missing(MAP))? {
        // Every place that a file stands in holds it open once more.
        let [variable] = variables.as_slice() else {
            return Err(MultipartError::malformed("a file belongs to one variable"));
        };
        match file.take() {
            Some((part, upload)) if part == name => request.set_upload(variable, upload),
            _ => return Err(missing(&name)),
        }
    }
    Ok(request)
}

/// Reads the JSON of a part.
fn of_part<T: DeserializeOwned>(part: &str, text: &[u8]) -> Result<T, MultipartError> {
    serde_json::from_slice(text).map_err(|cause| {
        let reason = request::describe_json_error(text, &cause);
        MultipartError::Malformed(format!("the part \"{part}\" cannot be read: {reason}"))
    })
}

/// Keeps the file of a part until the request is answered.
async fn keep(mut part: Field<'_>, limits: &Limits) -> Result<UploadValue, MultipartError> {
    let filename = part.file_name().unwrap_or_default().to_owned();
    let content_type = part.content_type().map(ToString::to_string);
    let mut kept = tokio::fs::File::from_std(tempfile::tempfile()?);
    while let Some(chunk) = part.chunk().await.map_err(|cause| refusal(cause, limits))? {
        kept.write_all(&chunk).await?;
    }
    kept.rewind().await?;
    Ok(UploadValue {
        filename,
        content_type,
        content: kept.into_std().await,
    })
}

fn refusal(cause: multer::Error, limits: &Limits) -> MultipartError {
    let long = |part| {
        let most = limits.operation;
        BodyError::PartTooLong { part, most }.into()
    };
    match &cause {
        multer::Error::FieldSizeExceeded { field_name, .. } => match field_name.as_deref() {
            Some(OPERATIONS) => long(OPERATIONS),
            Some(MAP) => long(MAP),
            _ => MultipartError::LongFile,
        },
        multer::Error::StreamSizeExceeded { .. } => MultipartError::LongFile,
        multer::Error::StreamReadFailed(failed) => BodyError::of(failed.as_ref(), limits.operation).into(),
        _ => MultipartError::malformed(cause),
    }
}
