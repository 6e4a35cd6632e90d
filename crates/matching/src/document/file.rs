//! The files of documents, under names that say nothing.

use std::path::Path as Folder;

use aipoten_kit::Result;
use anyhow::Context as _;
use chrono::{TimeDelta, Utc};
use futures::TryStreamExt as _;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _};

use super::store;
use crate::App;

/// Bytes of a file at most: 10 MiB.
pub(crate) const LARGEST: usize = 10 * 1024 * 1024;
/// A file without a row that is older was left behind by a request that ended in between.
const LEFT_BEHIND: TimeDelta = TimeDelta::hours(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, sqlx::Type)]
#[sqlx(type_name = "text")]
pub(crate) enum MediaType {
    #[default]
    #[sqlx(rename = "application/pdf")]
    Pdf,
    #[sqlx(rename = "image/jpeg")]
    Jpeg,
    #[sqlx(rename = "image/png")]
    Png,
}

impl MediaType {
    /// By how the content begins.
    pub(crate) fn of(content: &[u8]) -> Option<Self> {
        let beginnings: [(&[u8], Self); 3] =
            [(b"%PDF-", Self::Pdf), (&[0xff, 0xd8, 0xff], Self::Jpeg), (b"\x89PNG\r\n\x1a\n", Self::Png)];
        beginnings.into_iter().find(|(beginning, _)| content.starts_with(beginning)).map(|(_, media_type)| media_type)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }
}

/// The folder, made where it is missing.
pub(crate) fn open(folder: &Folder) -> anyhow::Result<LocalFileSystem> {
    let opened = std::fs::create_dir_all(folder).map_err(anyhow::Error::new);
    opened
        .and_then(|()| Ok(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true)))
        .with_context(|| format!("configuration key `matching.documents`: {} cannot be used", folder.display()))
}

pub(super) async fn write(app: &App, path: &str, content: Vec<u8>) -> Result<()> {
    app.documents.put(&Path::from(path), content.into()).await.context("a document's file")?;
    Ok(())
}

pub(super) async fn read(app: &App, path: &str) -> Result<Vec<u8>> {
    let file = app.documents.get(&Path::from(path)).await.context("a document's file")?;
    Ok(file.bytes().await.context("a document's file")?.into())
}

/// What cannot be removed now is removed by [`sweep`].
pub(super) async fn remove(app: &App, path: &str) {
    if let Err(error) = app.documents.delete(&Path::from(path)).await {
        tracing::warn!(%error, "the file of a document could not be removed");
    }
}

/// Removes files whose rows are gone or never came.
pub(crate) async fn sweep(app: &App) -> Result<()> {
    let files: Vec<_> = app.documents.list(None).try_collect().await.context("the files of documents")?;
    let old = files.into_iter().filter(|file| Utc::now() - file.last_modified > LEFT_BEHIND);
    let old: Vec<String> = old.map(|file| file.location.to_string()).collect();
    let mut conn = app.pool.acquire().await?;
    for path in store::without_row(&mut conn, &old).await? {
        remove(app, &path).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_is_told_from_the_content_alone() {
        assert_eq!(MediaType::of(b"%PDF-1.7\n"), Some(MediaType::Pdf));
        assert_eq!(MediaType::of(&[0xff, 0xd8, 0xff, 0xe0, 0]), Some(MediaType::Jpeg));
        assert_eq!(MediaType::of(b"\x89PNG\r\n\x1a\n\0"), Some(MediaType::Png));
        for other in [b"".as_slice(), b"%PDF", b"MZ\x90", b"<svg>", b" %PDF-1.7", b"PK\x03\x04"] {
            assert_eq!(MediaType::of(other), None);
        }
    }
}
