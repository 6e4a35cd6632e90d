use aipoten_proto::identity::v1::{
    ChangePasswordRequest, CheckSessionRequest, CreateCaptchaRequest, DeleteMeRequest, DeleteSessionRequest,
    DeleteUserRequest, EndAllSessionsRequest, EndCurrentSessionRequest, GetCurrentSessionRequest, GetJwksRequest,
    GetMeRequest, ListAuditLogsRequest, ListConsentsRequest, ListRevocationsRequest, ListSecurityEventsRequest,
    ListSessionsRequest, ListUsersRequest, Role, UpdateMeRequest, UpdateUserRequest,
};
use aipoten_proto::{DESCRIPTOR_SET, FieldMask};
use tonic::Code;
use uuid::Uuid;

use crate::child_privacy::every_call;
use crate::world::{World, assert_refused, consent, with_token};

/// A call that is refused for what it says is refused for who asks first: the requests are good ones.
#[tokio::test]
async fn nobody_gets_an_answer_without_a_token_but_where_none_is_needed() {
    let world = World::start().await;
    let (mut users, mut sessions) = (world.users(), world.sessions());
    let rename = UpdateMeRequest {
        name: Some("Nobody".to_owned()),
        update_mask: Some(FieldMask { paths: vec!["name".to_owned()] }),
        ..UpdateMeRequest::default()
    };
    let change = ChangePasswordRequest {
        current_password: "correct horse 7!".to_owned(),
        new_password: "battery staple 8?".to_owned(),
    };
    let session = DeleteSessionRequest { session_id: Uuid::now_v7().to_string() };
    let guardian = consent(aipoten_proto::identity::v1::ConsentKind::Guardian);
    let user_id = Uuid::now_v7().to_string();
    let decision = UpdateUserRequest {
        user_id: user_id.clone(),
        role: Some(Role::Parent.into()),
        reason: "a reason".to_owned(),
        ..UpdateUserRequest::default()
    };
    let erasure = DeleteUserRequest { user_id, reason: "a reason".to_owned() };
    let mut answers = vec![
        users.get_me(GetMeRequest {}).await.map(drop),
        users.update_me(rename).await.map(drop),
        users.delete_me(DeleteMeRequest {}).await.map(drop),
        users.change_password(change).await.map(drop),
        sessions.end_current_session(EndCurrentSessionRequest {}).await.map(drop),
        sessions.end_all_sessions(EndAllSessionsRequest {}).await.map(drop),
        sessions.get_current_session(GetCurrentSessionRequest {}).await.map(drop),
        sessions.list_sessions(ListSessionsRequest {}).await.map(drop),
        sessions.delete_session(session).await.map(drop),
        world.consents().list_consents(ListConsentsRequest {}).await.map(drop),
        world.consents().record_consent(guardian).await.map(drop),
        world.audit().list_security_events(ListSecurityEventsRequest::default()).await.map(drop),
        world.audit().list_audit_logs(ListAuditLogsRequest::default()).await.map(drop),
        users.list_users(ListUsersRequest::default()).await.map(drop),
        users.update_user(decision).await.map(drop),
        users.delete_user(erasure).await.map(drop),
    ];
    answers.extend(every_call(&world, &Uuid::now_v7().to_string(), None).await);
    // What needs no caller: RegisterUser, CreateSession, RefreshSession, ListRevocations, CheckSession, GetJwks,
    // CreateCaptcha.
    assert_eq!(answers.len() + 7, rpcs(), "a new call needs its rule and a line here");
    for answer in answers {
        assert_refused(answer, Code::Unauthenticated, "UNAUTHENTICATED");
    }
    sessions.list_revocations(ListRevocationsRequest::default()).await.expect("needs no caller");
    let check = CheckSessionRequest { session_id: Uuid::now_v7().to_string() };
    let checked = sessions.check_session(check).await.expect("needs no caller").into_inner();
    assert!(!checked.live, "nobody's session");
    world.captchas().create_captcha(CreateCaptchaRequest {}).await.expect("needs no caller");
    world.keys().get_jwks(GetJwksRequest {}).await.expect("needs no caller");
    world.end().await;
}

/// How many calls the contract has for identity.
fn rpcs() -> usize {
    let set = <prost_types::FileDescriptorSet as prost::Message>::decode(DESCRIPTOR_SET).expect("descriptors");
    let files = set.file.iter().filter(|file| file.package() == "aipoten.identity.v1");
    files.flat_map(|file| &file.service).map(|service| service.method.len()).sum()
}

#[tokio::test]
async fn a_header_that_is_no_bearer_token_is_refused() {
    let world = World::start().await;
    let parent = world.parent().await;
    for value in ["", "Bearer", "Bearer ", "Basic bWluYTpw", parent.tokens.access_token.as_str()] {
        let mut request = with_token(GetMeRequest {}, "");
        request.metadata_mut().insert("authorization", value.parse().expect("ASCII"));
        assert_refused(world.users().get_me(request).await, Code::Unauthenticated, "UNAUTHENTICATED");
    }
    world.end().await;
}
