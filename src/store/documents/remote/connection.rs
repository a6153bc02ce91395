//! The connection to a bucket: whose protocol, which credentials, how long it may take.
//!
//! Nothing is sent here. Credentials that have to be fetched, such as those of a machine's role, are fetched with the
//! first question, within its bound.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use super::{WHAT, failure};
use crate::error::{Error, Result};
use crate::store::documents::target::{Bucket, Provider};

/// Connects as the bucket says.
///
/// # Errors
/// [`Error::Unavailable`] when what is configured makes no connection.
pub(super) async fn open(bucket: Bucket) -> Result<Arc<dyn ObjectStore>> {
    // It reads certificates, and perhaps files of credentials.
    let opened = tokio::task::spawn_blocking(move || {
        provide_cryptography();
        let prefix = Path::parse(&bucket.prefix)?;
        let store = match bucket.provider {
            Provider::S3 => s3(&bucket),
            Provider::Google => google(&bucket),
            Provider::Azure => azure(&bucket),
        }?;
        Ok(Arc::new(PrefixStore::new(store, prefix)) as Arc<dyn ObjectStore>)
    })
    .await;
    let reason = match opened {
        Ok(Ok(store)) => return Ok(store),
        Ok(Err(error)) => failure::sentence(&error),
        Err(error) => error.to_string(),
    };
    Err(Error::Unavailable { what: WHAT, reason })
}

/// TLS with the same cryptography as the database's connections, unless the program has chosen another before.
fn provide_cryptography() {
    // Taken means that there is one, and that will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn s3(bucket: &Bucket) -> object_store::Result<Arc<dyn ObjectStore>> {
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&bucket.name)
        .with_client_options(client())
        .with_retry(retries())
        // Not every store knows how to delete many at once, and here it is one by one.
        .with_config(AmazonS3ConfigKey::DisableBulkDelete, "true");
    for (name, value) in bucket.options.iter() {
        builder = builder.with_config(name.parse()?, value);
    }
    Ok(Arc::new(builder.build()?))
}

fn google(bucket: &Bucket) -> object_store::Result<Arc<dyn ObjectStore>> {
    let mut builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(&bucket.name)
        .with_client_options(client())
        .with_retry(retries());
    for (name, value) in bucket.options.iter() {
        builder = builder.with_config(name.parse::<GoogleConfigKey>()?, value);
    }
    Ok(Arc::new(builder.build()?))
}

fn azure(bucket: &Bucket) -> object_store::Result<Arc<dyn ObjectStore>> {
    let mut builder = MicrosoftAzureBuilder::new()
        .with_container_name(&bucket.name)
        .with_client_options(client())
        .with_retry(retries());
    for (name, value) in bucket.options.iter() {
        builder = builder.with_config(name.parse::<AzureConfigKey>()?, value);
    }
    Ok(Arc::new(builder.build()?))
}

/// The whole of a question is bounded by whoever asks, by the size of what is sent.
fn client() -> ClientOptions {
    ClientOptions::new().with_timeout_disabled().with_connect_timeout(Duration::from_secs(2))
}

/// Few and quick: a document that cannot be written now is tried again by the recorder.
fn retries() -> RetryConfig {
    let (init_backoff, max_backoff) = (Duration::from_millis(50), Duration::from_secs(1));
    let backoff = BackoffConfig { init_backoff, max_backoff, base: 2.0 };
    RetryConfig { backoff, max_retries: 3, retry_timeout: Duration::from_secs(3) }
}
