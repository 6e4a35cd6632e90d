//! What it says when something is wrong.

use axum::http::StatusCode;
use serde_json::json;

use crate::call::{Reply, Trouble};
use crate::charge::No;

fn error(status: StatusCode, code: &str, message: &str) -> Reply {
    Reply { status, body: json!({ "code": code, "message": message }) }
}

pub(crate) fn trouble(trouble: Trouble) -> Reply {
    let (status, code, message) = match trouble {
        Trouble::Unauthorized => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED_KEY", "인증되지 않은 시크릿 키입니다."),
        Trouble::Malformed => (StatusCode::BAD_REQUEST, "INVALID_REQUEST", "잘못된 요청입니다."),
        Trouble::Down => (StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", "점검 중입니다."),
        Trouble::Internal => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "FAILED_INTERNAL_SYSTEM_PROCESSING",
            "내부 시스템 처리 작업이 실패했습니다.",
        ),
        Trouble::InFlight => (StatusCode::CONFLICT, "IDEMPOTENT_REQUEST_PROCESSING", "이전 멱등 요청이 처리 중입니다."),
        Trouble::Bank => (StatusCode::BAD_REQUEST, "PROVIDER_ERROR", "일시적인 오류가 발생했습니다."),
    };
    error(status, code, message)
}

pub(super) fn refusal(no: No) -> Reply {
    let (status, code, message) = match no {
        No::Unknown => (StatusCode::NOT_FOUND, "NOT_FOUND_PAYMENT", "존재하지 않는 결제 정보입니다."),
        No::Already => (StatusCode::BAD_REQUEST, "ALREADY_PROCESSED_PAYMENT", "이미 처리된 결제입니다."),
        No::NotAuthorised => {
            (StatusCode::NOT_FOUND, "NOT_FOUND_PAYMENT_SESSION", "결제 시간이 만료되어 데이터가 없습니다.")
        }
        No::Amount | No::TooMuch => (StatusCode::BAD_REQUEST, "INVALID_REQUEST", "잘못된 요청입니다."),
        No::Declined => {
            (StatusCode::FORBIDDEN, "REJECT_CARD_PAYMENT", "한도초과 또는 잔액부족으로 결제에 실패했습니다.")
        }
        No::NotCharged | No::RefusedCancel => {
            (StatusCode::FORBIDDEN, "NOT_CANCELABLE_PAYMENT", "취소할 수 없는 결제입니다.")
        }
        No::AlreadyCancelled => (StatusCode::BAD_REQUEST, "ALREADY_CANCELED_PAYMENT", "이미 취소된 결제입니다."),
        No::Balance => (StatusCode::BAD_REQUEST, "NOT_MATCHES_REFUNDABLE_AMOUNT", "잔액 결과가 일치하지 않습니다."),
        No::Partial => (StatusCode::FORBIDDEN, "NOT_ALLOWED_PARTIAL_REFUND", "부분 환불이 불가능한 결제입니다."),
        No::AccountMissing => {
            (StatusCode::BAD_REQUEST, "INVALID_REFUND_ACCOUNT_INFO", "환불 계좌번호와 예금주명이 일치하지 않습니다.")
        }
    };
    error(status, code, message)
}
