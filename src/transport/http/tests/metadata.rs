//! Where clients find who gives tokens, and that any page may read it.

use super::strangers::Slow;
use super::*;
use crate::access::Authenticator;

const PLACE: &str = "/.well-known/oauth-protected-resource";

/// A server that clients know under this address.
async fn known_as(audience: &str) -> Server {
    let oauth = Slow::new().oauth_for(audience);
    let guard = Guard::new(Authenticator::new(None, Some(oauth)), |_, _| None);
    Server::with(|options| {
        options.guard = Some(guard);
        options.allowed_hosts.push("traces.example".to_owned());
    })
    .await
}

#[tokio::test]
async fn what_a_challenge_names_is_there_under_whichever_path_clients_know_the_server() {
    for path in ["/mcp", "/team/a/mcp", "/{team}", ""] {
        let audience = format!("https://traces.example{path}");
        let server = known_as(&audience).await;
        let challenge =
            server.post("/mcp", JSON, &call(1, "echo", "a")).await.headers["www-authenticate"].clone();
        let (_, told) = challenge.split_once("resource_metadata=\"https://traces.example").unwrap();
        let told = told.trim_end_matches('"');
        assert_eq!(told, format!("{PLACE}{path}"));
        let found = server.get(told, "Host: traces.example\r\nOrigin: https://any.example\r\n").await;
        assert_eq!((found.status, &found.body["resource"]), (200, &json!(audience)), "{told}");
        let other = server.get(&format!("{PLACE}/other"), "Host: traces.example\r\n").await;
        assert_eq!(other.status, 404);
        assert!(!other.sentence().is_empty());
    }
}

#[tokio::test]
async fn a_cache_may_keep_one_answer_for_all_pages() {
    let server = known_as("https://traces.example/mcp").await;
    for more in ["", "Origin: https://any.example\r\n", "Origin: https://other.example\r\n"] {
        let found = server.get(PLACE, &format!("Host: traces.example\r\n{more}")).await;
        assert_eq!(
            (found.status, found.headers["access-control-allow-origin"].as_str()),
            (200, "*"),
            "{more}"
        );
        assert!(!found.headers.contains_key("vary") && found.headers["cache-control"].contains("public"));
        assert!(!found.headers.contains_key("access-control-allow-credentials"));
    }
}
