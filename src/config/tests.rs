//! Which source wins, and what counts as unset.

use std::collections::HashMap;

use super::*;
use crate::store::documents::Options;
use crate::store::index::Scope;

fn load(flags: Settings, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables: HashMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::load(flags, |name| variables.get(name).cloned())
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(
        home.path().join("config.toml"),
        "tools = \"read\"\nprompts = \"lengths\"\nscale_max = 5.0\n",
    )
    .unwrap();
    let home_text = home.path().display().to_string();
    let flags = Settings { tools: Some("write".into()), ..Settings::default() };
    let config = load(flags, &[("WHYTRACE_HOME", &home_text), ("WHYTRACE_PROMPTS", "off")]).unwrap();
    assert_eq!(
        (config.tools.as_str(), config.prompts, config.quality.scale_max),
        ("write", Prompts::Off, 5.0)
    );
}

#[test]
fn what_a_client_did_not_fill_in_counts_as_unset_and_a_plain_database_url_is_ignored() {
    let variables = [
        ("WHYTRACE_HOME", "/nonexistent/w"),
        ("WHYTRACE_DATABASE_URL", "${user_config.database_url}"),
        ("WHYTRACE_TOOLS", " "),
        ("DATABASE_URL", "postgres://elsewhere/db"),
    ];
    let config = load(Settings::default(), &variables).unwrap();
    assert_eq!(config.database.describe(), "sqlite /nonexistent/w/whytrace.db");
    assert_eq!(config.tools, "all");
}

#[test]
fn a_value_that_is_not_allowed_is_refused_with_what_is() {
    let wrong = [
        ("WHYTRACE_TOOLS", "some", "it is all, read or write"),
        ("WHYTRACE_REDACT", "perhaps", "truth value"),
        ("WHYTRACE_DATABASE_URL", "mysql://x", "it begins with postgres:// or sqlite:"),
        ("WHYTRACE_LISTEN", "here", "address and port"),
        ("WHYTRACE_AUTH", "password", "it is none, token, oauth, or token,oauth for both"),
        ("WHYTRACE_AUTH", "none,token", "it is none, token, oauth"),
        ("WHYTRACE_AUTH", "token,", "it is none, token, oauth"),
        ("WHYTRACE_AUTH", "oauth", "oauth_issuer is \"\"; with auth = oauth it is an https:// URL"),
        ("WHYTRACE_LOG_FORMAT", "xml", "it is text or json"),
        ("WHYTRACE_RATE_LIMIT", "-1", "number of requests a second"),
    ];
    for (name, value, says) in wrong {
        let error =
            load(Settings::default(), &[("WHYTRACE_HOME", "/nonexistent/w"), (name, value)]).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn a_password_in_the_database_url_shows_nowhere() {
    let place = |url: &str| {
        let variables = [("WHYTRACE_HOME", "/nonexistent/w"), ("WHYTRACE_DATABASE_URL", url)];
        let config = load(Settings::default(), &variables).unwrap();
        let flags = Settings { database_url: Some(url.into()), ..Settings::default() };
        let options = crate::recorder::RecorderOptions {
            home: config.home.clone(),
            database: config.database.clone(),
            documents: config.documents.clone(),
            retention: config.retention.clone(),
            installation: String::new(),
            process: String::new(),
            role: crate::recorder::Role::Server,
            quality: config.quality,
            calibration: config.calibration,
            abandon_after: config.abandon_after,
            require_database: false,
        };
        let index = crate::store::index::Index::new(&config.database, config.quality);
        let shown = format!("{flags:?} {config:?} {options:?} {index:?} {}", config.database.describe());
        assert!(!shown.contains("hunter") && !shown.contains("ter2"), "{shown}");
        config.database.describe()
    };
    let plain = "postgres db.example:5432/traces schema whytrace";
    for (url, described) in [
        ("postgres://me:hunter2@db.example:5432/traces?sslmode=require", plain),
        ("postgres://me:hun@ter2@db.example:5432/traces", plain),
        ("postgres://db.example:5432/traces?user=me&password=hunter2", plain),
        (
            "postgres://db.example:5432/traces?password=hun@ter2",
            "postgres at an unclear place schema whytrace",
        ),
        ("postgres://me:hun?ter2@db.example/traces", "postgres at an unclear place schema whytrace"),
        ("postgresql://me:hunter2@", "postgres  schema whytrace"),
    ] {
        assert_eq!(place(url), described, "{url}");
    }
}

#[test]
fn a_setting_that_is_refused_does_not_show_the_password_beside_it() {
    let home = tempfile::tempdir().unwrap();
    let home_text = home.path().display().to_string();
    let url = "postgres://me:hunter2@db.example/traces";
    for name in
        ["LISTEN", "RATE_LIMIT", "REDACT", "SCALE_MAX", "TOOLS", "AUTH", "LOG_FORMAT", "REQUIRE", "PROMPTS"]
    {
        let name = format!("WHYTRACE_{name}");
        let variables =
            [("WHYTRACE_HOME", home_text.as_str()), ("WHYTRACE_DATABASE_URL", url), (&name, "wrong")];
        let error = load(Settings::default(), &variables).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
    for text in ["database_url = [\"URL\"]", "database_url = \"URL\"\ntools = 3", "database_url = \"URL"] {
        std::fs::write(home.path().join("config.toml"), text.replace("URL", url)).unwrap();
        let error = load(Settings::default(), &[("WHYTRACE_HOME", &home_text)]).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn an_unknown_name_in_the_file_is_refused() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("config.toml"), "tolls = \"read\"\n").unwrap();
    let error =
        load(Settings { home: Some(home.path().to_owned()), ..Settings::default() }, &[]).unwrap_err();
    assert!(error.to_string().contains("tolls"), "{error}");
}

#[test]
fn a_number_or_word_that_means_nothing_is_refused_by_its_name() {
    for (name, value) in [
        ("REQUIRE", "databse"),
        ("SCALE_MAX", "0"),
        ("THRESHOLD", "NaN"),
        ("GAP_LIMIT", "-1"),
        ("STRENGTH_LIMIT", "inf"),
        ("ABANDON_AFTER_HOURS", "-1"),
    ] {
        let name = format!("WHYTRACE_{name}");
        let refused = load(Settings::default(), &[("WHYTRACE_HOME", "/nonexistent/w"), (&name, value)]);
        assert!(matches!(refused, Err(ConfigError::Value { .. })), "{name}: {refused:?}");
    }
}

#[test]
fn with_tokens_runs_are_held_against_those_of_their_own_project_unless_said_otherwise() {
    let scope = |variables: &[(&str, &str)]| {
        let variables = [&[("WHYTRACE_HOME", "/nonexistent/w")], variables].concat();
        load(Settings::default(), &variables).unwrap().calibration.flag_scope
    };
    assert_eq!(scope(&[]), FlagScope::Installation);
    assert_eq!(scope(&[("WHYTRACE_AUTH", "token")]), FlagScope::Project);
    let said = [("WHYTRACE_AUTH", "token"), ("WHYTRACE_FLAG_SCOPE", "installation")];
    assert_eq!(scope(&said), FlagScope::Installation);
}

#[test]
fn documents_lie_at_home_unless_another_place_is_set_and_its_secrets_show_nowhere() {
    let home = ("WHYTRACE_HOME", "/nonexistent/w");
    let config = load(Settings::default(), &[home]).unwrap();
    assert_eq!(
        (config.documents.describe().as_str(), config.documents_elsewhere()),
        ("/nonexistent/w", None)
    );

    let bucket = [home, ("WHYTRACE_DOCUMENTS", "s3://team/runs/"), ("AWS_SECRET_ACCESS_KEY", "hunter2")];
    let config = load(Settings::default(), &bucket).unwrap();
    assert_eq!(config.documents_elsewhere().as_deref(), Some("s3://team/runs"));
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn how_a_bucket_is_reached_is_said_in_the_file_and_the_environment_wins() {
    let home = tempfile::tempdir().unwrap();
    let file = "documents = \"s3://team\"\n[documents_options]\naws_region = \"eu-central-1\"\naws_endpoint_url = \"https://file\"\n";
    std::fs::write(home.path().join("config.toml"), file).unwrap();
    let home_text = home.path().display().to_string();
    let config = load(Settings::default(), &[("WHYTRACE_HOME", &home_text)]).unwrap();
    let variables = [("WHYTRACE_HOME", home_text.as_str()), ("AWS_ENDPOINT_URL", "https://environment")];
    let other = load(Settings::default(), &variables).unwrap();
    assert_ne!(config.documents, other.documents);
    let said: Options =
        [("aws_region", "eu-central-1"), ("aws_endpoint_url", "https://environment")].into_iter().collect();
    let expected = DocumentsTarget::parse("s3://team", home.path(), said, |_| None).unwrap();
    assert_eq!(other.documents, expected);
}

#[test]
fn an_authorization_server_is_described_whole_and_by_safe_urls_or_not_at_all() {
    let base = [
        ("WHYTRACE_HOME", "/nonexistent/w"),
        ("WHYTRACE_AUTH", "token, oauth"),
        ("WHYTRACE_OAUTH_ISSUER", "https://id.example/realms/team"),
        ("WHYTRACE_OAUTH_AUDIENCE", "https://traces.example/mcp"),
    ];
    let with = |more: &[(&str, &str)]| load(Settings::default(), &[&base, more].concat());
    let auth = with(&[]).unwrap().auth;
    assert!(auth.tokens && auth.is_needed());
    let oauth = auth.oauth.unwrap();
    assert_eq!(
        (oauth.scope_claims.join(" "), oauth.projects_claim.as_str()),
        ("scope scp".to_owned(), "projects")
    );
    assert_eq!(oauth.default_projects, Scope::Projects(Vec::new()), "what nobody decided is closed");
    let set = with(&[
        ("WHYTRACE_OAUTH_SCOPE_CLAIM", "permissions"),
        ("WHYTRACE_OAUTH_PROJECTS_CLAIM", "https://traces.example/projects"),
        ("WHYTRACE_OAUTH_DEFAULT_PROJECTS", "*"),
    ]);
    let oauth = set.unwrap().auth.oauth.unwrap();
    assert_eq!((oauth.scope_claims, oauth.default_projects), (vec!["permissions".to_owned()], Scope::All));
    for (name, value) in [
        ("WHYTRACE_OAUTH_ISSUER", "http://id.example"),
        ("WHYTRACE_OAUTH_ISSUER", "https://id.example/?tenant=a"),
        ("WHYTRACE_OAUTH_AUDIENCE", "traces"),
        ("WHYTRACE_OAUTH_AUDIENCE", "https://traces.example/mcp?team=a"),
        ("WHYTRACE_OAUTH_AUDIENCE", "https://traces.example/mcp#a"),
        ("WHYTRACE_OAUTH_JWKS_URL", "http://id.example/keys"),
        ("WHYTRACE_OAUTH_JWKS_URL", "https://me:hunter2@id.example/keys"),
        ("WHYTRACE_OAUTH_DEFAULT_PROJECTS", "a\u{1b}[31m"),
    ] {
        let error = with(&[(name, value)]).unwrap_err().to_string();
        let setting = name.trim_start_matches("WHYTRACE_").to_lowercase();
        assert!(error.starts_with(&setting) && !error.contains("hunter2"), "{error}");
    }
    // What is set and not used is nobody's concern.
    let unused = [&base[..1], &[("WHYTRACE_OAUTH_ISSUER", "nonsense")]].concat();
    assert_eq!(load(Settings::default(), &unused).unwrap().auth, Auth::default());
}
