//! Blobs in a directory, or in anything that speaks S3.

use core::ops::Range;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{GetOptions, GetRange, ObjectStore, PutOptions};

use super::{BlobRef, BlobStore, Cid, blob_error, checked, reference};
use crate::persist::error::{OpenError, StoreError};

/// Blobs in an [`ObjectStore`] of the crate `object_store`: a directory, S3 and what resembles it.
///
/// Where a host runs tokio, file work is done on its blocking threads.
///
/// ```
/// use boxoffice_core::persist::{BlobStore, ObjectBlobs};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let blobs = ObjectBlobs::local(folder.path().join("blobs"))?;
/// let poster = blobs.put(b"PNG...".to_vec(), "image/png").await?;
/// assert_eq!(blobs.get_range(&poster, 0..3).await?, b"PNG");
/// # Ok(()) }) }
/// ```
#[derive(Debug)]
pub struct ObjectBlobs {
    objects: Arc<dyn ObjectStore>,
    /// The directory, if it is one.
    root: Option<PathBuf>,
    prefix: String,
}

impl ObjectBlobs {
    /// Blobs in the directory `path`, which is made when there is none. Every blob is synced to the disk, and so are the
    /// directories that lead to it, before it is named.
    ///
    /// # Errors
    /// [`OpenError::Engine`] when the directory cannot be made or read.
    pub fn local(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let fail = |reason: String| OpenError::Engine { path: path.to_owned(), reason };
        fs::create_dir_all(path).map_err(|error| fail(error.to_string()))?;
        let root = path.canonicalize().map_err(|error| fail(error.to_string()))?;
        let objects = LocalFileSystem::new_with_prefix(&root).map_err(|error| fail(error.to_string()))?;
        Ok(Self { objects: Arc::new(objects.with_fsync(true)), root: Some(root), prefix: String::new() })
    }

    /// Blobs in any object store, under `prefix` (which may be empty). It must be durable when a put returns.
    pub fn new(objects: Arc<dyn ObjectStore>, prefix: &str) -> Self {
        Self { objects, root: None, prefix: prefix.trim_matches('/').to_owned() }
    }

    /// Blobs at a URL such as `s3://bucket/prefix`, with options such as `aws_region`, `aws_endpoint`,
    /// `aws_access_key_id` and `aws_secret_access_key`, as `object_store` names them.
    ///
    /// # Errors
    /// [`OpenError::Location`] when the URL or an option is not understood.
    #[cfg(feature = "blobs-s3")]
    pub fn from_url<K: AsRef<str>, V: Into<String>>(
        url: &str,
        options: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, OpenError> {
        let wrong = || OpenError::Location { location: url.to_owned() };
        let parsed = url::Url::parse(url).map_err(|_| wrong())?;
        let (objects, prefix) = object_store::parse_url_opts(&parsed, options).map_err(|_| wrong())?;
        Ok(Self::new(Arc::from(objects), prefix.as_ref()))
    }

    fn place(&self, cid: &Cid) -> ObjectPath {
        let parts = [self.prefix.as_str(), cid.shard(), cid.as_str()];
        parts.into_iter().filter(|part| !part.is_empty()).flat_map(|part| part.split('/')).collect()
    }

    async fn size(&self, cid: &Cid) -> Result<Option<u64>, StoreError> {
        let look = GetOptions { head: true, ..GetOptions::default() };
        match self.objects.get_opts(&self.place(cid), look).await {
            Ok(found) => Ok(Some(found.meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(blob_error(cid, error.to_string())),
        }
    }

    async fn bytes(&self, cid: &Cid, options: GetOptions) -> Result<Vec<u8>, StoreError> {
        let found = self.objects.get_opts(&self.place(cid), options).await;
        let found = found.map_err(|error| {
            let missing = matches!(error, object_store::Error::NotFound { .. });
            blob_error(cid, if missing { "is not stored".to_owned() } else { error.to_string() })
        })?;
        let bytes = found.bytes().await.map_err(|error| blob_error(cid, error.to_string()))?;
        Ok(bytes.into())
    }

    /// Syncs a blob that is there already: whoever put it may have been interrupted before the disk had it.
    fn sync(&self, cid: &Cid) -> io::Result<()> {
        let Some(root) = &self.root else { return Ok(()) };
        let folder = root.join(cid.shard());
        File::open(folder.join(cid.as_str()))?.sync_all()?;
        File::open(folder)?.sync_all()?;
        File::open(root)?.sync_all()
    }
}

#[async_trait]
impl BlobStore for ObjectBlobs {
    async fn put(&self, bytes: Vec<u8>, mime: &str) -> Result<BlobRef, StoreError> {
        let blob = reference(&bytes, mime)?;
        if self.size(&blob.cid).await? == Some(blob.size) {
            self.sync(&blob.cid).map_err(|error| blob_error(&blob.cid, error.to_string()))?;
            return Ok(blob);
        }
        let put = self.objects.put_opts(&self.place(&blob.cid), bytes.into(), PutOptions::default()).await;
        put.map_err(|error| blob_error(&blob.cid, error.to_string()))?;
        tracing::debug!(cid = %blob.cid, size = blob.size, "blob stored");
        Ok(blob)
    }

    async fn get(&self, blob: &BlobRef) -> Result<Vec<u8>, StoreError> {
        checked(blob, self.bytes(&blob.cid, GetOptions::default()).await?)
    }

    async fn get_range(&self, blob: &BlobRef, range: Range<u64>) -> Result<Vec<u8>, StoreError> {
        let end = range.end.min(blob.size);
        if range.start >= end {
            return Ok(Vec::new());
        }
        let range = Some(GetRange::Bounded(range.start..end));
        self.bytes(&blob.cid, GetOptions { range, ..GetOptions::default() }).await
    }

    async fn has(&self, blob: &BlobRef) -> Result<bool, StoreError> {
        Ok(self.size(&blob.cid).await?.is_some())
    }
}
