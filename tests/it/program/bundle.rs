//! The bundle that clients install: its manifest says what the program is, and the program starts as it says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::{VERSION, start};
use crate::support::languages;
use crate::support::program::{Home, Program, WHYTRACE, ended};

/// The folder of the project.
const PROJECT: &str = env!("CARGO_MANIFEST_DIR");

fn manifest() -> Value {
    read(&Path::new(PROJECT).join("mcp-manifest.json"))
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).expect("a manifest")).expect("JSON")
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|item| item["name"].as_str().expect("a name")).collect()
}

/// The keys of all `${user_config.KEY}` in a text.
fn settings_named(text: &str) -> Vec<&str> {
    let rest = text.split("${user_config.").skip(1);
    rest.map(|rest| rest.split('}').next().expect("a key")).collect()
}

#[test]
fn the_manifest_names_the_tools_that_the_program_has_in_their_order() {
    let manifest = manifest();
    let home = Home::new();
    let mut program = home.server();
    program.initialize(VERSION);
    let listed = program.request("tools/list", &json!({}));
    assert_eq!(names(&manifest["tools"]), names(&listed["result"]["tools"]));
    for tool in manifest["tools"].as_array().unwrap() {
        assert!(tool["description"].as_str().is_some_and(|text| !text.is_empty()), "{tool}");
    }
    match manifest.get("prompts") {
        None => assert_eq!(manifest["prompts_generated"], true, "the program has prompts"),
        Some(prompts) => {
            let listed = program.request("prompts/list", &json!({}));
            assert_eq!(names(prompts), names(&listed["result"]["prompts"]));
        }
    }
}

#[test]
fn the_manifest_is_of_this_version_and_its_settings_are_declared_and_used() {
    let manifest = manifest();
    assert_eq!((&manifest["name"], &manifest["manifest_version"]), (&json!("whytrace"), &json!("0.3")));
    assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(manifest["license"], env!("CARGO_PKG_LICENSE"));
    let server = manifest["server"].to_string();
    let mut used = settings_named(&server);
    used.sort_unstable();
    used.dedup();
    let mut declared: Vec<&str> =
        manifest["user_config"].as_object().unwrap().keys().map(String::as_str).collect();
    declared.sort_unstable();
    assert_eq!(used, declared);
}

#[test]
fn the_icon_is_a_png_of_512_by_512() {
    let icon = fs::read(Path::new(PROJECT).join(manifest()["icon"].as_str().unwrap())).unwrap();
    assert_eq!(&icon[..8], b"\x89PNG\r\n\x1a\n");
    assert_eq!((&icon[16..20], &icon[20..24]), (&512_u32.to_be_bytes()[..], &512_u32.to_be_bytes()[..]));
}

/// What a client makes of a text of the manifest, for a user who has set nothing: an empty default stays as the
/// name that it stands for.
fn filled_in(template: &str, bundle: &Path, home: &Home, manifest: &Value) -> String {
    let mut text = template.replace("${__dirname}", &bundle.to_string_lossy());
    for key in settings_named(template) {
        let default = manifest["user_config"][key]["default"].as_str().filter(|default| !default.is_empty());
        if let Some(default) = default {
            text = text.replace(&format!("${{user_config.{key}}}"), default);
        }
    }
    text.replace("${HOME}", &home.path().to_string_lossy())
}

/// The program without what debuggers need: that is most of it, and would take long to pack.
#[cfg(unix)]
fn stripped(home: &Home) -> PathBuf {
    let path = home.join("stripped");
    let mut strip = Command::new("strip");
    strip.arg("-o").arg(&path).arg(WHYTRACE.as_str());
    ended(strip).worked();
    path
}

#[cfg(unix)]
#[test]
fn an_unpacked_bundle_starts_as_its_manifest_says_and_serves_its_tools() {
    if languages::node().is_none() {
        return;
    }
    let home = Home::new();
    let mut pack = Command::new(Path::new(PROJECT).join("scripts/bundle.sh"));
    pack.arg("--binary").arg(stripped(&home)).arg("--into").arg(home.path());
    let packed = ended(pack).worked().stdout;
    let (sum, path) = packed.trim_end().split_once("  ").expect("a sum and a path");
    assert!(sum.len() == 64 && path.ends_with(".mcpb"), "{packed}");
    let bundle = home.join("unpacked");
    let mut unpack = Command::new("mcpb");
    unpack.args(["unpack", path]).arg(&bundle);
    ended(unpack).worked();

    let manifest = read(&bundle.join("manifest.json"));
    assert_eq!(manifest["compatibility"]["platforms"].as_array().unwrap().len(), 1);
    let configuration = &manifest["server"]["mcp_config"];
    let fill = |text: &Value| filled_in(text.as_str().expect("a text"), &bundle, &home, &manifest);
    let mut command = home.command(&fill(&configuration["command"]));
    command.args(configuration["args"].as_array().unwrap().iter().map(fill));
    let environment = configuration["env"].as_object().unwrap();
    command.envs(environment.iter().map(|(name, value)| (name, fill(value))));
    assert_eq!(fill(&environment["WHYTRACE_DATABASE_URL"]), "${user_config.database_url}");

    let mut program = Program::spawn(command);
    assert_eq!(program.initialize(VERSION)["serverInfo"]["version"], manifest["version"]);
    let listed = program.request("tools/list", &json!({}));
    assert_eq!(names(&listed["result"]["tools"]), names(&manifest["tools"]));
    start(&mut program, "r1");
    assert!(home.join("whytrace/whytrace.db").exists(), "its own database lies in the folder of the default");
}
