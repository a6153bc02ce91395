//! What the documents promise, in a folder and in a bucket, by one suite; and what holds of buckets alone.
//!
//! A promise is written once, as `everywhere! { async fn its_claim(shelf) { ... } }`, and becomes one test for each kind
//! of store. The bucket is that of a server which really speaks S3 (`scripts/s3.py` says how much of it).

mod contract;
mod outages;
mod program;
mod team;
mod together;

use std::path::Path;
use std::sync::Arc;

use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tempfile::TempDir;
use whytrace::model::QualityRules;
use whytrace::store::DatabaseTarget;
use whytrace::store::documents::{Documents, DocumentsTarget};
use whytrace::store::index::Index;

use crate::support::bucket::Bucket;
use crate::support::database::Schema;

/// Writes each promise as one test for each kind of store.
macro_rules! everywhere {
    ($($(#[$note:meta])* async fn $claim:ident($shelf:ident) $body:block)*) => {$(
        mod $claim {
            use super::*;

            $(#[$note])*
            pub(super) async fn holds($shelf: &$crate::documents::Shelf) $body

            #[tokio::test(flavor = "multi_thread")]
            async fn folder() {
                holds(&$crate::documents::Shelf::folder()).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn bucket() {
                if let Some(shelf) = $crate::documents::Shelf::bucket() {
                    holds(&shelf).await;
                }
            }
        }
    )*};
}
use everywhere;

/// A place for documents, as whytrace sees it and as somebody with a client of the store does.
struct Shelf {
    folder: TempDir,
    bucket: Option<Bucket>,
    /// What writers share besides.
    schema: Option<Schema>,
}

impl Shelf {
    fn folder() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), bucket: None, schema: None }
    }

    fn bucket() -> Option<Self> {
        Some(Self { bucket: Some(Bucket::fresh()?), ..Self::folder() })
    }

    /// The same bucket as a store that checks no conditions, for writers who share a Postgres.
    fn without_conditions(self, schema: Schema) -> Self {
        let bucket = self.bucket.map(|bucket| bucket.having("AWS_CONDITIONAL_PUT", "disabled"));
        Self { bucket, schema: Some(schema), ..self }
    }

    /// The documents, as another process opens them; in a bucket, one of another machine.
    fn documents(&self) -> Documents {
        match &self.bucket {
            Some(bucket) => {
                let documents = bucket.documents(Path::new("/nonexistent/home"));
                let Some(schema) = &self.schema else { return documents };
                let (url, schema) = (schema.url().to_owned(), schema.name().to_owned());
                let target = DatabaseTarget::Postgres { url, schema };
                documents.sharing(&Index::new(&target, QualityRules::default()))
            }
            None => {
                let target = DocumentsTarget::Folder(self.folder.path().to_owned());
                Documents::new(&target, QualityRules::default())
            }
        }
    }

    /// What lies at a path.
    async fn text(&self, path: &str) -> Option<String> {
        match self.raw().get(&Key::from(path)).await {
            Ok(found) => Some(String::from_utf8(found.bytes().await.unwrap().to_vec()).unwrap()),
            Err(object_store::Error::NotFound { .. }) => None,
            Err(error) => panic!("{path}: {error}"),
        }
    }

    async fn put(&self, path: &str, text: &'static str) {
        self.raw().put(&Key::from(path), text.into()).await.unwrap();
    }

    async fn remove(&self, path: &str) {
        self.raw().delete(&Key::from(path)).await.unwrap();
    }

    /// All paths below one, in order.
    async fn paths(&self, below: &str) -> Vec<String> {
        let listing = self.raw().list_with_delimiter(Some(&Key::from(below))).await.unwrap();
        let mut paths: Vec<String> =
            listing.objects.into_iter().map(|found| found.location.to_string()).collect();
        paths.sort();
        paths
    }

    fn raw(&self) -> Arc<dyn ObjectStore> {
        let Some(bucket) = &self.bucket else {
            return Arc::new(LocalFileSystem::new_with_prefix(self.folder.path()).unwrap());
        };
        // Taken by the program's own connection already, or by another test.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (name, prefix) = bucket.url().strip_prefix("s3://").unwrap().split_once('/').unwrap();
        let mut builder = AmazonS3Builder::new().with_bucket_name(name);
        for (variable, value) in bucket.variables().filter(|(variable, _)| variable.starts_with("AWS_")) {
            builder = builder.with_config(variable.to_ascii_lowercase().parse().unwrap(), value);
        }
        Arc::new(PrefixStore::new(builder.build().unwrap(), prefix))
    }
}
