use aipoten_proto::CALLERS;
use aipoten_proto::common::v1::Callers;
use aipoten_proto::identity::v1::GetMeRequest;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use crate::world::{Person, World, assert_refused, with_token};

/// Calls that end the session they are made in.
const ENDING: [&str; 3] = ["/EndCurrentSession", "/EndAllSessions", "/DeleteMe"];

/// Whether the service calls itself one of identity's.
fn is_served(path: &str) -> bool {
    path.starts_with("/aipoten.identity.") || path.starts_with("/aipoten.common.")
}

async fn walk(world: &World, caller: Option<Person>, role: Callers) {
    let mut caller = caller;
    for (path, rule) in CALLERS.iter().filter(|(path, _)| is_served(path)) {
        let request = caller.as_ref().map_or_else(|| Request::new(()), |person| person.asks(()));
        let answer = world.call(path, request).await;
        let named = [Callers::Anyone, role].iter().any(|it| rule.contains(it));
        assert_refusal(path, answer, role, named || (caller.is_some() && rule.contains(&Callers::User)));
        if let Some(person) = caller.as_mut().filter(|_| ENDING.iter().any(|it| path.ends_with(it))) {
            *person = world.sign_in(&person.email).await;
        }
    }
}

/// Nobody is unspecified.
#[track_caller]
fn assert_refusal(path: &str, answer: Result<(), Status>, role: Callers, allowed: bool) {
    let refusal = match role {
        _ if allowed => None,
        Callers::Unspecified => Some((Code::Unauthenticated, "UNAUTHENTICATED".to_owned())),
        _ => Some((Code::PermissionDenied, "PERMISSION_DENIED".to_owned())),
    };
    // A refresh token that is none is refused with the same words.
    if !path.ends_with("/RefreshSession") {
        assert_eq!(refused_for_who_asks(answer), refusal, "{path} as {role:?}");
    }
}

/// `None` for an answer, and for what is wrong with an empty request.
fn refused_for_who_asks(answer: Result<(), Status>) -> Option<(Code, String)> {
    let status = answer.err().filter(|it| matches!(it.code(), Code::Unauthenticated | Code::PermissionDenied))?;
    Some((status.code(), status.get_details_error_info().map(|it| it.reason).unwrap_or_default()))
}

#[tokio::test]
async fn every_call_is_refused_to_whom_its_proto_does_not_name() {
    let world = World::start().await;
    walk(&world, None, Callers::Unspecified).await;
    walk(&world, Some(world.parent().await), Callers::Parent).await;
    walk(&world, Some(world.therapist().await), Callers::Therapist).await;
    walk(&world, Some(world.administrator().await), Callers::Admin).await;
    let service = world.notification();
    for (path, rule) in CALLERS.iter().filter(|(path, _)| is_served(path)) {
        let answer = world.call(path, service.request(()).await.expect("a token")).await;
        let allowed = [Callers::Anyone, Callers::Service].iter().any(|it| rule.contains(it));
        assert_refusal(path, answer, Callers::Service, allowed);
    }
    world.end().await;
}

#[tokio::test]
async fn a_call_that_no_proto_knows_is_denied_to_everybody() {
    let world = World::start().await;
    let admin = world.administrator().await;
    for request in [Request::new(()), admin.asks(())] {
        let answer = world.call("/aipoten.identity.v1.UserService/Reign", request).await;
        assert_refused(answer, Code::PermissionDenied, "PERMISSION_DENIED");
    }
    world.end().await;
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
