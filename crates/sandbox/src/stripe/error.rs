//! What it says when something is wrong.

use axum::http::StatusCode;
use serde_json::json;

use crate::call::{Reply, Trouble};
use crate::charge::No;

fn error(status: StatusCode, kind: &str, code: Option<&str>, message: &str) -> Reply {
    let mut error = json!({ "type": kind, "message": message });
    if let Some(code) = code {
        error["code"] = code.into();
    }
    Reply { status, body: json!({ "error": error }) }
}

pub(crate) fn trouble(trouble: Trouble) -> Reply {
    let invalid = "invalid_request_error";
    match trouble {
        Trouble::Unauthorized => error(StatusCode::UNAUTHORIZED, invalid, None, "Invalid API Key provided."),
        Trouble::Malformed => {
            error(StatusCode::BAD_REQUEST, invalid, Some("parameter_missing"), "A parameter is missing or wrong.")
        }
        Trouble::Down => error(StatusCode::SERVICE_UNAVAILABLE, "api_error", None, "We are down."),
        Trouble::Internal | Trouble::Bank => {
            error(StatusCode::INTERNAL_SERVER_ERROR, "api_error", None, "Something went wrong on our side.")
        }
        Trouble::InFlight => error(
            StatusCode::CONFLICT,
            "idempotency_error",
            Some("idempotency_key_in_use"),
            "There is another request with this key in progress.",
        ),
    }
}

pub(super) fn refusal(no: No) -> Reply {
    let invalid = |status, code, message| error(status, "invalid_request_error", Some(code), message);
    match no {
        No::Unknown => invalid(StatusCode::NOT_FOUND, "resource_missing", "There is no such object."),
        No::Already | No::NotAuthorised => invalid(
            StatusCode::BAD_REQUEST,
            "payment_intent_unexpected_state",
            "This PaymentIntent could not be captured because of its status.",
        ),
        No::Declined => {
            error(StatusCode::PAYMENT_REQUIRED, "card_error", Some("card_declined"), "Your card was declined.")
        }
        No::AlreadyCancelled => {
            invalid(StatusCode::BAD_REQUEST, "charge_already_refunded", "The charge has already been refunded.")
        }
        No::NotCharged => invalid(StatusCode::BAD_REQUEST, "charge_not_captured", "There is no captured charge."),
        No::Amount | No::TooMuch | No::Balance | No::Partial | No::RefusedCancel | No::AccountMissing => {
            invalid(StatusCode::BAD_REQUEST, "amount_too_large", "The amount is greater than what is left.")
        }
    }
}
