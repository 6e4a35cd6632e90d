# 오류 메시지. 대문자 키는 요청 전체에 대한 이유, 소문자 키는 필드 하나의 문제입니다.

## 요청의 형식
VALIDATION_ERROR = 입력한 내용을 확인해 주세요.
MALFORMED_REQUEST = 요청을 읽을 수 없습니다.
MALFORMED_JSON = JSON 형식이 올바르지 않습니다({ $line }번째 줄, { $column }번째 글자).
PAYLOAD_TOO_LARGE = 요청의 크기가 너무 큽니다.
MALFORMED_FORM = 제출한 양식을 읽을 수 없습니다.
FORM_EXPECTED = 파일이 포함된 양식(Content-Type: multipart/form-data)으로 보내 주세요.
UNSUPPORTED_MEDIA_TYPE = 본문은 JSON이어야 합니다(Content-Type: application/json).
WEBSOCKET_EXPECTED = Socket.IO 주소입니다. WebSocket으로만 연결할 수 있습니다(transports: ["websocket"]).
NOT_FOUND = 요청하신 내용을 찾을 수 없습니다.
METHOD_NOT_ALLOWED = 이 주소에서는 쓸 수 없는 요청 방식입니다.

## 본인 확인과 권한
UNAUTHENTICATED = 로그인이 필요합니다.
TOKEN_EXPIRED = 로그인 시간이 만료되었습니다. 토큰을 갱신해 주세요.
INVALID_CREDENTIALS = 이메일 주소 또는 비밀번호가 올바르지 않습니다.
CAPTCHA_REQUIRED = 자동 입력 방지 확인이 필요합니다.
PERMISSION_DENIED = 이 작업을 할 수 있는 권한이 없습니다.
CSRF_FAILED = 안전하지 않은 요청으로 판단되어 처리하지 않았습니다. 페이지를 새로고침해 주세요.
CONSENT_REQUIRED = 먼저 필요한 동의를 해 주세요.
EMAIL_NOT_VERIFIED = 먼저 이메일 주소를 인증해 주세요.
STEP_UP_REQUIRED = 안전을 위해 비밀번호로 다시 로그인한 뒤 5분 안에 시도해 주세요.

## 지금 상태와 맞지 않음
CONFLICT = 다른 변경과 겹쳤습니다. 최신 내용을 확인하고 다시 시도해 주세요.
INVALID_STATE = 지금 상태에서는 할 수 없는 작업입니다.
SLOT_TAKEN = 이미 예약된 시간입니다. 다른 시간을 선택해 주세요.
TIME_OVERLAPS = 이미 등록한 시간과 겹칩니다. 기존 시간을 삭제한 뒤 다시 등록해 주세요.
IDEMPOTENCY_CONFLICT = 같은 Idempotency-Key로 다른 내용이 이미 요청되었습니다.
VERSION_MISMATCH = 그사이 내용이 변경되었습니다. 최신 내용을 불러온 뒤 다시 시도해 주세요.
NOT_OWN_ACCOUNT = 자신의 계정에는 할 수 없습니다. 다른 관리자에게 요청해 주세요.
EMAIL_TAKEN = 이미 가입된 이메일 주소입니다.
ALREADY_VERIFIED = 이미 인증된 이메일 주소입니다.
ALREADY_REVIEWED = 이미 후기를 남긴 상담입니다. 남긴 후기를 수정할 수 있습니다.
ALREADY_GIVEN = 이미 의견을 남긴 상담입니다.
CODE_TAKEN = 이미 사용된 코드입니다.
SLUG_TAKEN = 이미 사용 중인 주소 이름입니다.
NO_COOKIE_SESSIONS = 이 서비스는 쿠키 로그인을 지원하지 않습니다.
NO_TURN_SERVERS = 온라인 상담을 위한 중계 서버가 없습니다.
LICENCE_REQUIRED = 유효한 면허 서류가 없습니다.
LIMIT_REACHED = 최대 { $max }개까지 등록할 수 있습니다.
ASSESSMENT_IN_PROGRESS = 이 아이는 진행 중인 발달 체크가 있습니다. 이어서 하거나 취소한 뒤 새로 시작해 주세요.
ASSESSMENT_EXPIRED = 발달 체크를 시작한 지 30일이 지났습니다. 새로 시작해 주세요.
CHILD_TOO_YOUNG = 발달 체크는 생후 { $min }개월부터 할 수 있습니다. 걱정되는 점이 있으면 소아청소년과 의사와 상의해 주세요.
CHILD_TOO_OLD = 발달 체크는 생후 { $max }개월까지 할 수 있습니다. 걱정되는 점이 있으면 전문가와 상의해 주세요.
THERAPIST_UNAVAILABLE = 지금은 이 치료사에게 해당 상담을 예약할 수 없습니다.
ALREADY_PENDING = 이미 요청하셨습니다. 답변을 기다리시거나 먼저 요청을 취소해 주세요.
TOO_MANY_TIMES = 시간이 정해지지 않은 회차는 { $max }회입니다.
CREDIT_NOT_KEPT = 이 회차는 다른 시간으로 남겨둘 수 없습니다.
TOO_EARLY = { $from }부터 할 수 있습니다.
TOO_LATE = 할 수 있는 기간이 지났습니다.

## 결제와 정산
IDEMPOTENCY_KEY_REQUIRED = Idempotency-Key 헤더가 필요합니다.
AMOUNT_MISMATCH = 결제할 금액과 다릅니다. 결제되지 않았습니다.
PAYMENT_DECLINED = 결제가 승인되지 않았고, 청구된 금액은 없습니다. 다른 결제 수단으로 다시 시도해 주세요.
PROVIDER_UNAVAILABLE = 결제 서비스가 응답하지 않습니다. 잠시 후 다시 시도해 주세요.
INVALID_SIGNATURE = 서명이 올바르지 않습니다.
TOO_MUCH = 환불할 수 있는 금액보다 많습니다.
NO_REFUND_ACCOUNT = 보호자가 환불받을 계좌를 등록하지 않았습니다.
PARENT_NAMES_ACCOUNT = 탈퇴하지 않은 보호자는 환불받을 계좌를 직접 등록해야 합니다.
PERIOD_NOT_OVER = 아직 끝나지 않은 달입니다.
NO_BANK_ACCOUNT = 치료사가 정산받을 계좌를 등록하지 않았습니다.

## 너무 많거나 지금은 안 됨
RATE_LIMITED = 요청이 너무 많습니다. 잠시 후 다시 시도해 주세요.
TOO_MANY_CONNECTIONS = 이미 너무 많은 기기나 창에서 연결되어 있습니다.
ACCOUNT_LOCKED = 로그인에 여러 번 실패하여 잠시 잠겼습니다. 나중에 다시 시도하거나 비밀번호를 재설정해 주세요.
TOO_MANY_SIGN_INS = 지금 로그인하려는 사람이 많습니다. 잠시 후 다시 시도해 주세요.
INTERNAL = 서버에 문제가 생겼습니다. 계속되면 요청 번호를 알려 주세요.
UNAVAILABLE = 지금은 서비스를 이용할 수 없습니다. 잠시 후 다시 시도해 주세요.
TIMEOUT = 처리하는 데 시간이 너무 오래 걸렸습니다. 다시 시도해 주세요.

## 필드 하나의 문제: 어디에나
invalid = 올바르지 않은 값입니다.
required = 꼭 입력해 주세요.
cannot_be_empty = 비워 둘 수 없습니다.
wrong_type = 값의 형식이 맞지 않습니다.
unknown_field = 알 수 없는 필드입니다.
duplicate_field = 같은 필드가 두 번 있습니다.
nothing_to_change = 변경할 내용이 없습니다.
one_of = 다음 중 하나여야 합니다: { $values }
duplicate = 같은 값이 두 번 있습니다.
too_short = { $min }자 이상 입력해 주세요.
too_long = { $max }자 이하로 입력해 주세요.
too_many = { $max }개까지 입력할 수 있습니다.
out_of_range = { $min } 이상 { $max } 이하로 입력해 주세요.
too_many_decimals = 소수점 아래 { $max }자리까지 입력할 수 있습니다.
control_characters = 사용할 수 없는 문자가 들어 있습니다.
not_a_uuid = UUID 형식이 아닙니다.
not_a_date = YYYY-MM-DD 형식의 날짜여야 합니다.
in_the_past = 이미 지난 날짜입니다.
in_the_future = 미래의 날짜는 입력할 수 없습니다.
too_long_ago = { $years }년보다 오래된 날짜는 입력할 수 없습니다.
file_too_large = 파일은 { $mebibytes }MiB 이하여야 합니다.
file_type_unsupported = PDF, JPEG, PNG 파일만 올릴 수 있습니다.
page_too_far = 목록은 { $max }번째 항목까지 볼 수 있습니다.
unknown_sort = 이 기준으로는 정렬할 수 없습니다.

## 필드 하나의 문제: 계정
not_an_email = 이메일 주소 형식이 아닙니다.
email_unchanged = 지금 쓰고 있는 이메일 주소입니다.
link_ended = 더 이상 사용할 수 없는 링크입니다. 새 링크를 요청해 주세요.
not_a_phone = 전화번호 형식이 아닙니다.
password_too_simple = 영문자, 숫자, 특수문자를 모두 넣어 주세요.
password_guessable = 이메일 주소나 서비스 이름이 들어간 비밀번호는 사용할 수 없습니다.
password_breached = 유출된 적이 있어 쉽게 뚫릴 수 있는 비밀번호입니다. 다른 비밀번호를 사용해 주세요.
password_unchanged = 지금 비밀번호와 다른 비밀번호를 입력해 주세요.
consent_missing = 꼭 필요한 동의가 빠졌습니다: { $kind }
guardian_needs_proof = 보호자 동의에는 본인 확인이 필요합니다.

## 필드 하나의 문제: 아이와 성장
needs_weeks = 임신 주수도 함께 입력해 주세요.
before_birth = 태어나기 전의 날짜입니다.
one_of_height_weight_head = 키, 몸무게, 머리둘레 중 하나는 입력해 주세요.
only_with_height = 키를 입력할 때만 쓸 수 있습니다.
implausible = 잘못 입력한 값일 수 있습니다. 다시 확인하고, 맞다면 confirmed를 true로 보내 주세요.

## 필드 하나의 문제: 발달 체크와 질문
unanswered = 아직 답하지 않은 질문입니다({ $code }).
not_in_this_check = 이 발달 체크에 없는 질문입니다.
not_an_answer = 이 질문에서 고를 수 없는 답입니다.
only_cancelled = cancelled로만 바꿀 수 있습니다.
not_a_code = 영문 대문자, 숫자, -로 이루어진 3~40자여야 합니다.
not_an_option_code = 보기의 코드로 쓸 수 없습니다.
before_start = 시작 개월 수보다 작을 수 없습니다.
any_only_for_red_flags = any는 위험 신호 질문에만 쓸 수 있습니다.
red_flags_are_yes_no = 위험 신호 질문의 답은 예/아니요여야 합니다.
not_for_red_flags = 위험 신호 질문에는 쓸 수 없는 값입니다.
exactly_for_red_flags = 위험 신호 질문에는 꼭 필요하고, 다른 질문에는 쓸 수 없습니다.
exactly_for_multiple_choice = 객관식 질문에는 보기가 { $min }~{ $max }개 있어야 하고, 다른 질문에는 보기를 쓸 수 없습니다.

## 필드 하나의 문제: 영상과 분류
not_a_slug = 영문 소문자, 숫자, -로 이루어진 2~60자여야 합니다.
unknown_category = 없는 분류입니다.
not_https = https://로 시작하는 주소여야 합니다.
not_of_the_platform = 선택한 플랫폼의 주소가 아닙니다.
no_video_id = 주소에서 영상을 찾을 수 없습니다.
platform_closed = 종료된 플랫폼이라 새로 등록할 수 없습니다.

## 한 항목: 요청과 상담
must_be_true = 동의가 필요합니다.
not_a_package_size = 패키지는 1, 4, 8, 12회 중에서 선택할 수 있습니다.
only_for_home_visits = 방문 상담에만 해당합니다.
only_with_approval = 승인할 때만 입력할 수 있습니다.
not_with_weekly = 개별 시간과 매주 반복 중 하나만 입력해 주세요.
not_preferred = 요청된 시간이 아닙니다.
time_past = 이미 지난 시간입니다.
time = { $time }

## 필드 하나의 문제: 일정
not_a_time = 09:30처럼 00:00부터 24:00까지의 시각이어야 합니다.
not_after_begin = 끝나는 시각은 시작 시각보다 늦어야 합니다.
overlapping_hours = 같은 요일의 다른 시간과 겹칩니다.
too_far_ahead = { $years }년보다 먼 날짜는 입력할 수 없습니다.
before_from = 마지막 날은 첫날보다 빠를 수 없습니다.
too_many_days = 최대 { $max }일까지 조회할 수 있습니다.

## 필드 하나의 문제: 치료사
unknown_region = 해당 코드의 지역이 없습니다.

## 필드 하나의 문제: 결제와 정산
not_a_bank_code = 은행 코드는 숫자 3자리입니다.
not_an_account_number = 계좌번호는 하이픈 없이 숫자 6~20자리로 입력해 주세요.
not_a_business_number = 사업자등록번호는 숫자 10자리입니다.
only_for_businesses = 사업자만 입력할 수 있습니다.
not_a_month = 2026-01처럼 연도와 월이어야 합니다.
not_allowed_address = 결제 후 돌아올 수 없는 주소입니다.
unknown_provider = 사용할 수 없는 결제 수단입니다.

## 필드 하나의 문제: 알림
unknown_notification_type = 이 계정에는 없는 알림 종류입니다.
not_by_this_way = 이 알림은 이 방법으로 받을 수 없습니다.
always_on = 안전을 위해 또는 법에 따라 항상 보내는 알림이라 끌 수 없습니다.
only_for_web_push = 웹 푸시에만 쓸 수 있습니다.

## 수신 거부 페이지
unsubscribe_ask = 이런 알림을 메일로 받지 않으시겠어요? 앱에서는 계속 볼 수 있습니다.
unsubscribe_button = 메일로 받지 않기
unsubscribe_done = 이제 이런 알림은 메일로 보내지 않습니다. 앱의 알림 설정에서 다시 켤 수 있습니다.
