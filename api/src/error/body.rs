//! Why the body of a request cannot be read.

use std::error::Error as StdError;

use http_body_util::LengthLimitError;

/// Why a body is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is too long.
    #[error("the request's body is too long: it has at most {most} bytes")]
    TooLong {
        /// The most bytes that it may have.
        most: usize,
    },
    /// A part of it other than the file is too long.
    #[error("the part \"{part}\" is too long: it has at most {most} bytes, as a request without a file has")]
    PartTooLong {
        /// The part.
        part: &'static str,
        /// The most bytes that it may have.
        most: usize,
    },
    /// The file in it is too long.
    #[error("the file is too long: at most {most} bytes can be sent at once")]
    FileTooLong {
        /// The most bytes that it may have.
        most: u64,
    },
    /// It did not arrive in time.
    #[error("the request's body did not arrive within {seconds} seconds")]
    TooSlow {
        /// How long it could take.
        seconds: u64,
    },
    /// Its media type, charset or coding is not read.
    #[error("{0}")]
    Unsupported(String),
    /// Its header says gzip, and it is not.
    #[error("the request's body is not gzip, as its Content-Encoding says, or ends early")]
    NotGzip,
    /// The client ended it before its announced length.
    #[error("the request's body ended early")]
    EndedEarly,
}

impl BodyError {
    /// Why reading a body failed, by the cause that its error has somewhere within.
    pub fn from_source(error: &(dyn StdError + 'static), most: usize) -> Self {
        let mut cause = Some(error);
        while let Some(one) = cause {
            if one.is::<LengthLimitError>() {
                return Self::TooLong { most };
            }
            // Its own cause may be an unexpected end too.
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
