# Error messages. Upper-case keys are reasons for a whole request, lower-case keys what is wrong with one field.

## The form of a request
VALIDATION_ERROR = Please check what you entered.
MALFORMED_REQUEST = The request cannot be read.
MALFORMED_JSON = The body is not valid JSON (line { $line }, column { $column }).
PAYLOAD_TOO_LARGE = The request is too large.
MALFORMED_FORM = The form cannot be read.
FORM_EXPECTED = The body has to be a form with a file (Content-Type: multipart/form-data).
UNSUPPORTED_MEDIA_TYPE = The body has to be JSON (Content-Type: application/json).
WEBSOCKET_EXPECTED = This is the address of Socket.IO, by WebSocket alone (transports: ["websocket"]).
NOT_FOUND = There is no such thing here.
METHOD_NOT_ALLOWED = This address does not take such a request.

## Who you are and what you may do
UNAUTHENTICATED = Please sign in.
TOKEN_EXPIRED = Your access has expired. Please refresh the token.
INVALID_CREDENTIALS = The e-mail address or the password is wrong.
CAPTCHA_REQUIRED = Please show that you are no robot.
PERMISSION_DENIED = You may not do this.
CSRF_FAILED = The request did not look safe and was not carried out. Please reload the page.
CONSENT_REQUIRED = Please give the consent that is needed first.
EMAIL_NOT_VERIFIED = Please confirm your e-mail address first.
STEP_UP_REQUIRED = For your safety, sign in with your password again and repeat this within five minutes.

## It does not fit what is there
CONFLICT = It clashed with another change. Please look at what is there now and try again.
INVALID_STATE = This cannot be done in the present state.
SLOT_TAKEN = This time is taken. Please choose another one.
TIME_OVERLAPS = It overlaps with a time that you have entered already. Delete that one first.
IDEMPOTENCY_CONFLICT = The same Idempotency-Key was already used for something else.
VERSION_MISMATCH = It was changed meanwhile. Please load it again and repeat your change.
NOT_OWN_ACCOUNT = This cannot be done to your own account. Please ask another administrator.
EMAIL_TAKEN = There is already an account with this e-mail address.
ALREADY_VERIFIED = Your e-mail address is confirmed already.
ALREADY_REVIEWED = You have reviewed this session already. You can change your review.
ALREADY_GIVEN = You have left your feedback on this session already.
CODE_TAKEN = This code has been used already.
SLUG_TAKEN = This name is already used in an address.
NO_COOKIE_SESSIONS = This service does not keep sessions in cookies.
NO_TURN_SERVERS = There are no relays for online sessions.
LICENCE_REQUIRED = A licence document that is still valid is missing.
LIMIT_REACHED = You can have { $max } at most.
ASSESSMENT_IN_PROGRESS = This child has a check in progress. Resume it, or cancel it to start another one.
ASSESSMENT_EXPIRED = This check was started more than 30 days ago. Please start a new one.
CHILD_TOO_YOUNG = Checks are offered from { $min } months of age. If you are worried, please talk to your paediatrician.
CHILD_TOO_OLD = Checks are offered up to { $max } months of age. If you are worried, please talk to a professional.

THERAPIST_UNAVAILABLE = This therapist cannot be booked for this at present.
ALREADY_PENDING = You have asked for this already. Please wait for the answer, or take it back first.
TOO_MANY_TIMES = There are { $max } sessions without a time.
CREDIT_NOT_KEPT = The session cannot be kept for another time.
TOO_EARLY = This can be done from { $from } on.
TOO_LATE = The time for this is over.

## Money
IDEMPOTENCY_KEY_REQUIRED = The header Idempotency-Key is missing.
AMOUNT_MISMATCH = The amount is not what is to be paid. Nothing was charged.
PAYMENT_DECLINED = The payment was declined, and nothing was charged. Please try another way to pay.
PROVIDER_UNAVAILABLE = The payment service does not answer. Please try again in a moment.
INVALID_SIGNATURE = The signature is wrong.
TOO_MUCH = This is more than what can be paid back.
NO_REFUND_ACCOUNT = The parent has not named a bank account for this refund.
PARENT_NAMES_ACCOUNT = Only the parent, whose account is still there, can name the bank account.
PERIOD_NOT_OVER = This month is not over.
NO_BANK_ACCOUNT = The therapist has not set a bank account.

## Too much, or not now
RATE_LIMITED = Too many requests. Please wait a moment and try again.
TOO_MANY_CONNECTIONS = You are connected too often already.
ACCOUNT_LOCKED = Too many failed attempts. Please try again later or reset your password.
TOO_MANY_SIGN_INS = Many people are signing in right now. Please try again in a moment.
INTERNAL = Something went wrong on our side. If it happens again, please tell us the request id.
UNAVAILABLE = This is not available right now. Please try again in a moment.
TIMEOUT = This took too long. Please try again.

## One field: anywhere
invalid = This value is not valid.
required = Please fill this in.
cannot_be_empty = This cannot be empty.
wrong_type = This value has the wrong type.
unknown_field = There is no such field.
duplicate_field = This field is there twice.
nothing_to_change = There is nothing to change.
one_of = This has to be one of: { $values }
duplicate = The same value is there twice.
too_short = Use at least { $min } characters.
too_long = Use at most { $max } characters.
too_many = Give { $max } at most.
out_of_range = Use a value from { $min } to { $max }.
too_many_decimals = Use at most { $max } decimals.
control_characters = It contains characters that cannot be used.
not_a_uuid = This is not a UUID.
not_a_date = This has to be a date such as 2026-01-31.
in_the_past = This day has passed.
in_the_future = This day is in the future.
too_long_ago = This day is more than { $years } years ago.
file_too_large = The file may be { $mebibytes } MiB at most.
file_type_unsupported = The file has to be a PDF, a JPEG or a PNG.
page_too_far = A list can be seen up to its item { $max }.
unknown_sort = The list cannot be sorted by this.

## One field: accounts
not_an_email = This is not an e-mail address.
email_unchanged = This is your present address.
link_ended = This link is no longer good. Please have a new one sent.
not_a_phone = This is not a telephone number.
password_too_simple = Use a letter, a digit and another sign.
password_guessable = Leave out your e-mail address and the name of this service.
password_breached = This password is known from leaks and is tried first by attackers. Please choose another one.
password_unchanged = Use a password other than the present one.
consent_missing = A consent that is needed is missing: { $kind }
guardian_needs_proof = A guardian's consent needs proof of identity.

## One field: children and growth
needs_weeks = Please give the weeks of pregnancy too.
before_birth = This day is before the birth.
one_of_height_weight_head = Please give height, weight or head circumference.
only_with_height = This can be given only together with the height.
implausible = This may be an error of entry. Please look again and, if it is right, send it with confirmed set to true.

## One field: checks and questions
unanswered = This question has no answer yet ({ $code }).
not_in_this_check = This question is not part of the check.
not_an_answer = This question does not take that answer.
only_cancelled = This can be set to cancelled only.
not_a_code = Use 3 to 40 upper-case letters, digits and -.
not_an_option_code = This cannot be the code of an option.
before_start = This cannot be before the first month.
any_only_for_red_flags = Only red flags can have the area any.
red_flags_are_yes_no = Red flags are answered yes or no.
not_for_red_flags = Red flags cannot have this value.
exactly_for_red_flags = Red flags need this, and nothing else may have it.
exactly_for_multiple_choice = Multiple-choice questions have { $min } to { $max } options, other questions none.

## One field: videos and categories
not_a_slug = Use 2 to 60 lower-case letters, digits and -.
unknown_category = There is no such category.
not_https = The address has to begin with https://.
not_of_the_platform = This is no address of the chosen platform.
no_video_id = The address does not name a video.
platform_closed = This platform has closed; new videos cannot be on it.

## One field: requests and sessions
must_be_true = Please agree to this.
not_a_package_size = A package has 1, 4, 8 or 12 sessions.
only_for_home_visits = This is for home visits alone.
only_with_approval = This can be given only when you approve.
not_with_weekly = Give single times or a weekly series, not both.
not_preferred = This is none of the times that were asked for.
time_past = This time is over.
time = { $time }

## One field: calendars
not_a_time = This has to be a time from 00:00 to 24:00, such as 09:30.
not_after_begin = The end has to be later than the begin.
overlapping_hours = These hours overlap with others of the same day.
too_far_ahead = This day is more than { $years } years ahead.
before_from = The last day cannot be before the first.
too_many_days = Ask for { $max } days at most.

## One field: therapists
unknown_region = There is no region with this code.

## One field: money
not_a_bank_code = The code of a bank has three digits.
not_an_account_number = Use 6 to 20 digits, without hyphens.
not_a_business_number = A registration number has ten digits.
only_for_businesses = This is for businesses alone.
not_a_month = This has to be a month such as 2026-01.
not_allowed_address = The checkout cannot return to this address.
unknown_provider = This way to pay is not offered.

## One field: notifications
unknown_notification_type = This account has no notifications of this type.
not_by_this_way = These notifications do not come this way.
always_on = These are always sent, for your safety or by law, and cannot be turned off.
only_for_web_push = Only Web Push takes this.

## The page of links that turn mails off
unsubscribe_ask = Do you want no more mails of this kind? You still see them in the app.
unsubscribe_button = No more mails
unsubscribe_done = There will be no more mails of this kind. You can turn them on again in the settings of the app.
