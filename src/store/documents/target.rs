//! Which store the documents are in, as it is configured.
//!
//! `s3://bucket/prefix`, `gs://bucket/prefix` and `az://container/prefix` are buckets; `file:/path` and any plain path
//! are folders. How a bucket is reached (endpoint, region, credentials) is said by the names that its provider's own
//! tools use, such as `AWS_ACCESS_KEY_ID`: in the environment, or in lower case in the configuration file. Those values
//! show nowhere.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use object_store::aws::AmazonS3ConfigKey;
use object_store::azure::AzureConfigKey;
use object_store::gcp::GoogleConfigKey;

/// What a bucket's provider is told besides its name, by names in lower case. The values never show in `Debug`.
#[derive(Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(transparent)]
pub struct Options(BTreeMap<String, String>);

/// Where documents lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentsTarget {
    /// Below a folder of this machine.
    Folder(PathBuf),
    /// In an object store.
    Bucket(Bucket),
}

/// A bucket, a prefix in it, and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    pub(super) provider: Provider,
    /// The scheme as it was given.
    scheme: String,
    /// The bucket or container.
    pub(super) name: String,
    /// Without slashes at its ends; empty for the bucket's own root.
    pub(super) prefix: String,
    pub(super) options: Options,
    /// Where this machine's locks are, for stores that need them.
    pub(super) locks: PathBuf,
}

/// Whose protocol a bucket speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Provider {
    S3,
    Google,
    Azure,
}

/// Why a text names no place for documents.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It begins with a scheme that is not known here.
    #[error("it is a folder, or begins with s3://, gs://, az:// or file:")]
    Scheme,
    /// There is no bucket in it.
    #[error("it names a bucket, as in s3://bucket/prefix")]
    NoBucket,
    /// There is something in it that belongs elsewhere.
    #[error(
        "it is a bucket and a prefix alone: credentials and options go into the environment, such as AWS_ACCESS_KEY_ID"
    )]
    Excess,
    /// An option is none of the provider's.
    #[error("{0:?} is no option of this kind of store")]
    Option(String),
}

impl DocumentsTarget {
    /// Reads a target. `home` is the home folder; `variable` gives the value of a variable of the environment, and
    /// wins over `file`, which the configuration file says.
    ///
    /// # Errors
    /// When the text names no place, or `file` an option that is not known.
    pub fn parse(
        text: &str,
        home: &Path,
        file: Options,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, TargetError> {
        if let Some(path) = text.strip_prefix("file:") {
            return Ok(Self::Folder(PathBuf::from(path.strip_prefix("//").unwrap_or(path))));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Ok(Self::Folder(PathBuf::from(text)));
        };
        let provider = match scheme {
            "s3" | "s3a" => Provider::S3,
            "gs" => Provider::Google,
            "az" | "azure" => Provider::Azure,
            _ => return Err(TargetError::Scheme),
        };
        if rest.contains(['@', '?', '#', '%']) {
            return Err(TargetError::Excess);
        }
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if name.is_empty() {
            return Err(TargetError::NoBucket);
        }
        let prefix = prefix.trim_matches('/').to_owned();
        if object_store::path::Path::parse(&prefix).is_err() {
            return Err(TargetError::Excess);
        }
        if let Some(unknown) = file.0.keys().find(|name| !provider.knows(name)) {
            return Err(TargetError::Option(unknown.clone()));
        }
        let mut options = file;
        for name in provider.variables() {
            options.0.extend(variable(name).map(|value| (name.to_ascii_lowercase(), value)));
        }
        let (scheme, name) = (scheme.to_owned(), name.to_owned());
        Ok(Self::Bucket(Bucket { provider, scheme, name, prefix, options, locks: home.join("locks") }))
    }

    /// What it is, for people: a path or a URL. There is nothing secret in it.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Folder(path) => path.display().to_string(),
            Self::Bucket(bucket) => bucket.address(""),
        }
    }
}

impl Bucket {
    /// The URL of a path below the prefix.
    pub(super) fn address(&self, path: &str) -> String {
        let parts = [self.prefix.as_str(), path];
        let below: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        format!("{}://{}/{}", self.scheme, self.name, below.join("/")).trim_end_matches('/').to_owned()
    }
}

impl Bucket {
    /// What to set where no credentials are; `None` where some are. Without any, the machine's metadata service is
    /// asked for those of its role.
    pub(super) fn missing_credentials(&self) -> Option<&'static str> {
        let (signs, names): (&[&str], _) = match self.provider {
            Provider::S3 => (
                &["access_key_id", "web_identity", "container_", "skip_signature"],
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            ),
            Provider::Google => {
                (&["credentials", "service_account", "skip_signature"], "GOOGLE_APPLICATION_CREDENTIALS")
            }
            Provider::Azure => (
                &["_key", "sas_", "client_", "federated_", "skip_signature", "emulator", "_endpoint"],
                "AZURE_STORAGE_ACCOUNT_KEY",
            ),
        };
        (!self.options.has_any(signs)).then_some(names)
    }
}

impl Options {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn has_any(&self, signs: &[&str]) -> bool {
        self.0.keys().any(|name| signs.iter().any(|sign| name.contains(sign)))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Options {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(pairs: T) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Provider {
    /// The variables of the environment that count.
    fn variables(self) -> &'static [&'static str] {
        match self {
            Self::S3 => &[
                "AWS_ACCESS_KEY_ID",
                "AWS_SECRET_ACCESS_KEY",
                "AWS_SESSION_TOKEN",
                "AWS_REGION",
                "AWS_DEFAULT_REGION",
                "AWS_ENDPOINT_URL",
                "AWS_ENDPOINT_URL_S3",
                "AWS_ENDPOINT_URL_STS",
                "AWS_ALLOW_HTTP",
                "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
                "AWS_CONDITIONAL_PUT",
                "AWS_CHECKSUM_ALGORITHM",
                "AWS_UNSIGNED_PAYLOAD",
                "AWS_SKIP_SIGNATURE",
                "AWS_REQUEST_PAYER",
                "AWS_SERVER_SIDE_ENCRYPTION",
                "AWS_SSE_KMS_KEY_ID",
                "AWS_SSE_BUCKET_KEY_ENABLED",
                "AWS_SSE_CUSTOMER_KEY_BASE64",
                "AWS_PROXY_URL",
                "AWS_ROLE_ARN",
                "AWS_ROLE_SESSION_NAME",
                "AWS_WEB_IDENTITY_TOKEN_FILE",
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                "AWS_METADATA_ENDPOINT",
                "AWS_IMDSV1_FALLBACK",
            ],
            Self::Google => &[
                "GOOGLE_APPLICATION_CREDENTIALS",
                "GOOGLE_SERVICE_ACCOUNT",
                "GOOGLE_SERVICE_ACCOUNT_KEY",
                "GOOGLE_BASE_URL",
                "GOOGLE_ALLOW_HTTP",
                "GOOGLE_SKIP_SIGNATURE",
                "GOOGLE_PROXY_URL",
            ],
            Self::Azure => &[
                "AZURE_STORAGE_ACCOUNT_NAME",
                "AZURE_STORAGE_ACCOUNT_KEY",
                "AZURE_STORAGE_ACCESS_KEY",
                "AZURE_STORAGE_SAS_TOKEN",
                "AZURE_STORAGE_ENDPOINT",
                "AZURE_ALLOW_HTTP",
                "AZURE_CLIENT_ID",
                "AZURE_CLIENT_SECRET",
                "AZURE_TENANT_ID",
                "AZURE_AUTHORITY_HOST",
                "AZURE_FEDERATED_TOKEN_FILE",
                "AZURE_MSI_ENDPOINT",
                "AZURE_IDENTITY_ENDPOINT",
                "AZURE_STORAGE_USE_EMULATOR",
                "AZURE_PROXY_URL",
            ],
        }
    }

    fn knows(self, option: &str) -> bool {
        match self {
            Self::S3 => option.parse::<AmazonS3ConfigKey>().is_ok(),
            Self::Google => option.parse::<GoogleConfigKey>().is_ok(),
            Self::Azure => option.parse::<AzureConfigKey>().is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<DocumentsTarget, TargetError> {
        let variable = |name: &str| (name == "AWS_SECRET_ACCESS_KEY").then(|| "hunter2".to_owned());
        DocumentsTarget::parse(text, Path::new("/home"), Options::default(), variable)
    }

    #[test]
    fn a_path_is_a_folder_and_a_url_a_bucket_with_a_prefix() {
        for (text, shown) in [
            ("/data/runs", "/data/runs"),
            ("file:/data/runs", "/data/runs"),
            ("file:///data/runs", "/data/runs"),
            ("C:\\runs", "C:\\runs"),
            ("s3://team", "s3://team"),
            ("s3://team/", "s3://team"),
            ("s3://team/agents/whytrace/", "s3://team/agents/whytrace"),
            ("gs://team/a", "gs://team/a"),
            ("az://team/a", "az://team/a"),
        ] {
            assert_eq!(parse(text).unwrap().describe(), shown);
        }
    }

    #[test]
    fn what_is_none_or_holds_what_belongs_elsewhere_is_refused() {
        assert_eq!(parse("ftp://team/a"), Err(TargetError::Scheme));
        assert_eq!(parse("s3://"), Err(TargetError::NoBucket));
        assert_eq!(parse("s3:///a"), Err(TargetError::NoBucket));
        assert_eq!(parse("s3://key:hunter2@team/a"), Err(TargetError::Excess));
        assert_eq!(parse("s3://team/a?token=hunter2"), Err(TargetError::Excess));
        assert_eq!(parse("s3://team/a/../b"), Err(TargetError::Excess));
        let file = Options::from_iter([("aws_regoin", "x")]);
        let unknown = DocumentsTarget::parse("s3://team", Path::new("/home"), file, |_| None);
        assert_eq!(unknown, Err(TargetError::Option("aws_regoin".to_owned())));
    }

    #[test]
    fn a_secret_is_taken_from_the_environment_and_does_not_show() {
        let DocumentsTarget::Bucket(bucket) = parse("s3://team").unwrap() else { panic!("a bucket") };
        assert!(bucket.options.iter().any(|pair| pair == ("aws_secret_access_key", "hunter2")));
        let shown = format!("{bucket:?}");
        assert!(shown.contains("aws_secret_access_key") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn every_variable_is_an_option_of_its_provider() {
        for provider in [Provider::S3, Provider::Google, Provider::Azure] {
            for name in provider.variables() {
                assert!(provider.knows(&name.to_ascii_lowercase()), "{name}");
            }
        }
    }
}
