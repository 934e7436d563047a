//! Errors of reading the body of a request.

use std::error::Error as StdError;

use http_body_util::LengthLimitError;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    #[error("the request's body is too long: the maximum is {most} bytes")]
    TooLong { most: usize },
    /// A part other than the file is too long.
    #[error("the part \"{part}\" is too long: the maximum is {most} bytes, as for a request without a file")]
    PartTooLong { part: &'static str, most: usize },
    #[error("the file is too long: the maximum is {most} bytes")]
    FileTooLong { most: u64 },
    #[error("the request's body did not arrive within {seconds} seconds")]
    TooSlow { seconds: u64 },
    /// The media type, charset or content coding is not supported.
    #[error("{0}")]
    Unsupported(String),
    /// The header says gzip, but the body is not gzip.
    #[error("the request's body is not gzip, as its Content-Encoding says, or ends early")]
    NotGzip,
    /// The client closed the body before its announced length.
    #[error("the request's body ended early")]
    EndedEarly,
}

impl BodyError {
    /// Finds the reason in the chain of causes.
    pub fn from_source(error: &(dyn StdError + 'static), most: usize) -> Self {
        let mut cause = Some(error);
        while let Some(one) = cause {
            if one.is::<LengthLimitError>() {
                return Self::TooLong { most };
            }
            // A hyper error can have an unexpected end as its own cause.
            if one.is::<hyper::Error>() {
                return Self::EndedEarly;
            }
            if let Some(known) = one.downcast_ref::<Self>() {
                return known.clone();
            }
            if let Some(io) = one.downcast_ref::<std::io::Error>() {
                if let Some(inner) = io.get_ref() {
                    let inner: &(dyn StdError + 'static) = inner;
                    match Self::from_source(inner, most) {
                        Self::EndedEarly => {}
                        known => return known,
                    }
                }
                if matches!(
                    io.kind(),
                    std::io::ErrorKind::InvalidData
                        | std::io::ErrorKind::InvalidInput
                        | std::io::ErrorKind::UnexpectedEof
                        | std::io::ErrorKind::Other
                ) {
                    return Self::NotGzip;
                }
            }
            cause = one.source();
        }
        Self::EndedEarly
    }
}
