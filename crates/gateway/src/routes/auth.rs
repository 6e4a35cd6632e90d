//! Signing in, staying signed in, signing out.

use aipoten_proto::identity::v1::{
    Captcha, ChangeEmailRequest, ChangePasswordRequest, CreateCaptchaRequest, CreateSessionRequest, CurrentSession,
    DeleteSessionRequest, EndAllSessionsRequest, EndCurrentSessionRequest, GetCurrentSessionRequest, GetJwksRequest,
    Jwks, ListSessionsRequest, RefreshSessionRequest, RegisterUserRequest, RequestEmailChangeRequest,
    RequestEmailVerificationRequest, RequestPasswordResetRequest, ResetPasswordRequest, Session, SignIn, Tokens, User,
    VerifyEmailRequest,
};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CACHE_CONTROL;
use http::{HeaderMap, Method, StatusCode};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::call::{Call, PublicCall};
use crate::cookies::{self, CookieSession, RefreshCookie};
use crate::envelope::{Data, data};
use crate::error::{Answer, Failure};
use crate::gateway::Gateway;
use crate::input::{Id, Json};

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(login))
        .routes(routes!(create_captcha))
        .routes(routes!(refresh))
        .routes(routes!(logout))
        .routes(routes!(logout_all))
        .routes(routes!(get_me))
        .routes(routes!(list_sessions))
        .routes(routes!(delete_session))
        .routes(routes!(change_password))
        .routes(routes!(request_password_reset))
        .routes(routes!(reset_password))
        .routes(routes!(verify_email))
        .routes(routes!(request_email_verification))
        .routes(routes!(request_email_change))
        .routes(routes!(change_email))
}

pub(super) fn key_routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new().routes(routes!(get_jwks))
}

/// Create an account
#[utoipa::path(post, path = "/auth/register", tag = "auth", security(()),
    responses((status = 201, description = "The new account", body = Data<User>)))]
async fn register(
    State(gateway): State<Gateway>,
    PublicCall(call): PublicCall,
    Json(body): Json<RegisterUserRequest>,
) -> Answer<Data<User>> {
    let user = gateway.users().register_user(call.with(body)).await?.into_inner();
    Ok(data(user).version(|it| it.version).created(|_| "/users/me".to_owned()))
}

/// Sign in with e-mail address and password
///
/// A page in a browser sends `X-Cookie-Session: true`: the tokens are then kept in cookies that scripts cannot read, and
/// `tokens` is null. Every POST, PUT, PATCH and DELETE that comes with the cookies carries `X-CSRF-Token`: the value of the
/// cookie `__Host-csrf`, which this answer has as a header of that name too. Cookies are ignored beside a bearer token.
#[utoipa::path(post, path = "/auth/login", tag = "auth", security(()),
    params(("X-Cookie-Session" = Option<bool>, Header, description = "true: keep the session in cookies")),
    responses((status = 200, description = "Who signed in, and the tokens", body = Data<SignIn>)))]
async fn login(
    State(gateway): State<Gateway>,
    PublicCall(call): PublicCall,
    CookieSession(cookies): CookieSession,
    Json(body): Json<CreateSessionRequest>,
) -> Answer<(HeaderMap, Data<SignIn>)> {
    if cookies {
        gateway.csrf().configured()?;
    }
    let mut sign_in = gateway.sessions().create_session(call.with(body)).await?.into_inner();
    let tokens = if cookies { sign_in.tokens.take() } else { None };
    let cookies = tokens.map(|tokens| gateway.csrf().keep(&tokens)).transpose()?;
    Ok((cookies.unwrap_or_default(), data(sign_in)))
}

/// A challenge to solve before the next attempt to sign in
///
/// Asked for with `CAPTCHA_REQUIRED` after some failures: find a text for which the SHA-256 digest of `challenge.text`
/// begins with `difficulty` zero bits, and send both as `captcha` with the attempt.
#[utoipa::path(get, path = "/auth/captcha", tag = "auth", security(()),
    responses((status = 200, description = "The challenge", body = Data<Captcha>)))]
async fn create_captcha(State(gateway): State<Gateway>, PublicCall(call): PublicCall) -> Answer<Data<Captcha>> {
    Ok(data(gateway.captchas().create_captcha(call.with(CreateCaptchaRequest {})).await?.into_inner()))
}

/// Trade a refresh token for new tokens
///
/// A session in cookies has its refresh token there: it sends no body, and finds the new tokens in new cookies.
#[utoipa::path(post, path = "/auth/refresh", tag = "auth", security(()), request_body = Option<RefreshSessionRequest>,
    params(("X-CSRF-Token" = Option<String>, Header, description = "For a session in cookies")),
    responses(
        (status = 200, description = "The new tokens", body = Data<Tokens>),
        (status = 204, description = "The new tokens are in the cookies"),
    ))]
async fn refresh(
    State(gateway): State<Gateway>,
    PublicCall(call): PublicCall,
    RefreshCookie(cookie): RefreshCookie,
    headers: HeaderMap,
    body: Option<Json<RefreshSessionRequest>>,
) -> Answer<Response> {
    if let Some(Json(body)) = body {
        return Ok(data(gateway.sessions().refresh_session(call.with(body)).await?.into_inner()).into_response());
    }
    let refresh_token = cookie.ok_or_else(|| Failure::new("UNAUTHENTICATED"))?;
    gateway.csrf().check(&Method::POST, &headers, None)?;
    let ask = RefreshSessionRequest { refresh_token };
    let tokens = gateway.sessions().refresh_session(call.with(ask)).await?.into_inner();
    Ok((StatusCode::NO_CONTENT, gateway.csrf().keep(&tokens)?).into_response())
}

/// End this session
#[utoipa::path(post, path = "/auth/logout", tag = "auth", responses((status = 204, description = "The session has ended")))]
async fn logout(State(gateway): State<Gateway>, call: Call) -> Answer<(StatusCode, HeaderMap)> {
    gateway.sessions().end_current_session(call.with(EndCurrentSessionRequest {})).await?;
    Ok((StatusCode::NO_CONTENT, cookies::clear()))
}

/// End all sessions, this one too
#[utoipa::path(post, path = "/auth/logout-all", tag = "auth", responses((status = 204, description = "All sessions have ended")))]
async fn logout_all(State(gateway): State<Gateway>, call: Call) -> Answer<(StatusCode, HeaderMap)> {
    gateway.sessions().end_all_sessions(call.with(EndAllSessionsRequest {})).await?;
    Ok((StatusCode::NO_CONTENT, cookies::clear()))
}

/// Who am I
#[utoipa::path(get, path = "/auth/me", tag = "auth",
    responses((status = 200, description = "Account, session and permissions", body = Data<CurrentSession>)))]
async fn get_me(State(gateway): State<Gateway>, call: Call) -> Answer<Data<CurrentSession>> {
    Ok(data(gateway.sessions().get_current_session(call.with(GetCurrentSessionRequest {})).await?.into_inner()))
}

/// Devices that are signed in
#[utoipa::path(get, path = "/auth/sessions", tag = "auth",
    responses((status = 200, description = "Live sessions, the newest first", body = Data<Vec<Session>>)))]
async fn list_sessions(State(gateway): State<Gateway>, call: Call) -> Answer<Data<Vec<Session>>> {
    let answer = gateway.sessions().list_sessions(call.with(ListSessionsRequest {})).await?.into_inner();
    Ok(data(answer.sessions))
}

/// Sign a device out
#[utoipa::path(delete, path = "/auth/sessions/{session_id}", tag = "auth",
    params(("session_id" = Uuid, Path, description = "The session")),
    responses((status = 204, description = "The session has ended")))]
async fn delete_session(State(gateway): State<Gateway>, call: Call, Id(session_id): Id) -> Answer<StatusCode> {
    gateway.sessions().delete_session(call.with(DeleteSessionRequest { session_id })).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Change the password; every other session ends
#[utoipa::path(post, path = "/auth/password/change", tag = "auth",
    responses((status = 204, description = "The new password counts from now on")))]
async fn change_password(
    State(gateway): State<Gateway>,
    call: Call,
    Json(body): Json<ChangePasswordRequest>,
) -> Answer<StatusCode> {
    gateway.users().change_password(call.with(body)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Have a link mailed with which a new password can be set
///
/// The answer is the same whether the address has an account or not. After three mails to an address one more needs a captcha
/// (`CAPTCHA_REQUIRED`), after five there are no more for a quarter of an hour (`RATE_LIMITED`).
#[utoipa::path(post, path = "/auth/password/reset", tag = "auth", security(()),
    responses((status = 204, description = "If the address has an account, the mail is on its way")))]
async fn request_password_reset(
    State(gateway): State<Gateway>,
    PublicCall(call): PublicCall,
    Json(body): Json<RequestPasswordResetRequest>,
) -> Answer<StatusCode> {
    gateway.users().request_password_reset(call.with(body)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Set a new password by the link from the mail; every session ends
#[utoipa::path(post, path = "/auth/password/reset/confirm", tag = "auth", security(()),
    responses((status = 204, description = "The new password counts from now on")))]
async fn reset_password(
    State(gateway): State<Gateway>,
    PublicCall(call): PublicCall,
    Json(body): Json<ResetPasswordRequest>,
) -> Answer<StatusCode> {
    gateway.users().reset_password(call.with(body)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Verify an address by the link from the mail
///
/// Access tokens tell of it from the next refresh on: refresh before doing what answered `EMAIL_NOT_VERIFIED`.
#[utoipa::path(post, path = "/auth/email/verify", tag = "auth", security(()),
    responses((status = 204, description = "The address is verified")))]
async fn verify_email(
    State(gateway): State<Gateway>,
    PublicCall(call): PublicCall,
    Json(body): Json<VerifyEmailRequest>,
) -> Answer<StatusCode> {
    gateway.users().verify_email(call.with(body)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Have the link mailed again with which the address is verified
#[utoipa::path(post, path = "/auth/email/verify/resend", tag = "auth",
    responses((status = 204, description = "The mail is on its way")))]
async fn request_email_verification(State(gateway): State<Gateway>, call: Call) -> Answer<StatusCode> {
    gateway.users().request_email_verification(call.with(RequestEmailVerificationRequest {})).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Have a link mailed to a new address of the account
///
/// The account keeps its address until the link is followed.
#[utoipa::path(post, path = "/auth/email/change", tag = "auth",
    responses((status = 204, description = "The mail is on its way to the new address")))]
async fn request_email_change(
    State(gateway): State<Gateway>,
    call: Call,
    Json(body): Json<RequestEmailChangeRequest>,
) -> Answer<StatusCode> {
    gateway.users().request_email_change(call.with(body)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take the new address by the link from the mail; the old one is warned
#[utoipa::path(post, path = "/auth/email/change/confirm", tag = "auth", security(()),
    responses((status = 204, description = "The account has the new address, verified")))]
async fn change_email(
    State(gateway): State<Gateway>,
    PublicCall(call): PublicCall,
    Json(body): Json<ChangeEmailRequest>,
) -> Answer<StatusCode> {
    gateway.users().change_email(call.with(body)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Public keys of access tokens (RFC 7517)
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "auth", security(()),
    responses((status = 200, description = "The key set, without envelope", body = Jwks)))]
async fn get_jwks(State(gateway): State<Gateway>, PublicCall(call): PublicCall) -> Answer<impl IntoResponse> {
    let keys = gateway.keys().get_jwks(call.with(GetJwksRequest {})).await?.into_inner();
    Ok(([(CACHE_CONTROL, "public, max-age=300")], axum::Json(keys)))
}
