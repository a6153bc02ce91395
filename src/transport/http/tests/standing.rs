//! Streams end with the token that opened them.

use super::*;
use crate::access::{Authenticator, Keyring};
use crate::model::{QualityRules, SystemClock};
use crate::store::DatabaseTarget;
use crate::store::index::{Index, Permissions, Scope};

#[tokio::test]
async fn sessions_and_subscriptions_end_when_their_token_is_revoked_and_those_of_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::new(&DatabaseTarget::Sqlite(folder.path().join("w.db")), QualityRules::default());
    let keyring = Keyring::new(index, Arc::new(SystemClock::default()));
    let issue = async |seed: u8| {
        let issued = keyring.issue([seed; 32], "n".to_owned(), Permissions::all(), Scope::All, None).await;
        let (secret, token) = issued.unwrap();
        (format!("Authorization: Bearer {}\r\n", secret.reveal()), token.id)
    };
    let ((revoked, id), (other, _)) = (issue(1).await, issue(2).await);
    let authenticator = Authenticator::new(Some(keyring.clone()), None);
    let guard = Guard::new(authenticator, |_, _| None).rechecking_every(Duration::from_millis(1));
    let server = Server::with(|options| options.guard = Some(guard)).await;
    let session = async |token: &str| {
        let opened = server.send(&format!("GET /sse HTTP/1.1\r\nHost: localhost\r\n{token}\r\n")).await;
        let mut session = Stream::open(opened).await;
        let endpoint = session.event("endpoint").await.unwrap();
        (session, endpoint)
    };
    let ((mut ends, gone), (mut stays, kept)) = (session(&revoked).await, session(&other).await);
    let (headers, body) =
        modern("subscriptions/listen", json!({"notifications": {"toolsListChanged": true}}));
    let listen = post("/mcp", &format!("{headers}{revoked}"), &body.to_string());
    let mut subscription = Stream::open(server.send(&listen).await).await;
    subscription.message().await;

    keyring.revoke(&id).await.unwrap();
    assert_eq!(ends.event("message").await, None);
    while subscription.event("message").await.is_some() {}
    let message = initialize("2024-11-05");
    assert_eq!(server.post(&kept, &format!("{JSON}{other}"), &message).await.status, 202);
    stays.message().await;
    assert_eq!(server.post(&gone, &format!("{JSON}{other}"), &message).await.status, 404);
}
