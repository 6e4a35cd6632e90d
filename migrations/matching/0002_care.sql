-- Requests, packages, sessions, the calendar, reports, reviews.

CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE price_policies (
    id                uuid PRIMARY KEY,
    valid_from        timestamptz NOT NULL,
    valid_to          timestamptz,
    discount_bp_1     smallint NOT NULL CHECK (discount_bp_1 BETWEEN 0 AND 10000),
    discount_bp_4     smallint NOT NULL CHECK (discount_bp_4 BETWEEN 0 AND 10000),
    discount_bp_8     smallint NOT NULL CHECK (discount_bp_8 BETWEEN 0 AND 10000),
    discount_bp_12    smallint NOT NULL CHECK (discount_bp_12 BETWEEN 0 AND 10000),
    platform_fee_bp   smallint NOT NULL CHECK (platform_fee_bp BETWEEN 0 AND 10000),
    hold_minutes      integer NOT NULL CHECK (hold_minutes > 0),
    EXCLUDE USING gist (tstzrange(valid_from, valid_to) WITH &&)
);

COMMENT ON TABLE price_policies IS 'Prices of packages, by the time of the therapist''s approval. Rates in basis points. Rows are never changed but to end them.';

CREATE TABLE refund_policies (
    id                uuid PRIMARY KEY,
    valid_from        timestamptz NOT NULL,
    valid_to          timestamptz,
    full_until_hours  smallint NOT NULL CHECK (full_until_hours >= 0),
    late_refund_bp    smallint NOT NULL CHECK (late_refund_bp BETWEEN 0 AND 10000),
    end_penalty_bp    smallint NOT NULL CHECK (end_penalty_bp BETWEEN 0 AND 1000),
    text_ko           text NOT NULL,
    text_en           text NOT NULL,
    EXCLUDE USING gist (tstzrange(valid_from, valid_to) WITH &&)
);

COMMENT ON TABLE refund_policies IS 'What cancellations pay back; the one in force at the approval stays with the order.';

INSERT INTO price_policies
VALUES ('01900000-0000-7000-8000-000000000001', '2024-01-01 00:00+09', NULL, 0, 1000, 1500, 2000, 1500, 1440);
INSERT INTO refund_policies
VALUES ('01900000-0000-7000-8000-000000000002', '2024-01-01 00:00+09', NULL, 24, 5000, 0,
        '상담 시작 24시간 전까지 취소하면 전액, 그 이후에는 절반을 돌려드립니다. 연락 없이 오지 않으면 환불되지 않습니다. 치료사 또는 플랫폼의 사정으로 취소되면 언제든 전액을 돌려드립니다. 패키지를 중도에 해지하면 사용하지 않은 회차는 실제 결제한 가격으로 돌려드립니다.',
        'Cancelled 24 hours before the session or earlier, the full price is paid back; later, half of it. A session missed without notice is not paid back. When the therapist or the platform cancels, the full price is paid back at any time. When a package is ended early, its unused sessions are paid back at the price really paid.');

CREATE TABLE matching_requests (
    id               uuid PRIMARY KEY,
    parent_user_id   uuid NOT NULL,
    child_id         uuid NOT NULL,
    therapist_id     uuid NOT NULL REFERENCES therapist_profiles (id),
    kind             text NOT NULL CHECK (kind IN ('online', 'in_person', 'home_visit')),
    total_sessions   smallint NOT NULL CHECK (total_sessions IN (1, 4, 8, 12)),
    discounted_price bigint NOT NULL CHECK (discounted_price >= 0),
    preferred_dates  timestamptz[] NOT NULL CHECK (cardinality(preferred_dates) <= 3),
    notes            bytea,
    visit_address    bytea,
    shared_at        timestamptz NOT NULL DEFAULT now(),
    status           text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'approved', 'rejected', 'cancelled', 'expired')),
    response_reason  text,
    responded_at     timestamptz,
    expires_at       timestamptz NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    version          bigint NOT NULL DEFAULT 1,
    CHECK ((kind = 'home_visit') = (visit_address IS NOT NULL) OR status <> 'pending')
);

COMMENT ON COLUMN matching_requests.notes IS 'Encrypted.';
COMMENT ON COLUMN matching_requests.visit_address IS 'Encrypted; copied to the sessions.';
COMMENT ON COLUMN matching_requests.shared_at IS 'When the parent agreed to share the child with the therapist.';

CREATE UNIQUE INDEX matching_requests_one_pending ON matching_requests (parent_user_id, child_id, therapist_id)
    WHERE status = 'pending';
CREATE INDEX matching_requests_parent ON matching_requests (parent_user_id, created_at DESC);
CREATE INDEX matching_requests_therapist ON matching_requests (therapist_id, created_at DESC);
CREATE INDEX matching_requests_expiring ON matching_requests (expires_at) WHERE status = 'pending';
CREATE INDEX matching_requests_child ON matching_requests (child_id);

CREATE TABLE consultation_packages (
    id                 uuid PRIMARY KEY,
    request_id         uuid NOT NULL UNIQUE REFERENCES matching_requests (id),
    parent_user_id     uuid NOT NULL,
    child_id           uuid NOT NULL,
    therapist_id       uuid NOT NULL REFERENCES therapist_profiles (id),
    kind               text NOT NULL CHECK (kind IN ('online', 'in_person', 'home_visit')),
    session_minutes    smallint NOT NULL,
    total_sessions     smallint NOT NULL CHECK (total_sessions IN (1, 4, 8, 12)),
    used_sessions      smallint NOT NULL DEFAULT 0 CHECK (used_sessions >= 0),
    refunded_sessions  smallint NOT NULL DEFAULT 0 CHECK (refunded_sessions >= 0),
    remaining_sessions smallint NOT NULL CHECK (remaining_sessions >= 0),
    discount_rate_bp   smallint NOT NULL,
    original_price     bigint NOT NULL CHECK (original_price >= 0),
    discounted_price   bigint NOT NULL CHECK (discounted_price BETWEEN 0 AND original_price),
    price_policy_id    uuid NOT NULL REFERENCES price_policies (id),
    refund_policy_id   uuid NOT NULL REFERENCES refund_policies (id),
    status             text NOT NULL DEFAULT 'pending_payment'
        CHECK (status IN ('pending_payment', 'active', 'completed', 'cancelled', 'expired')),
    hold_expires_at    timestamptz,
    payment_id         uuid UNIQUE,
    ended_at           timestamptz,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    version            bigint NOT NULL DEFAULT 1,
    CHECK (used_sessions + refunded_sessions + remaining_sessions = total_sessions),
    CHECK ((status = 'pending_payment') = (hold_expires_at IS NOT NULL))
);

CREATE INDEX consultation_packages_parent ON consultation_packages (parent_user_id, created_at DESC);
CREATE INDEX consultation_packages_therapist ON consultation_packages (therapist_id, created_at DESC);
CREATE INDEX consultation_packages_unpaid ON consultation_packages (hold_expires_at) WHERE status = 'pending_payment';
CREATE INDEX consultation_packages_child ON consultation_packages (child_id);

CREATE TABLE consultations (
    id                  uuid PRIMARY KEY,
    package_id          uuid NOT NULL REFERENCES consultation_packages (id),
    session_number      smallint NOT NULL CHECK (session_number BETWEEN 1 AND 12),
    therapist_id        uuid NOT NULL REFERENCES therapist_profiles (id),
    parent_user_id      uuid NOT NULL,
    child_id            uuid NOT NULL,
    kind                text NOT NULL CHECK (kind IN ('online', 'in_person', 'home_visit')),
    scheduled_at        timestamptz,
    ends_at             timestamptz,
    visit_address       bytea,
    session_fee         bigint NOT NULL CHECK (session_fee >= 0),
    platform_fee        bigint NOT NULL CHECK (platform_fee BETWEEN 0 AND session_fee),
    status              text NOT NULL DEFAULT 'pending_payment' CHECK (status IN
        ('pending_payment', 'unscheduled', 'scheduled', 'in_progress', 'completed', 'cancelled', 'no_show')),
    cancellation_reason text,
    cancelled_by        text CHECK (cancelled_by IN ('parent', 'therapist', 'platform')),
    cancelled_at        timestamptz,
    refund_policy       text CHECK (refund_policy IN ('full', 'partial', 'none', 'package_end')),
    refund_amount       bigint CHECK (refund_amount BETWEEN 0 AND session_fee),
    notes               bytea,
    started_at          timestamptz,
    completed_at        timestamptz,
    report_submitted_at timestamptz,
    disputed_at         timestamptz,
    dispute_reason      bytea,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),
    version             bigint NOT NULL DEFAULT 1,
    UNIQUE (package_id, session_number),
    CHECK ((scheduled_at IS NULL) = (ends_at IS NULL) AND scheduled_at < ends_at),
    CHECK (status NOT IN ('scheduled', 'in_progress', 'completed', 'no_show') OR scheduled_at IS NOT NULL),
    CHECK (status <> 'unscheduled' OR scheduled_at IS NULL),
    CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL AND cancelled_by IS NOT NULL AND refund_amount IS NOT NULL
        AND refund_policy IS NOT NULL))
);

COMMENT ON COLUMN consultations.visit_address IS 'Encrypted; of home visits.';
COMMENT ON COLUMN consultations.notes IS 'Encrypted; the therapist''s own.';
COMMENT ON COLUMN consultations.dispute_reason IS 'Encrypted; for the administrator.';

CREATE INDEX consultations_therapist ON consultations (therapist_id, status, scheduled_at);
CREATE INDEX consultations_parent ON consultations (parent_user_id, status, scheduled_at);
CREATE INDEX consultations_child ON consultations (child_id, scheduled_at);

CREATE TABLE calendar_entries (
    id              uuid PRIMARY KEY,
    therapist_id    uuid NOT NULL REFERENCES therapist_profiles (id) ON DELETE CASCADE,
    child_id        uuid,
    occupied        tstzrange NOT NULL CHECK (NOT isempty(occupied)),
    session         tstzrange,
    kind            text NOT NULL CHECK (kind IN ('hold', 'session', 'time_off')),
    consultation_id uuid UNIQUE REFERENCES consultations (id),
    blocked_date_id uuid UNIQUE REFERENCES therapist_blocked_dates (id) ON DELETE CASCADE,
    hold_until      timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT calendar_entries_therapist EXCLUDE USING gist (therapist_id WITH =, occupied WITH &&),
    CONSTRAINT calendar_entries_child EXCLUDE USING gist (child_id WITH =, session WITH &&),
    CHECK ((kind = 'hold') = (hold_until IS NOT NULL)),
    CHECK ((kind = 'time_off') = (blocked_date_id IS NOT NULL)),
    CHECK ((kind = 'time_off') = (consultation_id IS NULL)),
    CHECK ((kind = 'time_off') = (child_id IS NULL) AND (kind = 'time_off') = (session IS NULL)),
    CHECK (session <@ occupied)
);

COMMENT ON TABLE calendar_entries IS 'What takes a therapist''s or a child''s time; every row is live. Written under the advisory locks of therapist, then child.';
COMMENT ON COLUMN calendar_entries.occupied IS 'The session with the therapist''s buffer and, for home visits, the way.';

CREATE INDEX calendar_entries_holds ON calendar_entries (hold_until) WHERE kind = 'hold';

CREATE TABLE schedule_change_requests (
    id                uuid PRIMARY KEY,
    consultation_id   uuid NOT NULL REFERENCES consultations (id),
    requester_user_id uuid NOT NULL,
    original_start    timestamptz NOT NULL,
    change_reason     text NOT NULL,
    preferred_dates   timestamptz[] NOT NULL CHECK (cardinality(preferred_dates) BETWEEN 1 AND 3),
    status            text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'approved', 'rejected', 'cancelled')),
    response_reason   text,
    new_start         timestamptz,
    responded_at      timestamptz,
    created_at        timestamptz NOT NULL DEFAULT now(),
    CHECK ((status = 'approved') = (new_start IS NOT NULL)),
    CHECK ((status = 'pending') = (responded_at IS NULL))
);

CREATE UNIQUE INDEX schedule_change_requests_one_pending ON schedule_change_requests (consultation_id) WHERE status = 'pending';
CREATE INDEX schedule_change_requests_consultation ON schedule_change_requests (consultation_id, created_at DESC);

CREATE TABLE consultation_reports (
    id                       uuid PRIMARY KEY,
    consultation_id          uuid NOT NULL UNIQUE REFERENCES consultations (id),
    therapist_id             uuid NOT NULL,
    child_assessment         bytea NOT NULL,
    session_content          bytea NOT NULL,
    home_activities          bytea NOT NULL,
    next_session_goal        bytea,
    next_session_suggestions bytea,
    recommended_video_ids    uuid[] NOT NULL,
    status                   text NOT NULL CHECK (status IN ('draft', 'submitted')),
    submitted_at             timestamptz,
    amended_at               timestamptz,
    created_at               timestamptz NOT NULL DEFAULT now(),
    updated_at               timestamptz NOT NULL DEFAULT now(),
    version                  bigint NOT NULL DEFAULT 1,
    CHECK ((status = 'submitted') = (submitted_at IS NOT NULL))
);

COMMENT ON TABLE consultation_reports IS 'The texts are encrypted for the row''s id.';

CREATE TABLE consultation_report_versions (
    report_id                uuid NOT NULL REFERENCES consultation_reports (id) ON DELETE CASCADE,
    version                  bigint NOT NULL,
    child_assessment         bytea NOT NULL,
    session_content          bytea NOT NULL,
    home_activities          bytea NOT NULL,
    next_session_goal        bytea,
    next_session_suggestions bytea,
    recommended_video_ids    uuid[] NOT NULL,
    replaced_at              timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (report_id, version)
);

COMMENT ON TABLE consultation_report_versions IS 'What stood in a report that was handed in before it was amended, as encrypted there.';

CREATE TABLE consultation_feedbacks (
    id              uuid PRIMARY KEY,
    consultation_id uuid NOT NULL REFERENCES consultations (id),
    feedback_by     text NOT NULL CHECK (feedback_by IN ('therapist', 'parent')),
    content         bytea NOT NULL,
    recommendations bytea,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT consultation_feedbacks_once UNIQUE (consultation_id, feedback_by)
);

COMMENT ON TABLE consultation_feedbacks IS 'The texts are encrypted.';

CREATE TABLE consultation_reviews (
    id               uuid PRIMARY KEY,
    consultation_id  uuid NOT NULL CONSTRAINT consultation_reviews_once UNIQUE REFERENCES consultations (id),
    therapist_id     uuid NOT NULL REFERENCES therapist_profiles (id),
    reviewer_user_id uuid,
    rating           smallint NOT NULL CHECK (rating BETWEEN 1 AND 5),
    review_text      text,
    reply_text       text,
    replied_at       timestamptz,
    hidden_at        timestamptz,
    decision_reason  text,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    version          bigint NOT NULL DEFAULT 1
);

COMMENT ON COLUMN consultation_reviews.reviewer_user_id IS 'Null once the account is erased.';

COMMENT ON COLUMN consultation_reviews.decision_reason IS 'Why an administrator last hid it or showed it again.';

CREATE INDEX consultation_reviews_therapist ON consultation_reviews (therapist_id, created_at DESC) WHERE hidden_at IS NULL;
CREATE INDEX consultation_reviews_reviewer ON consultation_reviews (reviewer_user_id);

CREATE TABLE idempotency_keys (
    caller_id    uuid NOT NULL,
    rpc          text NOT NULL,
    key          text NOT NULL,
    request_hash bytea NOT NULL,
    answer       bytea,
    expires_at   timestamptz NOT NULL,
    PRIMARY KEY (caller_id, rpc, key)
);

COMMENT ON COLUMN idempotency_keys.answer IS 'The first answer, encrypted; null only while its transaction runs.';

CREATE INDEX idempotency_keys_expired ON idempotency_keys (expires_at);

CREATE TABLE erased_children (
    child_id  uuid PRIMARY KEY,
    erased_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE erased_children IS 'Ids alone: what was begun in the moment of an erasure must not outlive it.';

GRANT SELECT ON price_policies, refund_policies TO aipoten_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON matching_requests, consultation_packages, consultations, calendar_entries,
    schedule_change_requests, consultation_reports, consultation_feedbacks, consultation_reviews, idempotency_keys TO aipoten_app;
GRANT SELECT, INSERT, DELETE ON consultation_report_versions TO aipoten_app;
GRANT SELECT, INSERT ON erased_children TO aipoten_app;
