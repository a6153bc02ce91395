//! What goes into other programs' files: completions for shells, front matter for reports.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::json;

use super::import::home_with_documents;
use crate::support::program::Home;

#[test]
fn the_script_for_bash_is_one_and_offers_the_commands() {
    let home = Home::new();
    let script = home.run(["completions", "bash"]).worked();
    assert_eq!(script.stderr, "");
    let Ok(mut bash) = Command::new("bash").args(["-n", "/dev/stdin"]).stdin(Stdio::piped()).spawn() else {
        eprintln!("skipped: no bash");
        return;
    };
    bash.stdin.take().unwrap().write_all(script.stdout.as_bytes()).unwrap();
    assert!(bash.wait().unwrap().success());
    // The completion itself, as bash asks for it behind `whytrace `.
    let ask =
        "\nCOMP_WORDS=(whytrace '') COMP_CWORD=1; _whytrace whytrace '' whytrace; echo \"${COMPREPLY[*]}\"";
    let offered = Command::new("bash").args(["-c", &format!("{}{ask}", script.stdout)]).output().unwrap();
    let offered = String::from_utf8(offered.stdout).unwrap();
    for command in ["serve", "show", "import", "export", "demo", "completions"] {
        assert!(offered.split_whitespace().any(|word| word == command), "{command}: {offered}");
    }
}

#[test]
fn every_shell_has_a_script_and_none_needs_settings() {
    let home = Home::new().with("WHYTRACE_THRESHOLD", "NaN");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(home.run(["completions", shell]).worked().stdout.contains("whytrace"), "{shell}");
    }
    assert_eq!(home.run(["completions", "tcsh"]).code, Some(2));
    assert!(!home.join("installation.json").exists() && !home.join("whytrace.db").exists());
}

#[test]
fn front_matter_links_a_report_to_its_run() {
    let home = home_with_documents();
    insta::assert_snapshot!(home.run(["frontmatter", "trc_20260213"]).worked().stdout.trim_end(), @r#"
    ---
    trace_id: "trc_20260213_143022_a1b2c3d4"
    generated_at: "2026-02-13T14:34:44.123456Z"
    quality_score: 2.4
    quality_gate: "passed"
    ---
    "#);
    assert_eq!(
        home.run(["frontmatter", "trc_20260107", "--json"]).worked().json(),
        json!({"trace_id": "trc_20260107_120000_0000000c", "generated_at": null, "quality_score": null,
            "quality_gate": null})
    );
    let unknown = home.run(["frontmatter", "nothing"]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (Some(1), ""));
}
