//! What it says when something is wrong.

use axum::http::StatusCode;
use serde_json::json;

use crate::call::{Reply, Trouble};
use crate::charge::No;

fn error(status: StatusCode, kind: &str, message: &str) -> Reply {
    Reply { status, body: json!({ "type": kind, "message": message }) }
}

pub(crate) fn trouble(trouble: Trouble) -> Reply {
    let (status, kind, message) = match trouble {
        Trouble::Unauthorized => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "인증 정보가 올바르지 않습니다."),
        Trouble::Malformed => (StatusCode::BAD_REQUEST, "INVALID_REQUEST", "요청된 입력 정보가 유효하지 않습니다."),
        Trouble::Down => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", "점검 중입니다."),
        Trouble::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "내부 오류가 발생했습니다."),
        Trouble::InFlight => {
            (StatusCode::CONFLICT, "IDEMPOTENCY_OUTSTANDING_REQUEST", "같은 멱등 키의 요청이 처리 중입니다.")
        }
        Trouble::Bank => (StatusCode::BAD_GATEWAY, "PG_PROVIDER", "PG사 응답 시간이 초과되었습니다."),
    };
    error(status, kind, message)
}

pub(super) fn refusal(no: No) -> Reply {
    let (status, kind, message) = match no {
        No::Unknown => (StatusCode::NOT_FOUND, "PAYMENT_NOT_FOUND", "결제 건이 존재하지 않습니다."),
        No::Already => (StatusCode::CONFLICT, "ALREADY_PAID", "결제가 이미 완료되었습니다."),
        No::NotAuthorised => (StatusCode::BAD_REQUEST, "INVALID_PAYMENT_TOKEN", "결제 토큰이 유효하지 않습니다."),
        No::Amount => (StatusCode::BAD_REQUEST, "INFORMATION_MISMATCH", "결제 정보가 일치하지 않습니다."),
        No::Declined => (StatusCode::BAD_GATEWAY, "PG_PROVIDER", "한도초과 또는 잔액부족"),
        No::NotCharged => (StatusCode::CONFLICT, "PAYMENT_NOT_PAID", "결제가 완료되지 않았습니다."),
        No::AlreadyCancelled => (StatusCode::CONFLICT, "PAYMENT_ALREADY_CANCELLED", "결제가 이미 취소되었습니다."),
        No::Balance => {
            (StatusCode::CONFLICT, "CANCELLABLE_AMOUNT_CONSISTENCY_BROKEN", "취소 가능 잔액이 일치하지 않습니다.")
        }
        No::TooMuch => (
            StatusCode::CONFLICT,
            "CANCEL_AMOUNT_EXCEEDS_CANCELLABLE_AMOUNT",
            "결제 취소 금액이 취소 가능 금액을 초과했습니다.",
        ),
        No::Partial | No::RefusedCancel => (StatusCode::BAD_GATEWAY, "PG_PROVIDER", "취소할 수 없는 거래입니다."),
        No::AccountMissing => (StatusCode::BAD_REQUEST, "INVALID_REQUEST", "환불 계좌가 필요합니다."),
    };
    error(status, kind, message)
}
