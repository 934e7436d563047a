//! The body of a request: media type, content coding, size and time limits.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::{BodyExt, Limited};
use tokio::time::{Instant, Sleep, sleep_until};

use super::activity::{AwaitedBodyGuard, ConnectionActivity, HandledRequest};
use crate::error::BodyError;
use crate::http::response::{ResponseMediaType, failed_response};

/// The maximum number of bytes of a request body, without a file.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

pub const JSON_MEDIA_TYPE: &str = "application/json";
pub const MULTIPART_MEDIA_TYPE: &str = "multipart/form-data";

/// The minimum average rate of a body after `BODY_SECONDS`: 50 MB can take three and a half hours. No pause
/// can be longer than `BODY_SECONDS`.
const MIN_BYTES_PER_SECOND: u64 = 4 * 1024;
/// The maximum number of bytes that are read and dropped of a rejected body, so that its client reads the
/// response.
const MAX_DRAINED_BYTES: u64 = 1 << 30;

/// Reads a body of at most `most` bytes, counted after decompression.
pub async fn read_body(headers: &HeaderMap, body: Body, most: usize) -> Result<Bytes, BodyError> {
    if announced_length(headers).is_some_and(|length| length > most as u64) {
        return Err(BodyError::TooLong { most });
    }
    match Limited::new(body, most).collect().await {
        Ok(read) => Ok(read.to_bytes()),
        Err(cause) => Err(BodyError::from_source(cause.as_ref(), most)),
    }
}

/// The announced length of the body.
fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The media type of a body in lower case, or an empty text if there is none. Media types ignore case (RFC
/// 9110, 8.3.1).
///
/// # Errors
/// [`BodyError::Unsupported`] if the charset is not supported.
pub fn parse_media_type(headers: &HeaderMap) -> Result<String, BodyError> {
    let written = headers.get(header::CONTENT_TYPE);
    let written = written.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = split_parameters(written);
    let named = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    for parameter in parts {
        let Some((name, value)) = parameter.split_once('=') else {
            continue;
        };
        let value = value.trim().trim_matches('"');
        let is_read = ["utf-8", "utf8", "us-ascii"]
            .iter()
            .any(|charset| charset.eq_ignore_ascii_case(value));
        if name.trim().eq_ignore_ascii_case("charset") && !is_read {
            return Err(BodyError::Unsupported(format!(
                "the charset {value} is not supported: send the body in utf-8"
            )));
        }
    }
    Ok(named)
}

/// Splits a media type from its parameters. A semicolon between quotation marks does not separate.
fn split_parameters(written: &str) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    written.split(move |letter| {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            ';' if !is_quoted => return true,
            _ => {}
        }
        false
    })
}

/// Rejects bodies with an unsupported content coding, and normalises the name of the coding for the
/// decompression layer.
pub async fn check_coding(mut request: Request, next: Next) -> Response {
    match parse_coding(request.headers()) {
        Ok(None) => {
            request.headers_mut().remove(header::CONTENT_ENCODING);
        }
        Ok(Some(coding)) => {
            request.headers_mut().insert(header::CONTENT_ENCODING, coding);
        }
        Err(refused) => {
            let media_type =
                ResponseMediaType::negotiate(request.headers()).unwrap_or(ResponseMediaType::Json);
            return failed_response(media_type, refused.into());
        }
    }
    next.run(request).await
}

/// The content coding of a body. None if there is none.
fn parse_coding(headers: &HeaderMap) -> Result<Option<HeaderValue>, BodyError> {
    let mut named = Vec::new();
    for value in headers.get_all(header::CONTENT_ENCODING) {
        named.extend(
            String::from_utf8_lossy(value.as_bytes())
                .split(',')
                .filter_map(|one| {
                    let one = one.trim().to_ascii_lowercase();
                    (!one.is_empty() && one != "identity").then_some(one)
                }),
        );
    }
    match named.as_slice() {
        [] => Ok(None),
        [one] if one == "gzip" || one == "x-gzip" => Ok(Some(HeaderValue::from_static("gzip"))),
        _ => Err(BodyError::Unsupported(format!(
            "the content coding {} is not supported: send the body with gzip, or without a Content-Encoding",
            named.join(", ")
        ))),
    }
}

/// Applies the time limit to the body of a request, and reads what the handler left of it, so that a client
/// that is still sending reads the response instead of a connection reset.
pub async fn limit_and_drain(State(seconds): State<u64>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    // A client that waits for `100 Continue` sends no body after a rejection.
    let waits = request.headers().contains_key(header::EXPECT);
    let handled = request.extensions().get::<HandledRequest>().cloned();
    let activity = handled.as_ref().map(HandledRequest::activity);
    let (parts, body) = request.into_parts();
    let kept = Arc::new(Mutex::new(TimedBody::new(body, seconds, activity)));
    let lent = Body::new(SharedBody(Arc::clone(&kept)));
    let answer = next.run(Request::from_parts(parts, lent)).await;
    let is_left = {
        let body = kept.lock().unwrap_or_else(PoisonError::into_inner);
        !body.is_finished && (body.is_started || !waits)
    };
    if is_left {
        let draining = handled.map(|request| request.drain());
        tokio::spawn(async move {
            let _draining = draining;
            let mut rest = SharedBody(kept);
            let mut drained = 0_u64;
            while let Some(Ok(frame)) = rest.frame().await {
                drained = drained.saturating_add(frame.data_ref().map_or(0, Bytes::len) as u64);
                if drained > MAX_DRAINED_BYTES {
                    return;
                }
            }
        });
    }
    answer
}

/// A body that fails after its time limit.
struct TimedBody {
    inner: Body,
    seconds: u64,
    started_at: Instant,
    received: u64,
    until: Pin<Box<Sleep>>,
    is_started: bool,
    is_finished: bool,
    /// The activity of the connection.
    activity: Option<Arc<ConnectionActivity>>,
    /// Set while the body waits for the client's next bytes.
    awaited: Option<AwaitedBodyGuard>,
}

impl TimedBody {
    fn new(inner: Body, seconds: u64, activity: Option<Arc<ConnectionActivity>>) -> Self {
        let begun = Instant::now();
        Self {
            inner,
            seconds,
            started_at: begun,
            received: 0,
            until: Box::pin(sleep_until(begun + Duration::from_secs(seconds))),
            is_started: false,
            is_finished: false,
            activity,
            awaited: None,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        if self.is_finished {
            return Poll::Ready(None);
        }
        self.is_started = true;
        let frame = match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                if self.awaited.is_none() {
                    self.awaited = self.activity.as_ref().map(ConnectionActivity::await_body);
                }
                ready!(self.until.as_mut().poll(cx));
                let allowed = self.until.deadline() - self.started_at;
                Some(Err(axum::Error::new(BodyError::TooSlow {
                    seconds: allowed.as_secs(),
                })))
            }
        };
        self.awaited = None;
        match &frame {
            Some(Ok(frame)) => {
                self.received += frame.data_ref().map_or(0, Bytes::len) as u64;
                let pause = Instant::now() + Duration::from_secs(self.seconds);
                let whole = Duration::from_secs(self.seconds + self.received / MIN_BYTES_PER_SECOND);
                self.until.as_mut().reset(pause.min(self.started_at + whole));
                self.is_finished = self.inner.is_end_stream();
            }
            Some(Err(_)) | None => self.is_finished = true,
        }
        Poll::Ready(frame)
    }
}

/// A body that the handler reads, and whose rest is read after the response.
struct SharedBody(Arc<Mutex<TimedBody>>);

impl HttpBody for SharedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).poll(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_finished
    }

    fn size_hint(&self) -> http_body::SizeHint {
        let body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        body.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_header(name: header::HeaderName, values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn media_types_are_case_insensitive() {
        for (written, expected) in [
            ("application/json", Ok(JSON_MEDIA_TYPE)),
            ("Application/JSON; Charset=\"UTF-8\"", Ok(JSON_MEDIA_TYPE)),
            ("application/json;charset=utf8", Ok(JSON_MEDIA_TYPE)),
            ("APPLICATION/JSON ; v=\"a;charset=latin1\"", Ok(JSON_MEDIA_TYPE)),
            (
                "Multipart/Form-Data; Boundary=X;charset=utf-8",
                Ok(MULTIPART_MEDIA_TYPE),
            ),
            ("text/plain", Ok("text/plain")),
            ("", Ok("")),
            ("application/json; charset=ISO-8859-1", Err("ISO-8859-1")),
            ("application/json; charset=utf-16", Err("utf-16")),
        ] {
            let found = parse_media_type(&with_header(header::CONTENT_TYPE, &[written]));
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{written}"),
                (Err(refused), Err(named)) => {
                    assert!(refused.to_string().contains(named), "{written}: {refused}");
                }
                (found, _) => panic!("{written}: {found:?}"),
            }
        }
    }

    #[test]
    fn unsupported_codings_are_reported() {
        for (written, expected) in [
            (&[][..], Ok(None)),
            (&["identity"][..], Ok(None)),
            (&["Identity, identity"][..], Ok(None)),
            (&["gzip"][..], Ok(Some("gzip"))),
            (&["GZIP"][..], Ok(Some("gzip"))),
            (&["x-gzip"][..], Ok(Some("gzip"))),
            (&["identity", "gzip"][..], Ok(Some("gzip"))),
            (&["br"][..], Err("br")),
            (&["gzip, gzip"][..], Err("gzip, gzip")),
            (&["gzip", "zstd"][..], Err("gzip, zstd")),
        ] {
            let found = parse_coding(&with_header(header::CONTENT_ENCODING, written));
            match (found, expected) {
                (Ok(found), Ok(expected)) => {
                    assert_eq!(found, expected.map(HeaderValue::from_static), "{written:?}");
                }
                (Err(refused), Err(named)) => {
                    assert!(refused.to_string().contains(named), "{written:?}: {refused}");
                }
                (found, _) => panic!("{written:?}: {found:?}"),
            }
        }
    }
}
