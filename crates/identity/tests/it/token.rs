use aipoten_kit::test::{Forge, eventually};
use aipoten_proto::identity::v1::{GetJwksRequest, Jwk};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::Utc;
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::world::{Identity, Person, World};

async fn forge(world: &World, person: &Person) -> Forge {
    Forge::new(world.pool(), &world.config.encryption, &person.tokens.access_token).await
}

#[track_caller]
fn reason(answer: Result<(), Status>) -> String {
    let status = answer.expect_err("refused");
    assert_eq!(status.code(), Code::Unauthenticated);
    status.get_details_error_info().expect("a reason").reason
}

#[tokio::test]
async fn only_a_token_that_is_right_in_every_part_is_believed() {
    let world = World::start().await;
    let forge = forge(&world, &world.parent().await).await;
    world.try_get_me(&forge.token(&json!({}), &json!({}))).await.expect("the forge makes good tokens");
    for (what, token) in forge.wrong() {
        assert_eq!(reason(world.try_get_me(&token).await), "UNAUTHENTICATED", "{what}");
    }
    world.end().await;
}

#[tokio::test]
async fn an_expired_token_says_so_and_five_seconds_between_clocks_are_forgiven() {
    let world = World::start().await;
    let forge = forge(&world, &world.parent().await).await;
    for ago in [6, 3600] {
        assert_eq!(reason(world.try_get_me(&forge.expired(ago)).await), "TOKEN_EXPIRED");
    }
    world.try_get_me(&forge.expired(1)).await.expect("clocks differ");
    let nearly = forge.token(&json!({}), &json!({ "nbf": Utc::now().timestamp() + 4 }));
    world.try_get_me(&nearly).await.expect("clocks differ");
    world.end().await;
}

#[tokio::test]
async fn a_token_that_was_believed_is_refused_once_it_has_expired() {
    let world = World::start().await;
    let token = forge(&world, &world.parent().await).await.expired(3);
    world.try_get_me(&token).await.expect("clocks differ");
    eventually("it has expired", async || !world.believes(&token).await).await;
    assert_eq!(reason(world.try_get_me(&token).await), "TOKEN_EXPIRED");
    world.end().await;
}

pub(crate) async fn jwks(identity: &Identity) -> Vec<Jwk> {
    identity.keys().get_jwks(GetJwksRequest {}).await.expect("published").into_inner().keys
}

#[tokio::test]
async fn all_replicas_sign_with_the_first_published_key() {
    let world = World::start().await;
    let replica = world.replica().await;
    let keys = jwks(&world).await;
    assert_eq!((keys.len(), &keys), (2, &jwks(&replica).await), "the one that signs, and the next");
    let key = &keys[0];
    let named = (key.kty.as_str(), key.crv.as_str(), key.r#use.as_str(), key.alg.as_str());
    assert_eq!(named, ("OKP", "Ed25519", "sig", "EdDSA"));
    assert_eq!(URL_SAFE_NO_PAD.decode(&key.x).expect("base64url").len(), 32);

    let parent = world.parent().await;
    assert!(replica.believes(&parent.tokens.access_token).await);
    let elsewhere = replica.sign_in(&parent.email).await;
    assert!(world.believes(&elsewhere.tokens.access_token).await);
    let header = jsonwebtoken::decode_header(&elsewhere.tokens.access_token).expect("a header");
    assert_eq!((header.kid.as_deref(), header.typ.as_deref()), (Some(key.kid.as_str()), Some("at+jwt")));
    replica.end().await;
    world.end().await;
}

#[tokio::test]
async fn replicas_that_start_at_once_agree_on_the_first_keys() {
    let world = World::start().await;
    sqlx::raw_sql("DELETE FROM signing_keys").execute(world.pool()).await.expect("as at the very first start");
    let replicas = futures::future::join_all((0..4).map(|_| world.replica())).await;
    let first = jwks(&replicas[0]).await;
    for replica in replicas {
        assert_eq!(jwks(&replica).await, first);
        replica.end().await;
    }
    world.end().await;
}

#[tokio::test]
async fn an_access_token_names_ids_and_no_person() {
    let world = World::start().await;
    let parent = world.parent().await;
    let claims = parent.tokens.access_token.split('.').nth(1).expect("claims");
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).expect("base64url")).expect("JSON");
    assert_eq!(claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat), Some(900));
    assert_eq!(
        (&claims["aud"], &claims["role"], &claims["amr"]),
        (&json!("aipoten"), &json!("parent"), &json!(["pwd"]))
    );
    assert_eq!((&claims["sub"], &claims["sid"]), (&json!(parent.id), &json!(parent.tokens.session_id)));
    let mut names: Vec<&String> = claims.as_object().expect("an object").keys().collect();
    names.sort();
    let known = ["amr", "aud", "auth_time", "ev", "exp", "iat", "iss", "jti", "nbf", "role", "scope", "sid", "sub"];
    assert_eq!(names, known);
    world.end().await;
}

#[tokio::test]
async fn the_private_key_lies_encrypted_in_the_table() {
    let world = World::start().await;
    let seed = forge(&world, &world.parent().await).await.seed();
    let stored: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT private_key FROM signing_keys").fetch_all(world.pool()).await.expect("read");
    for plain in [seed.to_vec(), STANDARD.encode(seed).into_bytes()] {
        let lies_open = stored.iter().any(|it| it.windows(plain.len()).any(|window| window == plain));
        assert!(!lies_open, "the key lies open in the table");
    }
    world.end().await;
}
