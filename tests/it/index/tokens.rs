//! Tokens: kept by their hash alone, found by it, revoked for good.

use whytrace::store::index::{Permission, Permissions, Token, TokenHash};

use super::*;

fn token(id: &str, second: u8, permissions: &[Permission], scope: Scope) -> Token {
    Token {
        id: id.to_owned(),
        name: format!("the token {id} of \"somebody\""),
        permissions: permissions.iter().copied().collect(),
        scope,
        created_at: format!("2026-02-13T14:30:{second:02}.123456Z").parse().unwrap(),
        expires_at: (second > 1).then(|| "2026-05-13T00:00:00.123456Z".parse().unwrap()),
        revoked_at: None,
    }
}

both! {
    async fn a_token_is_found_by_its_hash_as_it_was_made(store) {
        let index = store.index();
        let odd = ["a b", "c,d", "e\"f", "名"].map(str::to_owned).to_vec();
        let tokens = [
            token("t2", 2, &[Permission::Write, Permission::Read], Scope::All),
            token("t1", 1, &[Permission::Admin], Scope::Projects(odd)),
            token("t3", 3, &[], Scope::Projects(Vec::new())),
        ];
        for token in &tokens {
            index.add_token(token, &TokenHash::of(&token.id)).await.unwrap();
        }
        for token in &tokens {
            let hash = TokenHash::of(&token.id);
            let found = store.index().token(&hash).await.unwrap().unwrap();
            assert_eq!((&found.token, found.hash), (token, hash.hex()));
        }
        assert_eq!(index.token(&TokenHash::of("t4")).await.unwrap(), None);
        let ids: Vec<String> = index.tokens().await.unwrap().into_iter().map(|token| token.id).collect();
        assert_eq!(ids, ["t1", "t2", "t3"], "in the order in which they were made");
    }

    async fn a_revoked_token_stays_revoked_as_it_was(store) {
        let index = store.index();
        let made = token("t", 1, &[Permission::Read], Scope::All);
        index.add_token(&made, &TokenHash::of("t")).await.unwrap();
        let (first, later) = ("2026-02-14T00:00:00Z".parse().unwrap(), "2026-02-15T00:00:00Z".parse().unwrap());
        let revoked = index.revoke_token("t", first).await.unwrap().unwrap();
        assert_eq!(revoked, Token { revoked_at: Some(first), ..made });
        assert_eq!(index.revoke_token("t", later).await.unwrap(), Some(revoked.clone()));
        assert_eq!(store.index().token(&TokenHash::of("t")).await.unwrap().unwrap().token, revoked);
        assert_eq!(index.revoke_token("another", later).await.unwrap(), None);
    }

    async fn two_tokens_have_neither_an_id_nor_a_hash_in_common(store) {
        let index = store.index();
        let add = async |id: &str, hash: &str| {
            index.add_token(&token(id, 1, &[], Scope::All), &TokenHash::of(hash)).await
        };
        add("t", "h").await.unwrap();
        assert!(add("t", "other").await.is_err() && add("other", "h").await.is_err());
        assert_eq!(count(store, "tokens").await, 1);
    }

    async fn a_row_that_cannot_be_read_lets_nobody_in(store) {
        let index = store.index();
        index.add_token(&token("t", 1, &[Permission::Read], Scope::All), &TokenHash::of("t")).await.unwrap();
        for damage in ["scopes = 'trace:read trace:everything'", "scopes = 'trace:read', projects = 'all of them'"] {
            store.run(&format!("update tokens set {damage}")).await;
            let read = index.token(&TokenHash::of("t")).await;
            assert!(matches!(read, Err(whytrace::Error::Corrupt { .. })), "{damage}: {read:?}");
        }
    }

    async fn a_database_of_the_first_version_gets_tokens_and_keeps_its_runs(store) {
        store.migrate_to(1).await;
        store.run(migration::OLD_RUN).await;
        let index = store.index();
        assert!(index.tokens().await.unwrap().is_empty());
        assert_eq!(status(&index, &"t".parse().unwrap()).await.as_deref(), Some("complete"));
    }

    async fn tokens_from_before_there_was_an_expiry_are_good_until_they_are_revoked(store) {
        let before = token("t", 1, &[Permission::Read], Scope::All);
        store.migrate_to(2).await;
        let (hash, name) = (TokenHash::of("t").hex(), &before.name);
        store
            .run(&format!(
                "insert into tokens (token_id, hash, name, scopes, created_at) \
                 values ('t', '{hash}', '{name}', 'trace:read', '2026-02-13 14:30:01.123456+00:00')"
            ))
            .await;
        assert_eq!(store.index().token(&TokenHash::of("t")).await.unwrap().unwrap().token, before);
    }
}

#[test]
fn admin_stands_for_all_and_each_permission_is_said_once() {
    use Permission::{Admin, Read, Write};
    let some: Permissions = [Write, Read, Write].into_iter().collect();
    assert_eq!(some.to_string(), "trace:read trace:write");
    assert!(some.allow(Read) && some.allow(Write) && !some.allow(Admin));
    let admin: Permissions = [Admin].into_iter().collect();
    assert!(Permission::ALL.into_iter().all(|one| admin.allow(one)));
    for one in Permission::ALL {
        assert_eq!(one.as_str().parse(), Ok(one));
    }
    assert!("trace".parse::<Permission>().is_err());
}
