//! `whytrace token`: a token is told once, and what is kept says everything but itself.

use crate::support::program::Home;

fn new(home: &Home, arguments: &[&str]) -> String {
    let made = home.run([&["token", "new"], arguments].concat()).worked();
    let token = made.stdout.trim_end();
    assert!(token.starts_with("wht_") && token.len() == 47, "the token alone: {made:?}");
    assert!(!made.stderr.contains(token), "{made:?}");
    token.to_owned()
}

/// The text without what differs from run to run: ids and times.
fn steady(text: &str) -> String {
    let is_time = |word: &str| word.len() == 20 && word.ends_with('Z') && word.starts_with("20");
    let words = text.split_inclusive([' ', '\n']).map(|word| {
        let bare = word.trim_end();
        let shown = match bare {
            id if id.starts_with("tok_") && id.len() == 16 => "tok_............",
            time if is_time(time.trim_end_matches('.')) => "[a moment ago      ]",
            other => other,
        };
        word.replace(bare, shown)
    });
    words.collect()
}

#[test]
fn tokens_are_made_listed_and_revoked() {
    let home = Home::new();
    let empty = home.run(["token", "list"]).worked();
    let one =
        new(&home, &["--name", "ci", "--scopes", "trace:write,trace:read", "--projects", "cobot,drills"]);
    let other = new(&home, &["--name", "the dash\u{202e}board", "--scopes", "trace:admin"]);
    assert_ne!(one, other);
    let listed = home.run(["token", "list", "--json"]).worked();
    assert!(!listed.stdout.contains(&one) && !listed.stdout.contains("wht_"), "{listed:?}");
    let id = listed.json()["tokens"][0]["token_id"].as_str().unwrap().to_owned();
    let revoked = home.run(["token", "revoke", &id]).worked();
    let listed = home.run(["token", "list"]).worked();
    let said = [empty.stderr, steady(&revoked.stderr), steady(&listed.stdout)];
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn what_cannot_be_a_token_is_refused_and_a_token_given_as_an_id_is_not_repeated() {
    let home = Home::new();
    for wrong in [
        &["--name", "n", "--scopes", "trace:everything"] as &[&str],
        &["--name", "n", "--scopes", ""],
        &["--name", " ", "--scopes", "trace:read"],
        &["--name", "a\u{1b}[31m", "--scopes", "trace:read"],
        &["--name", "n", "--scopes", "trace:read", "--projects", "a,"],
        &["--name", "n"],
        &["--scopes", "trace:read"],
    ] {
        assert_eq!(home.run([&["token", "new"], wrong].concat()).code, Some(2), "{wrong:?}");
    }
    let token = new(&home, &["--name", "n", "--scopes", "trace:read"]);
    let unknown = home.run(["token", "revoke", &token]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (Some(1), ""));
    assert_eq!(
        unknown.stderr.trim_end(),
        "whytrace: no token has this id; `whytrace token list` shows those there are"
    );
}

#[test]
fn with_the_database_away_no_token_is_made() {
    let home = Home::new().with("WHYTRACE_DATABASE_URL", "postgres://u:hunter2@127.0.0.1:1/x");
    let refused = home.run(["token", "new", "--name", "n", "--scopes", "trace:read"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""));
    assert!(refused.stderr.contains("the database is unavailable"), "{refused:?}");
}

#[test]
fn each_order_explains_itself() {
    let home = Home::new();
    for order in ["new", "list", "revoke"] {
        let help = home.run(["token", order, "--help"]).worked();
        insta::assert_snapshot!(format!("help_token_{order}"), help.stdout.trim_end());
    }
}
