//! What the MCP registry is told: `server.json` as it stands in the repository, and as a release fills it in.
//!
//! The checks are those of the registry's own schema of 2025-12-11, as far as its fields are used here.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::languages;
use crate::support::program::{Home, ended};

/// The folder of the project.
const PROJECT: &str = env!("CARGO_MANIFEST_DIR");

const SCHEMA: &str = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json";

fn committed() -> Value {
    serde_json::from_str(&fs::read_to_string(Path::new(PROJECT).join("server.json")).unwrap()).unwrap()
}

/// Holds that an object has these fields, and perhaps those, and no others.
fn assert_fields(object: &Value, required: &[&str], optional: &[&str]) {
    let fields = object.as_object().unwrap();
    for field in required {
        assert!(fields.contains_key(*field), "{field} is missing in {object}");
    }
    for field in fields.keys() {
        assert!(
            required.contains(&&**field) || optional.contains(&&**field),
            "{field} is unknown in {object}"
        );
    }
}

fn assert_is_valid(server: &Value) {
    let text = |field: &str| server[field].as_str().unwrap_or_else(|| panic!("{field} is no text"));
    assert_fields(
        server,
        &["$schema", "name", "description", "version"],
        &["title", "repository", "packages"],
    );
    assert_eq!(text("$schema"), SCHEMA);
    let (owner, name) = text("name").split_once('/').expect("a namespace and a name");
    let is_plain = |part: &str, more: &str| {
        !part.is_empty() && part.chars().all(|each| each.is_ascii_alphanumeric() || more.contains(each))
    };
    assert!(is_plain(owner, ".-") && is_plain(name, "._-") && text("name").len() <= 200);
    assert!((1..=100).contains(&text("description").chars().count()));
    assert!((1..=100).contains(&text("title").chars().count()));
    assert_fields(&server["repository"], &["url", "source"], &[]);
    for package in server["packages"].as_array().into_iter().flatten() {
        assert_fields(package, &["registryType", "identifier", "fileSha256", "transport"], &[]);
        assert_eq!(package["registryType"], "mcpb");
        assert_eq!(package["transport"], json!({"type": "stdio"}));
        let address = package["identifier"].as_str().unwrap();
        assert!(address.starts_with("https://") && address.contains("mcp"), "{address}");
        let sum = package["fileSha256"].as_str().unwrap();
        assert!(
            sum.len() == 64 && sum.bytes().all(|each| matches!(each, b'0'..=b'9' | b'a'..=b'f')),
            "{sum}"
        );
    }
}

#[test]
fn the_registry_is_told_the_same_as_cargo_and_those_who_install_bundles() {
    let server = committed();
    assert_is_valid(&server);
    assert_eq!(server["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(server["name"].as_str().unwrap().rsplit('/').next(), Some(env!("CARGO_PKG_NAME")));
    let manifest = fs::read_to_string(Path::new(PROJECT).join("mcp-manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    for (of_registry, of_bundle) in
        [("version", "version"), ("title", "display_name"), ("description", "description")]
    {
        assert_eq!(server[of_registry], manifest[of_bundle]);
    }
    assert!(server.get("packages").is_none(), "there is nothing to download before a release");
}

#[test]
fn a_release_names_its_bundles_with_their_sums() {
    if languages::node().is_none() {
        return;
    }
    let home = Home::new();
    let version = env!("CARGO_PKG_VERSION");
    let bundle = home.join(&format!("whytrace-{version}-linux-x86_64.mcpb"));
    fs::write(&bundle, "abc").unwrap();
    let metadata = |bundle: &Path| {
        let mut command = Command::new(Path::new(PROJECT).join("scripts/release-metadata.sh"));
        command.arg(bundle);
        ended(command)
    };
    let server = metadata(&bundle).worked().json();
    assert_is_valid(&server);
    let [package] = &**server["packages"].as_array().unwrap() else { panic!("one package was expected") };
    // The example of FIPS 180-4 for the three letters.
    let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(package["fileSha256"], sum);
    let address = package["identifier"].as_str().unwrap();
    assert!(address.ends_with(&format!("/v{version}/whytrace-{version}-linux-x86_64.mcpb")), "{address}");

    let other = home.join("whytrace-0.0.0-linux-x86_64.mcpb");
    fs::write(&other, "abc").unwrap();
    let refused = metadata(&other);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("no bundle of version"), "{refused:?}");
}
