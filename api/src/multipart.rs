//! GraphQL multipart requests: an operation with a file for one of its variables.

use std::collections::HashMap;

use async_graphql::{Request, UploadValue};
use axum::body::Body;
use multer::{Constraints, Field, Multipart, SizeLimit};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use crate::error::BodyError;
use crate::graphql::request;

const OPERATIONS_PART: &str = "operations";
/// The part that names the variable of the file.
const MAP_PART: &str = "map";

/// The part of a form that has the file.
const FILE_PART: &str = "file";

#[derive(Clone, Copy, Debug)]
pub struct MultipartLimits {
    /// Applies to the operation and to the map.
    pub max_operation_bytes: usize,
    pub max_file_bytes: u64,
}

impl MultipartLimits {
    /// The size limit of the whole request: its parts, and as much again as an operation for headers and
    /// boundaries.
    fn max_request_bytes(&self) -> u64 {
        self.max_file_bytes
            .saturating_add(3 * self.max_operation_bytes as u64)
    }
}

/// Why a request cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum MultipartError {
    /// The file, or the request as a whole, is too long.
    #[error("the file is too long")]
    LongFile,
    /// The body is not a GraphQL multipart request.
    #[error("the body is not a GraphQL multipart request: {0}")]
    Malformed(String),
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The file could not be stored temporarily.
    #[error("the file could not be stored: {0}")]
    Storage(#[from] std::io::Error),
}

impl MultipartError {
    fn malformed(cause: impl ToString) -> Self {
        Self::Malformed(cause.to_string())
    }
}

/// The fields of a form with a file.
#[derive(Default)]
pub struct FileForm {
    /// The last value of each field.
    pub fields: HashMap<String, String>,
    /// None if no file was chosen.
    pub file: Option<UploadValue>,
}

/// Reads a form with one file. `kind` is the header `Content-Type` with the boundary.
pub async fn read_file_form(
    kind: &str,
    body: Body,
    limits: MultipartLimits,
) -> Result<FileForm, MultipartError> {
    let boundary = multer::parse_boundary(kind).map_err(MultipartError::malformed)?;
    let sizes = SizeLimit::new()
        .whole_stream(limits.max_request_bytes())
        .per_field(limits.max_operation_bytes as u64)
        .for_field(FILE_PART, limits.max_file_bytes);
    let constraints = Constraints::new().size_limit(sizes);
    let mut parts = Multipart::with_constraints(body.into_data_stream(), boundary, constraints);
    let refusal = |cause| error_from_multer(cause, &limits);
    let mut form = FileForm::default();
    while let Some(part) = parts.next_field().await.map_err(refusal)? {
        let Some(name) = part.name().map(ToOwned::to_owned) else {
            continue;
        };
        let file_name = part.file_name().map(ToOwned::to_owned);
        match file_name.as_deref() {
            None => {
                form.fields.insert(name, part.text().await.map_err(refusal)?);
            }
            // A browser sends a file without a name if none was chosen.
            Some("") => {}
            Some(_) if form.file.is_some() => {
                return Err(MultipartError::malformed("only one file can be sent at once"));
            }
            Some(_) if name == FILE_PART => form.file = Some(store_file(part, &limits).await?),
            Some(_) => {}
        }
    }
    Ok(form)
}

/// Reads a request with one file. `kind` is the header `Content-Type` with the boundary.
pub async fn read_multipart(
    kind: &str,
    body: Body,
    limits: MultipartLimits,
) -> Result<Request, MultipartError> {
    let boundary = multer::parse_boundary(kind).map_err(MultipartError::malformed)?;
    let operation = limits.max_operation_bytes as u64;
    let sizes = SizeLimit::new()
        .whole_stream(limits.max_request_bytes())
        .per_field(limits.max_file_bytes)
        .for_field(OPERATIONS_PART, operation)
        .for_field(MAP_PART, operation);
    let constraints = Constraints::new().size_limit(sizes);
    let mut parts = Multipart::with_constraints(body.into_data_stream(), boundary, constraints);
    let refusal = |cause| error_from_multer(cause, &limits);
    let mut request = None;
    let mut map: Option<HashMap<String, Vec<String>>> = None;
    let mut file = None;
    while let Some(part) = parts.next_field().await.map_err(refusal)? {
        match part.name() {
            Some(OPERATIONS_PART) => {
                let text = part.bytes().await.map_err(refusal)?;
                let sent: Map<String, Value> = parse_part(OPERATIONS_PART, &text)?;
                request = Some(request::from_json(sent).map_err(MultipartError::malformed)?);
            }
            Some(MAP_PART) => {
                let text = part.bytes().await.map_err(refusal)?;
                map = Some(parse_part(MAP_PART, &text)?);
            }
            Some(name) if part.file_name().is_some() => {
                if file.is_some() {
                    return Err(MultipartError::malformed("only one file can be sent at once"));
                }
                let name = name.to_owned();
                file = Some((name, store_file(part, &limits).await?));
            }
            _ => {}
        }
    }
    let missing = |part: &str| MultipartError::Malformed(format!("the part \"{part}\" is missing"));
    let mut request = request.ok_or_else(|| missing(OPERATIONS_PART))?;
    for (name, variables) in map.ok_or_else(|| missing(MAP_PART))? {
        // Each variable with the file would hold it open again.
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

fn parse_part<T: DeserializeOwned>(part: &str, text: &[u8]) -> Result<T, MultipartError> {
    serde_json::from_slice(text).map_err(|cause| {
        let reason = request::describe_json_error(text, &cause);
        MultipartError::Malformed(format!("the part \"{part}\" cannot be read: {reason}"))
    })
}

/// Stores the file of a part until the request is answered.
async fn store_file(mut part: Field<'_>, limits: &MultipartLimits) -> Result<UploadValue, MultipartError> {
    let filename = part.file_name().unwrap_or_default().to_owned();
    let content_type = part.content_type().map(ToString::to_string);
    let mut kept = tokio::fs::File::from_std(tempfile::tempfile()?);
    while let Some(chunk) = part
        .chunk()
        .await
        .map_err(|cause| error_from_multer(cause, limits))?
    {
        kept.write_all(&chunk).await?;
    }
    kept.rewind().await?;
    Ok(UploadValue {
        filename,
        content_type,
        content: kept.into_std().await,
    })
}

fn error_from_multer(cause: multer::Error, limits: &MultipartLimits) -> MultipartError {
    let long = |part| {
        let most = limits.max_operation_bytes;
        BodyError::PartTooLong { part, most }.into()
    };
    match &cause {
        multer::Error::FieldSizeExceeded { field_name, .. } => match field_name.as_deref() {
            Some(OPERATIONS_PART) => long(OPERATIONS_PART),
            Some(MAP_PART) => long(MAP_PART),
            _ => MultipartError::LongFile,
        },
        multer::Error::StreamSizeExceeded { .. } => MultipartError::LongFile,
        multer::Error::StreamReadFailed(failed) => {
            BodyError::from_source(failed.as_ref(), limits.max_operation_bytes).into()
        }
        _ => MultipartError::malformed(cause),
    }
}
