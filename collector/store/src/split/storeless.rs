//! A Tantivy directory in which document stores are nowhere. Tantivy writes a record for each document even when
//! nothing of it is stored: two bytes a document on disk, and time in every build and merge. What is written to a
//! store is dropped, and whoever opens one finds that of an index without documents.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    AntiCallToken, Directory, DirectoryLock, FileHandle, Lock, OwnedBytes, RamDirectory, TerminatingWrite,
    WatchCallback, WatchHandle, WritePtr,
};
use tantivy::index::SegmentComponent;
use tantivy::{Index, IndexBuilder, SingleSegmentIndexWriter, TantivyDocument};

use crate::error::StoreError;

const STORE_EXTENSION: &str = "store";

/// `D`, but for document stores.
#[derive(Clone, Debug)]
pub(crate) struct Storeless<D>(pub(crate) D);

fn is_store(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == STORE_EXTENSION)
}

/// The file of a store without documents, with Tantivy's footer. Made once; `index` describes an index of any schema.
pub(crate) fn prepare(index: IndexBuilder) -> Result<(), StoreError> {
    if EMPTY_STORE.get().is_none() {
        let make = || -> tantivy::Result<Vec<u8>> {
            let files = RamDirectory::create();
            let writer: SingleSegmentIndexWriter<TantivyDocument> =
                index.single_segment_index_writer(files.clone(), 1 << 20)?;
            let index: Index = writer.finalize()?;
            let segment = index.searchable_segments()?.into_iter().next();
            let store =
                segment.map(|segment| segment.relative_path(SegmentComponent::Store)).unwrap_or_default();
            Ok(files.open_read(&store)?.read_bytes()?.to_vec())
        };
        let made = make().map_err(StoreError::index("prepare the words"))?;
        let _ = EMPTY_STORE.set(OwnedBytes::new(made));
    }
    Ok(())
}

static EMPTY_STORE: OnceLock<OwnedBytes> = OnceLock::new();

fn empty_store(path: &Path) -> Result<OwnedBytes, OpenReadError> {
    EMPTY_STORE.get().cloned().ok_or_else(|| OpenReadError::FileDoesNotExist(path.to_owned()))
}

/// Takes everything and keeps nothing.
struct Discard;

impl Write for Discard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl TerminatingWrite for Discard {
    fn terminate_ref(&mut self, _: AntiCallToken) -> io::Result<()> {
        Ok(())
    }
}

impl<D: Directory + Clone> Directory for Storeless<D> {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        if is_store(path) { Ok(Arc::new(empty_store(path)?)) } else { self.0.get_file_handle(path) }
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        if is_store(path) { Ok(()) } else { self.0.delete(path) }
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        if is_store(path) { Ok(true) } else { self.0.exists(path) }
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        if is_store(path) { Ok(BufWriter::new(Box::new(Discard))) } else { self.0.open_write(path) }
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        self.0.atomic_read(path)
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        self.0.atomic_write(path, data)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.0.sync_directory()
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        self.0.acquire_lock(lock)
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.0.watch(callback)
    }
}
