use aipoten_proto::common::v1::Locale;
use aipoten_proto::identity::v1::{
    ChildBirthDate, ConsentKind, DeleteMeRequest, GetRecipientRequest, IssueMailTokenRequest, ListChildBirthsRequest,
    ListRecipientIdsRequest, MailPurpose, Recipient, RegisterUserRequest, VerifyEmailRequest,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use sha2::{Digest as _, Sha256};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::world::{World, assert_refused, full_child, new_address, plain_child, registration, violations, withdrawal};

async fn find(world: &World, user_id: Uuid, purpose: Option<MailPurpose>) -> Result<Recipient, Status> {
    let ask = GetRecipientRequest { user_id: user_id.to_string(), purpose: purpose.map(Into::into) };
    let ask = world.notification().request(ask).await.expect("a token");
    Ok(world.recipients().get_recipient(ask).await?.into_inner())
}

#[tokio::test]
async fn a_recipient_is_where_the_person_is_reached_in_their_language() {
    let world = World::start().await;
    let email = new_address();
    let request = RegisterUserRequest { locale: Locale::En.into(), ..registration(&email) };
    let user = world.users().register_user(request).await.expect("registered").into_inner();
    let id: Uuid = user.id.parse().expect("a UUID");
    let expected = Recipient {
        user_id: user.id.clone(),
        email,
        is_email_verified: false,
        phone: "+82 10-1234-5678".to_owned(),
        locale: Locale::En.into(),
        former_emails: Vec::new(),
    };
    assert_eq!(find(&world, id, None).await.expect("found"), expected);
    assert_eq!(find(&world, id, Some(MailPurpose::VerifyEmail)).await.expect("found"), expected);
    world.alter("UPDATE users SET email_verified_at = now(), phone = NULL WHERE id = $1", id).await;
    let verified = find(&world, id, None).await.expect("found");
    assert_eq!((verified.is_email_verified, verified.phone.as_str()), (true, ""));
    world.alter("UPDATE users SET status = 'suspended' WHERE id = $1", id).await;
    find(&world, id, None).await.expect("whose account is closed is told so");
    world.end().await;
}

#[tokio::test]
async fn nobody_is_reached_who_is_not_there() {
    let world = World::start_with(|config, _| config.erasure_grace_s = 0).await;
    let parent = world.parent().await;
    let change = find(&world, parent.id, Some(MailPurpose::ChangeEmail)).await;
    assert_refused(change, Code::NotFound, "NOT_FOUND");
    world.users().delete_me(parent.asks(DeleteMeRequest {})).await.expect("asked for");
    world.nothing_is_open(parent.id).await;
    aipoten_kit::test::eventually("it is erased", async || find(&world, parent.id, None).await.is_err()).await;
    for id in [parent.id, Uuid::now_v7()] {
        assert_refused(find(&world, id, None).await, Code::NotFound, "NOT_FOUND");
        for purpose in [MailPurpose::VerifyEmail, MailPurpose::ResetPassword, MailPurpose::ChangeEmail] {
            assert_refused(world.try_link(id, purpose).await, Code::NotFound, "NOT_FOUND");
        }
    }
    world.end().await;
}

#[tokio::test]
async fn a_link_is_a_secret_of_which_the_hash_is_kept_and_a_new_one_ends_the_one_before() {
    let world = World::start().await;
    let parent = world.parent().await;
    let mut secrets = Vec::new();
    for (purpose, name, hours) in
        [(MailPurpose::VerifyEmail, "verify_email", 24), (MailPurpose::ResetPassword, "reset_password", 1)]
    {
        let before = world.link(parent.id, purpose).await;
        let made = world.try_link(parent.id, purpose).await.expect("a link");
        assert_ne!(made.token, before);
        assert_eq!(made.email, parent.email);
        let life = made.expires_at.expect("until when").seconds - Utc::now().timestamp();
        assert!((hours * 3600 - 5..=hours * 3600).contains(&life), "{life}");
        let secret = URL_SAFE_NO_PAD.decode(&made.token).expect("base64url");
        assert_eq!(secret.len(), 32);
        let (kept, hash): (i64, Vec<u8>) =
            sqlx::query_as("SELECT count(*) OVER (), hash FROM mail_tokens WHERE user_id = $1 AND purpose = $2")
                .bind(parent.id)
                .bind(name)
                .fetch_one(world.pool())
                .await
                .expect("kept");
        assert_eq!((kept, hash), (1, Sha256::digest(&secret).to_vec()));
        secrets.push(before);
    }
    let ended = world.users().verify_email(VerifyEmailRequest { token: secrets.remove(0) }).await;
    assert_eq!(violations(ended), ["token: link_ended"]);
    world.alter("UPDATE users SET status = 'suspended' WHERE id = $1", parent.id).await;
    let closed = world.try_link(parent.id, MailPurpose::ResetPassword).await;
    assert_refused(closed, Code::NotFound, "NOT_FOUND");
    world.end().await;
}

#[tokio::test]
async fn wrong_requests_are_told_by_field() {
    let world = World::start().await;
    let service = world.notification();
    let ask = |purpose| GetRecipientRequest { user_id: "mina".to_owned(), purpose };
    let asked = world.recipients().get_recipient(service.request(ask(Some(0))).await.expect("a token")).await;
    let purposes = "purpose: one_of values=verify_email,reset_password,change_email";
    assert_eq!(violations(asked), ["user_id: not_a_uuid", purposes]);
    let ask = service.request(IssueMailTokenRequest::default()).await.expect("a token");
    assert_eq!(violations(world.recipients().issue_mail_token(ask).await), ["user_id: required", purposes]);
    let ask = ListRecipientIdsRequest { role: "service".to_owned(), after: "0".to_owned() };
    let asked = world.recipients().list_recipient_ids(service.request(ask).await.expect("a token")).await;
    assert_eq!(violations(asked), ["role: one_of values=admin,parent,therapist", "after: not_a_uuid"]);
    let ask = ListChildBirthsRequest { after: "0".to_owned() };
    let asked = world.recipients().list_child_births(service.request(ask).await.expect("a token")).await;
    assert_eq!(violations(asked), ["after: not_a_uuid"]);
    world.end().await;
}

async fn ids(world: &World, role: &str, after: &str) -> Vec<String> {
    let ask = ListRecipientIdsRequest { role: role.to_owned(), after: after.to_owned() };
    let ask = world.notification().request(ask).await.expect("a token");
    world.recipients().list_recipient_ids(ask).await.expect("listed").into_inner().user_ids
}

#[tokio::test]
async fn a_role_is_listed_in_pages_without_accounts_that_may_not_be_used() {
    let world = World::start().await;
    let admin = world.administrator().await;
    let closed = world.therapist().await;
    world.alter("UPDATE users SET status = 'suspended' WHERE id = $1", closed.id).await;
    let therapist = world.therapist().await;
    assert_eq!(ids(&world, "admin", "").await, [admin.id.to_string()]);
    assert_eq!(ids(&world, "therapist", "").await, [therapist.id.to_string()]);
    assert!(ids(&world, "therapist", &therapist.id.to_string()).await.is_empty());

    let many = "INSERT INTO users (id, email, name, role)
                SELECT gen_random_uuid(), 'p' || n || '@example.com', 'p', 'parent' FROM generate_series(1, 1001) n
                WHERE $1 IS NOT NULL";
    world.alter(many, admin.id).await;
    let first = ids(&world, "parent", "").await;
    assert!(first.is_sorted() && first.len() == 1000);
    let second = ids(&world, "parent", first.last().expect("the last")).await;
    assert!(second.len() == 1 && !first.contains(&second[0]));
    world.end().await;
}

async fn births(world: &World, after: &str) -> Vec<ChildBirthDate> {
    let ask = ListChildBirthsRequest { after: after.to_owned() };
    let ask = world.notification().request(ask).await.expect("a token");
    world.recipients().list_child_births(ask).await.expect("listed").into_inner().births
}

#[tokio::test]
async fn births_are_those_of_children_whose_guardians_consent_holds() {
    let world = World::start().await;
    let (parent, other, closed) = (world.guardian().await, world.guardian().await, world.guardian().await);
    let plain = world.children().create_child(parent.asks(plain_child())).await.expect("created").into_inner();
    let early = world.children().create_child(other.asks(full_child())).await.expect("created").into_inner();
    world.child_of(&closed).await;
    world.alter("UPDATE users SET status = 'suspended' WHERE id = $1", closed.id).await;
    let of = |child: &str, user: Uuid, weeks| ChildBirthDate {
        child_id: child.to_owned(),
        user_id: user.to_string(),
        birth_date: "2025-03-04".to_owned(),
        gestational_weeks: weeks,
    };
    let both = [of(&plain.id, parent.id, None), of(&early.id, other.id, Some(32))];
    assert_eq!(births(&world, "").await, both);
    assert_eq!(births(&world, &plain.id).await, both[1..]);
    let withdraw = other.asks(withdrawal(ConsentKind::Guardian));
    world.consents().record_consent(withdraw).await.expect("withdrawn");
    assert_eq!(births(&world, "").await, both[..1]);
    world.end().await;
}
