//! `whytrace redact`: the text goes, the run stays.

use serde_json::json;

use super::{PLANTED, RUN, VERSION, assert_gone, on_both, plant};
use crate::support::program::{Home, ended};

#[test]
fn of_a_redacted_text_no_byte_is_left_and_the_run_is_there() {
    on_both(|home, schema| {
        plant(home);
        std::fs::write(home.join("secret.txt"), format!("{PLANTED}\n")).unwrap();
        let file = home.join("secret.txt").display().to_string();
        let done = home.run(["redact", RUN, "--file", &file, "--yes", "--json"]).worked();
        std::fs::remove_file(&file).unwrap();
        let said = done.json();
        assert_eq!((&said["numbers"], &said["left_behind"]), (&json!(0), &json!([])), "{said}");
        assert_gone(home, schema, &done);

        let mark = said["mark"].as_str().unwrap();
        let shown = home.run(["show", RUN, "--json"]).worked().json();
        assert_eq!(shown["run"]["query"], format!("a {mark} \"quoted\"\nand more"));
        assert_eq!(shown["run"]["tags"], json!([mark]));
        assert!(shown["stages"].as_object().unwrap().contains_key(&format!("stage {mark}")));
        assert!(shown["metadata"]["revision"].as_u64() > Some(1));
        let found = home.run(["list", "--text", "manual", "--json"]).worked().json();
        assert_eq!(found["total"], 1, "search knows the mark");
        home.run(["doctor"]).worked();
        home.run(["reindex"]).worked();
        assert_gone(home, schema, &done);

        let again = home.run(["redact", RUN, PLANTED, "--yes", "--json"]);
        assert_eq!((again.code, &again.json()["places"]), (Some(1), &json!(0)));
    });
}

#[test]
fn a_journal_that_is_brought_over_later_does_not_bring_it_back() {
    on_both(|home, schema| {
        plant(home);
        // The journal of a process that died before it let go of what it had recorded.
        let mut server = home.server();
        server.initialize(VERSION);
        let late = json!({"trace_id": RUN, "stage": "s", "decision": "k", "what": PLANTED, "why": PLANTED,
            "decision_id": "late"});
        server.tell("trace_record_decision", &late);
        server.kill();
        let done = home.run(["redact", RUN, PLANTED, "--yes"]).worked();
        assert_gone(home, schema, &done);
        home.run(["doctor", "--fix"]).worked();
        assert_gone(home, schema, &done);

        let mut server = home.server();
        server.initialize(VERSION);
        let repeated = server.tell("trace_record_decision", &late);
        assert_eq!(repeated["decision_id"], "late");
        assert!(server.close().success());
        home.run(["doctor", "--fix"]).worked();
        assert_gone(home, schema, &done);
    });
}

#[test]
fn what_cannot_be_taken_out_is_refused_with_a_sentence() {
    let home = Home::new();
    plant(&home);
    let mut server = home.server();
    server.initialize(VERSION);
    super::super::start(&mut server, "still-open");
    let mut said = Vec::new();
    for (run, text) in [
        (RUN, "why"),
        (RUN, "status"),
        (RUN, "planted-run"),
        (RUN, "cobot"),
        (RUN, "later"),
        ("still-open", "which arm"),
        ("nobody", "which arm"),
        (RUN, "stands nowhere"),
    ] {
        let refused = home.run(["redact", run, text, "--yes"]);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{text}");
        said.push(format!("{text}: {}", refused.stderr));
    }
    assert!(server.close().success());
    insta::assert_snapshot!(said.concat());
    assert_eq!(home.run(["redact", RUN, "x y z"]).code, Some(2), "nobody can be asked");
}

#[test]
fn the_text_can_come_from_standard_input() {
    use std::io::Write as _;
    let home = Home::new();
    plant(&home);
    let mut redact = home.whytrace(["redact", RUN, "--yes"]);
    redact.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = redact.spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{PLANTED}\r\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("Taken out in "));
    assert!(!ended(home.whytrace(["show", RUN, "--json"])).worked().stdout.contains(PLANTED));
}
