//! Tokens of an authorization server, over HTTP: whoever holds a good one is let in, and each way in which one can be
//! wrong is refused.

use serde_json::{Value, json};

use super::client::{Client, Stream};
use super::serve_with;
use super::tokens::{LIST, call, token, tools};
use crate::support::issuer::{Issuer, SERVER, seconds_now};
use crate::support::program::{Home, Program, ended};

/// A server that takes the issuer's tokens, and beside them what `auth` says.
fn serve_oauth(home: &Home, issuer: &Issuer, auth: &str) -> (Program, Client) {
    let options = ["--listen", "127.0.0.1:0", "--auth", auth, "--oauth-issuer", issuer.url()];
    serve_with(home, &[&options[..], &["--oauth-audience", SERVER]].concat())
}

const METADATA: &str = "https://traces.example/.well-known/oauth-protected-resource/mcp";

#[test]
fn a_client_without_a_token_is_told_where_they_are_to_be_had() {
    let (home, issuer) = (Home::new(), Issuer::start());
    let (server, client) = serve_oauth(&home, &issuer, "oauth");
    server.says("end with Ctrl-C");
    assert!(server.diagnostics().contains(&format!("tokens    from {} for {SERVER}", issuer.url())));
    for path in ["/mcp", "/messages?sessionId=00", "/sse"] {
        let missing = client.post(path, &[], LIST);
        let told = format!(
            "Bearer realm=\"whytrace\", scope=\"trace:read trace:write\", resource_metadata=\"{METADATA}\""
        );
        assert_eq!((missing.status, missing.challenge.as_str()), (401, told.as_str()), "{path}");
        assert!(
            missing.body.contains(issuer.url()) && !missing.body.contains("token new"),
            "{}",
            missing.body
        );
    }
    for path in ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"] {
        let metadata = client.get(path, &[]);
        assert_eq!(
            (metadata.status, metadata.json()),
            (
                200,
                json!({"resource": SERVER, "authorization_servers": [issuer.url()],
                    "scopes_supported": ["trace:read", "trace:write", "trace:admin"],
                    "bearer_methods_supported": ["header"], "resource_name": "whytrace"})
            )
        );
        let page = client.get(path, &[("Origin", "https://any.example")]);
        assert_eq!(
            (page.status, page.header("access-control-allow-origin")),
            (200, "*"),
            "any page may read it"
        );
        assert_eq!(client.get(path, &[("Host", "evil.example")]).status, 403);
    }
}

#[test]
fn a_good_token_lets_in_to_its_projects_with_its_scopes() {
    let (home, issuer) = (Home::new(), Issuer::start());
    let (_server, client) = serve_oauth(&home, &issuer, "oauth");
    let all = client.bearing(&issuer.token(&json!({"projects": ["*"]})));
    let mine = client.bearing(&issuer.token_of_rsa("rsa", &json!({})));
    for (client, project) in [(&all, "foreign"), (&all, "mine"), (&mine, "mine")] {
        client.tell("trace_start", &json!({"project": project, "query": "?"}));
    }
    assert_eq!(all.tell("trace_list", &json!({}))["total"], 3);
    assert_eq!(mine.tell("trace_list", &json!({}))["total"], 2);
    assert_eq!(mine.call("trace_start", &json!({"project": "foreign", "query": "?"}))["isError"], true);

    let reads = client.bearing(&issuer.token(&json!({"scope": "trace:read"})));
    let refused = call(&reads, "trace_start", &json!({"project": "mine", "query": "?"}));
    let told = format!(
        "Bearer realm=\"whytrace\", error=\"insufficient_scope\", scope=\"trace:write\", \
         resource_metadata=\"{METADATA}\""
    );
    assert_eq!((refused.status, refused.challenge.as_str()), (403, told.as_str()));
    let nothing = client.bearing(&issuer.token(&json!({"scope": "openid profile"})));
    assert_eq!(tools(&nothing), [""; 0]);
    assert_eq!(call(&nothing, "trace_list", &json!({})).status, 403);
    let nowhere = client.bearing(&issuer.token(&json!({"projects": null}))).post("/mcp", &[], LIST);
    assert_eq!(nowhere.status, 403);
    assert!(nowhere.body.contains("opens no project"), "{}", nowhere.body);
}

#[test]
fn each_way_in_which_a_token_can_be_wrong_is_refused_and_told() {
    let (home, issuer, stranger) = (Home::new(), Issuer::start(), Issuer::start());
    let (server, client) = serve_oauth(&home, &issuer, "oauth");
    let now = seconds_now();
    let mut wrong: Vec<(&str, String)> = [
        ("its audience is not this server", json!({"aud": "https://other.example/mcp"})),
        ("its audience is not this server", json!({"aud": ["https://traces.example/", "traces"]})),
        ("it is from another issuer", json!({"iss": stranger.url()})),
        ("it has expired", json!({"exp": now - 120})),
        ("it is not valid yet", json!({"nbf": now + 120})),
        ("it is no JWT that this server can read", json!({"exp": null})),
        ("it is no JWT that this server can read", json!({"nbf": "yesterday"})),
        ("it has no subject", json!({"sub": null})),
        ("it is no JWT that this server can read", json!({"more": "x".repeat(20_000)})),
    ]
    .into_iter()
    .map(|(why, change)| (why, issuer.token(&change)))
    .collect();
    let algorithm = "it is not signed by an algorithm that this server takes";
    wrong.extend(issuer.unsigned_tokens().into_iter().map(|token| (algorithm, token)));
    wrong.extend(issuer.tokens_of_public_keys().into_iter().map(|token| (algorithm, token)));
    let claims = json!({"iss": issuer.url()});
    wrong.extend([
        ("its signature is wrong", stranger.token(&claims)),
        ("the issuer has no key of the name that it gives", issuer.token_of_rsa("unknown", &json!({}))),
        ("the issuer has no key of the name that it gives", issuer.token_of_rsa("curve", &json!({}))),
        ("the issuer has no key of the name that it gives", issuer.token_of_rsa("secret", &json!({}))),
        ("it is no JWT that this server can read", "no.such.token".to_owned()),
        // A token of the server's own kind, where none are taken.
        ("the token is not valid", format!("wht_{}", "A".repeat(43))),
    ]);
    for (why, token) in &wrong {
        for path in ["/mcp", "/messages?sessionId=00"] {
            let refused = client.bearing(token).post(path, &[], LIST);
            assert_eq!(refused.status, 401, "{why}: {}", refused.body);
            assert!(refused.body.contains(why), "{why}: {}", refused.body);
            assert!(refused.challenge.contains("error=\"invalid_token\""), "{}", refused.challenge);
            assert!(refused.challenge.contains(METADATA), "{}", refused.challenge);
        }
    }
    let good = issuer.token(&json!({}));
    assert_eq!(client.post(&format!("/mcp?access_token={good}"), &[], LIST).status, 401);
    let good_client = client.bearing(&good);
    assert_eq!(good_client.post("/mcp", &[("Host", "evil.example")], LIST).status, 403);
    assert_eq!(good_client.post("/mcp", &[("Origin", "https://evil.example")], LIST).status, 403);
    assert_eq!(good_client.post("/mcp", &[], LIST).status, 200);
    assert!(issuer.asked_for_keys() <= 3, "names of keys that do not exist make no traffic");
    assert!(!server.diagnostics().contains(good.rsplit('.').next().unwrap()), "tokens are not logged");
}

#[test]
fn a_session_belongs_to_its_subject_whichever_token_it_shows() {
    let (home, issuer) = (Home::new(), Issuer::start());
    let (_server, client) = serve_oauth(&home, &issuer, "oauth");
    let ada = client.bearing(&issuer.token(&json!({})));
    let renewed = client.bearing(&issuer.token(&json!({"exp": seconds_now() + 900})));
    let bob = client.bearing(&issuer.token(&json!({"sub": "bob"})));
    let mut stream = Stream::open(&ada, "/sse");
    let (_, address) = stream.event();
    let opening = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}});
    assert_eq!(bob.post(&address, &[], &opening.to_string()).status, 404, "a stolen id is nobody's");
    assert_eq!(client.post(&address, &[], &opening.to_string()).status, 401, "nor is it a token");
    assert_eq!(renewed.post(&address, &[], &opening.to_string()).status, 202);
    assert!(stream.event().1.contains("2024-11-05"));
}

#[test]
fn tokens_of_both_kinds_are_taken_where_both_are_asked_for() {
    let (home, issuer) = (Home::new(), Issuer::start());
    let (_server, client) = serve_oauth(&home, &issuer, "token,oauth");
    let (_, own) = token(&home, "trace:read", None);
    assert_eq!(tools(&client.bearing(&own)).len(), 9);
    assert_eq!(tools(&client.bearing(&issuer.token(&json!({})))).len(), 14);
    let missing = client.post("/mcp", &[], LIST);
    assert!(missing.body.contains(issuer.url()) && missing.body.contains("token new"), "{}", missing.body);
}

#[test]
fn keys_that_are_known_go_on_while_the_issuer_is_away_and_others_wait() {
    let (home, issuer) = (Home::new(), Issuer::start());
    issuer.list(&["curve"]);
    let (_server, client) = serve_oauth(&home, &issuer, "oauth");
    let (known, new) =
        (client.bearing(&issuer.token(&json!({}))), client.bearing(&issuer.token_of_rsa("rsa", &json!({}))));
    assert_eq!(known.post("/mcp", &[], LIST).status, 200);
    issuer.be_away(true);
    assert_eq!(known.post("/mcp", &[], LIST).status, 200);
    let unknown = new.post("/mcp", &[], LIST).status;
    // Just after a list came another is not fetched: what is not on it is unknown.
    assert!(matches!(unknown, 401 | 503), "{unknown}");

    let (away, late) = (Home::new(), Issuer::start());
    late.be_away(true);
    let (_server, client) = serve_oauth(&away, &late, "oauth");
    let client = client.bearing(&late.token(&json!({})));
    let wait = client.post("/mcp", &[], LIST);
    assert_eq!(wait.status, 503);
    assert!(wait.body.contains("keys cannot be had"), "{}", wait.body);
    late.be_away(false);
    while client.post("/mcp", &[], LIST).status != 200 {}
}

#[test]
fn an_authorization_server_that_is_half_described_is_refused_with_a_sentence() {
    let home = Home::new();
    let said = |options: &[&str]| {
        let refused = ended(
            home.whytrace([&["serve", "--listen", "127.0.0.1:0", "--auth", "oauth"], options].concat()),
        );
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{refused:?}");
        refused.stderr.trim_end().to_owned()
    };
    let said = [
        said(&[]),
        said(&["--oauth-issuer", "https://id.example"]),
        said(&["--oauth-issuer", "http://id.example", "--oauth-audience", SERVER]),
    ];
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn pages_of_allowed_origins_may_ask_ahead_without_a_token_and_no_others() {
    let home = Home::new();
    let (_server, client) = serve_with(
        &home,
        &["--listen", "127.0.0.1:0", "--auth", "token", "--allow-origin", "https://app.example"],
    );
    let asking = |origin, path: &str, more: &[(&str, &str)]| {
        let mut headers = vec![
            ("Origin", origin),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "authorization,content-type,mcp-protocol-version"),
        ];
        headers.extend(more);
        client.options(path, &headers)
    };
    for origin in ["https://app.example", "http://localhost:3000"] {
        for path in ["/mcp", "/messages?sessionId=0", "/nothing"] {
            let yes = asking(origin, path, &[]);
            assert_eq!((yes.status, yes.body.as_str()), (204, ""), "{origin} {path}");
            assert_eq!(yes.header("access-control-allow-origin"), origin);
            assert_eq!(
                yes.header("access-control-allow-headers"),
                "authorization,content-type,mcp-protocol-version"
            );
            assert!(yes.header("access-control-allow-methods").contains("POST"));
            assert_eq!(yes.header("vary"), "Origin");
        }
    }
    let no = asking("https://evil.example", "/mcp", &[]);
    assert_eq!((no.status, no.header("access-control-allow-origin")), (403, ""));
    assert_eq!(asking("https://app.example", "/mcp", &[("Host", "evil.example")]).status, 403);
    assert_eq!(
        client.options("/mcp", &[("Origin", "https://app.example")]).status,
        401,
        "it asks for nothing ahead"
    );
    assert_eq!(
        client.options("/mcp", &[("Access-Control-Request-Method", "POST")]).status,
        401,
        "from no page"
    );

    let refused = client.post("/mcp", &[("Origin", "https://app.example")], LIST);
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, "https://app.example"));
    assert!(refused.header("access-control-expose-headers").contains("WWW-Authenticate"));
    let bearer = format!("Bearer {}", token(&home, "trace:read", None).1);
    let page = [("Origin", "https://app.example"), ("Authorization", bearer.as_str())];
    let answer = client.post("/mcp", &page, LIST);
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, "https://app.example"));
    assert!(answer.json()["result"]["tools"].as_array().is_some_and(|tools: &Vec<Value>| !tools.is_empty()));
}
