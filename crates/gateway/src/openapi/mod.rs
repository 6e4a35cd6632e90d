//! The OpenAPI document: what the routes and the protos say, and what holds for all operations.

mod schema;

use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Required};
use utoipa::{OpenApi as _, ToSchema as _};

use crate::envelope::Refusal;
use crate::routes;

const DESCRIPTION: &str = "\
Child development care: checks, play videos, and the account behind them.

Every answer has an envelope: `{success: true, data, meta?}` or `{success: false, error: {code, message, details, \
request_id}}`. `Accept-Language` (ko, en) selects the language of messages and contents. `X-Request-ID` is taken from \
the request if it is 8 to 64 letters, digits, - and _, and stands on every answer. `RateLimit-Limit`, \
`RateLimit-Remaining` and `RateLimit-Reset` say how many requests are left. Everything that is read has an `ETag`: \
`If-None-Match` answers 304 while nothing has changed, and that of a resource with a version makes a change based on an \
older one fail with 412 when it is sent as `If-Match`. PATCH changes the fields that are given; null clears one. What happens \
is told at once over Socket.IO at `/socket.io/` (WebSocket alone; `auth: {token, language, last_event_id}`), or by \
`GET /notifications/stream`.";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "aipoten", description = DESCRIPTION),
    servers((url = "/", description = "This gateway")),
    components(schemas(Refusal)),
    security(("bearer" = [])),
    tags(
        (name = "auth", description = "Signing in, staying signed in, signing out"),
        (name = "users", description = "The own account and its consents"),
        (name = "children", description = "Children in the care of the caller, and how they grow"),
        (name = "assessments", description = "Development checks; they are no diagnosis"),
        (name = "videos", description = "Play videos and why they are recommended"),
        (name = "therapists", description = "Finding therapists; their profiles and licences"),
        (name = "calendars", description = "When therapists work, what is free, feeds for other calendars"),
        (name = "therapists", description = "Therapists and what parents say of them"),
        (name = "consultations", description = "Sessions of packages, their reports and reviews"),
        (name = "payments", description = "Paying packages, receipts, refunds"),
        (name = "settlements", description = "What therapists are paid, and where to"),
        (name = "notifications", description = "What is told to a person, by which ways"),
        (name = "admin", description = "What administrators keep"),
    )
)]
struct Document;

/// What a request with `If-None-Match` can be answered with: nothing has changed.
const UNCHANGED: (&str, &str) = ("304", "It is what the ETag in If-None-Match names");

/// How any request can end otherwise: status, name of the response, what it means.
const REFUSALS: [(&str, &str, &str); 12] = [
    ("400", "Invalid", "The request is not what this operation asks for: VALIDATION_ERROR, MALFORMED_REQUEST"),
    ("401", "Unauthenticated", "Nobody has proved who they are: UNAUTHENTICATED, TOKEN_EXPIRED, INVALID_CREDENTIALS"),
    ("403", "Forbidden", "The caller may not do this: PERMISSION_DENIED, CONSENT_REQUIRED, STEP_UP_REQUIRED"),
    ("404", "NotFound", "It does not exist, or is somebody else's: NOT_FOUND"),
    ("405", "MethodNotAllowed", "The path has no such method: METHOD_NOT_ALLOWED"),
    ("409", "Conflict", "It clashes with what is there: CONFLICT, INVALID_STATE, PAYMENT_DECLINED"),
    ("413", "TooLarge", "The body is too long: PAYLOAD_TOO_LARGE"),
    ("415", "NoJson", "The body is not said to be JSON: UNSUPPORTED_MEDIA_TYPE"),
    ("429", "TooMany", "Too many requests, see Retry-After: RATE_LIMITED"),
    ("500", "Internal", "Our fault; ask with the request's id: INTERNAL"),
    ("503", "Unavailable", "Something needed is away, see Retry-After: UNAVAILABLE"),
    ("504", "Timeout", "It took too long: TIMEOUT"),
];
const STALE: (&str, &str, &str) =
    ("412", "Stale", "The version in If-Match is not the one that is there: VERSION_MISMATCH");

/// The document.
pub fn openapi() -> OpenApi {
    let (_, mut api) = utoipa_axum::router::OpenApiRouter::with_openapi(Document::openapi())
        .merge(routes::described())
        .split_for_parts();
    api.info.license = None;
    let components = api.components.get_or_insert_default();
    let bearer = Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
    schema::tidy(components);
    for (_, name, meaning) in REFUSALS.into_iter().chain([STALE]) {
        components.responses.insert(name.to_owned(), RefOr::T(refusal(meaning)));
    }
    for item in api.paths.paths.values_mut() {
        for operation in operations(item) {
            schema::describe_optional_body(operation);
            add_refusals(operation, &REFUSALS);
        }
        if let Some(read) = &mut item.get {
            let unchanged = ResponseBuilder::new().description(UNCHANGED.1).build();
            read.responses.responses.insert(UNCHANGED.0.to_owned(), RefOr::T(unchanged));
            let meaning = "The ETag of what the caller has: answered with 304 while it is still that";
            read.parameters.get_or_insert_default().push(RefOr::T(tag_parameter("If-None-Match", meaning)));
        }
        for change in [&mut item.patch, &mut item.put].into_iter().flatten() {
            add_refusals(change, &[STALE]);
            let meaning = "The ETag that the change is based on; without it whatever is there is changed";
            let if_match = tag_parameter("If-Match", meaning);
            change.parameters.get_or_insert_default().push(RefOr::T(if_match));
        }
    }
    api
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let methods = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
    methods.into_iter().filter_map(Option::as_mut)
}

fn add_refusals(operation: &mut Operation, refusals: &[(&str, &str, &str)]) {
    for (status, name, _) in refusals {
        let response = RefOr::Ref(Ref::from_response_name(*name));
        operation.responses.responses.entry((*status).to_owned()).or_insert(response);
    }
}

fn refusal(meaning: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Refusal::name())));
    ResponseBuilder::new().description(meaning).content("application/json", content.build()).build()
}

fn tag_parameter(name: &str, meaning: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(meaning))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build()
}
