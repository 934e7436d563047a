//! The files of imports. They are stored in the database in chunks, so that every server can read them.

use std::fs::File;
use std::io::{self, Read, Seek, Write};

use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use wayin_entity::import_chunk;

use crate::change_log::ActionContext;
use crate::error::{Error, Result};

/// A size that both databases handle well in one row.
const CHUNK_BYTES: usize = 512 * 1024;

fn unreadable(cause: io::Error) -> Error {
    Error::Internal(format!("an import's file could not be read or written: {cause}"))
}

/// The size, hash and beginning of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSummary {
    pub bytes: u64,
    /// In hexadecimal.
    pub sha256: String,
    /// The first bytes of the file, to detect its format.
    pub start: Vec<u8>,
}

/// Reads the whole file, and rewinds it.
pub fn summarize_file(file: &mut File) -> io::Result<FileSummary> {
    const START_BYTES: usize = 1024;
    file.rewind()?;
    let mut digest = Sha256::new();
    let (mut bytes, mut start) = (0, Vec::new());
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        let missing = START_BYTES.saturating_sub(start.len()).min(read);
        start.extend_from_slice(&buffer[..missing]);
        digest.update(&buffer[..read]);
        bytes += read as u64;
    }
    file.rewind()?;
    let sha256 = hex::encode(digest.finalize());
    Ok(FileSummary { bytes, sha256, start })
}

pub(super) async fn store_file(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    import: Uuid,
    content: &mut File,
) -> Result<()> {
    content.rewind().map_err(unreadable)?;
    for position in 1.. {
        let mut bytes = Vec::with_capacity(CHUNK_BYTES);
        let read = Read::by_ref(content)
            .take(CHUNK_BYTES as u64)
            .read_to_end(&mut bytes);
        if read.map_err(unreadable)? == 0 {
            break;
        }
        let piece = import_chunk::Model {
            import_id: import,
            position,
            bytes,
            created_at: act.now(),
            updated_at: act.now(),
        };
        piece.into_active_model().insert(db).await?;
    }
    Ok(())
}

/// Loads the summary of a file. None if the file is no longer stored.
pub(super) async fn load_summary(db: &impl ConnectionTrait, import: Uuid) -> Result<Option<FileSummary>> {
    let file = load_file(db, import).await?;
    file.map(|mut file| summarize_file(&mut file).map_err(unreadable))
        .transpose()
}

/// Loads a file into a temporary file, which is deleted when it is closed. None if the file is no longer stored.
pub async fn load_file(db: &impl ConnectionTrait, import: Uuid) -> Result<Option<File>> {
    let mut file = tempfile::tempfile().map_err(unreadable)?;
    for position in 1.. {
        let piece = import_chunk::Entity::find()
            .filter(import_chunk::Column::ImportId.eq(import))
            .filter(import_chunk::Column::Position.eq(position))
            .one(db)
            .await?;
        let Some(piece) = piece else {
            if position == 1 {
                return Ok(None);
            }
            break;
        };
        file.write_all(&piece.bytes).map_err(unreadable)?;
    }
    file.rewind().map_err(unreadable)?;
    Ok(Some(file))
}
