//! Detects the format of a file by its first bytes and its name.

use std::path::Path;

use wayin_vocabulary::FileFormat;

use super::{FileError, stream};

/// The number of first bytes that are needed to detect the format.
pub const FORMAT_DETECTION_BYTES: usize = 1024;

/// The first part of an OpenDocument spreadsheet, which is not compressed.
const OPEN_DOCUMENT_SIGNATURE: &[u8] = b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet";

/// Detects the format of a file of records; fails for a format that is not supported. The bytes decide; the name
/// decides which advice the error gives.
pub fn detect_record_format(name: &str, start: &[u8]) -> Result<FileFormat, FileError> {
    let ending = name
        .rsplit_once('.')
        .map_or("", |(_, ending)| ending)
        .to_ascii_lowercase();
    match start {
        [] => Err(FileError::Empty),
        [0xd0, 0xcf, 0x11, 0xe0, ..] if matches!(ending.as_str(), "xls" | "xlt") => {
            Err(FileError::UnsupportedKind("a workbook of the old kind (.xls)"))
        }
        // Encrypted workbooks have the container of old workbooks.
        [0xd0, 0xcf, 0x11, 0xe0, ..] => Err(FileError::Locked),
        [b'P', b'K', 3, 4, ..] => detect_archive_format(&ending, start),
        [b'P', b'K', 5, 6, ..] => Err(FileError::Empty),
        _ if start.starts_with(b"%PDF") => Err(FileError::UnsupportedKind("a PDF")),
        [0x1f, 0x8b, ..] | [b'7', b'z', 0xbc, 0xaf, ..] | [b'R', b'a', b'r', b'!', ..] => {
            Err(FileError::UnsupportedKind("an archive"))
        }
        _ => detect_text_format(&ending, start),
    }
}

fn detect_archive_format(ending: &str, start: &[u8]) -> Result<FileFormat, FileError> {
    let named = start.get(30..).unwrap_or_default();
    match ending {
        _ if named.starts_with(OPEN_DOCUMENT_SIGNATURE) => Ok(FileFormat::Ods),
        "ods" => Ok(FileFormat::Ods),
        "xlsx" | "xlsm" | "xltx" | "xltm" => Ok(FileFormat::Xlsx),
        "numbers" => Err(FileError::UnsupportedKind("a Numbers document")),
        "xlsb" => Err(FileError::UnsupportedKind("a binary workbook (.xlsb)")),
        _ if named.starts_with(b"mimetype") => {
            Err(FileError::UnsupportedKind("an OpenDocument file of another kind"))
        }
        _ => {
            let is_workbook = [&b"[Content_Types].xml"[..], b"_rels/", b"xl/", b"docProps/"]
                .iter()
                .any(|first| named.starts_with(first));
            if is_workbook && !matches!(ending, "docx" | "pptx") {
                Ok(FileFormat::Xlsx)
            } else {
                Err(FileError::UnsupportedKind(
                    "an archive or a document of another kind",
                ))
            }
        }
    }
}

fn detect_text_format(ending: &str, start: &[u8]) -> Result<FileFormat, FileError> {
    if matches!(ending, "jsonl" | "ndjson") {
        return Ok(FileFormat::JsonLines);
    }
    match stream::first_significant_byte(start) {
        None => Err(FileError::Empty),
        Some(b'{') => Ok(FileFormat::JsonLines),
        Some(b'[') => Err(FileError::NotRecords),
        Some(b'<') => Err(FileError::UnsupportedKind("a web page or another XML document")),
        _ if stream::is_binary(start) => Err(FileError::UnsupportedKind(
            "no text and no workbook that is known",
        )),
        _ => Ok(FileFormat::Csv),
    }
}

/// Detects the format of a file of grants by its first bytes, and if they do not decide it, by its name.
pub fn detect_grant_format(name: &str, start: &[u8]) -> Result<FileFormat, FileError> {
    let is_named_json = Path::new(name)
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    match stream::first_significant_byte(start) {
        Some(b'{' | b'[') => return Ok(FileFormat::Json),
        _ if stream::reject_non_text(start).is_ok() && is_named_json => return Ok(FileFormat::Json),
        _ => {}
    }
    Ok(match detect_record_format(name, start)? {
        // JSON is handled above.
        FileFormat::JsonLines => FileFormat::Csv,
        format => format,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_is_detected_from_the_first_bytes() {
        let ods: &[u8] = b"PK\x03\x04\x14\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0mimetypeapplication/vnd.oasis.opendocument.spreadsheet";
        let xlsx: &[u8] =
            b"PK\x03\x04\x14\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0[Content_Types].xml";
        for (name, start, format) in [
            ("a.jsonl", &b"{\"title\": 1}"[..], FileFormat::JsonLines),
            ("a", b"\xef\xbb\xbf {}", FileFormat::JsonLines),
            ("a.csv", b"title,summary\n", FileFormat::Csv),
            ("a.txt", b"\xff\xfet\0", FileFormat::Csv),
            ("a", b"\xff\xfe{\0", FileFormat::JsonLines),
            ("a.xlsx", xlsx, FileFormat::Xlsx),
            ("a.csv", xlsx, FileFormat::Xlsx),
            ("a.zip", ods, FileFormat::Ods),
            ("a.XLSX", b"PK\x03\x04", FileFormat::Xlsx),
        ] {
            assert_eq!(detect_record_format(name, start).unwrap(), format, "{name}");
        }
        for (name, start, said) in [
            ("a.csv", &b""[..], "is empty"),
            ("a.csv", b"\xef\xbb\xbf \r\n", "is empty"),
            ("a.xls", b"\xd0\xcf\x11\xe0\xa1", "the old kind (.xls)"),
            ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1", "protected with a password"),
            ("a.numbers", b"PK\x03\x04", "a Numbers document"),
            ("a.docx", xlsx, "of another kind"),
            ("a.pdf", b"%PDF-1.7", "a PDF"),
            ("a.xlsx", b"<html>", "a web page"),
            ("a.bin", b"ab\0\0", "no text"),
            ("a.json", b"[{}]", "not one whole JSON object"),
        ] {
            let error = detect_record_format(name, start).unwrap_err().to_string();
            assert!(error.contains(said), "{name}: {error}");
        }
    }
}
