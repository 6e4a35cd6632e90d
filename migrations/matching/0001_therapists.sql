-- Therapists: profiles, licence documents, working hours. A therapist's id is that of the account.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE therapist_profiles (
    id                  uuid PRIMARY KEY,
    display_name        text NOT NULL CHECK (length(display_name) BETWEEN 1 AND 40),
    specialties         text[] NOT NULL CHECK (cardinality(specialties) > 0
        AND specialties <@ ARRAY ['speech', 'occupational', 'physical', 'psychological', 'play', 'sensory']),
    years_of_experience smallint NOT NULL CHECK (years_of_experience BETWEEN 0 AND 60),
    certifications      text[] NOT NULL,
    bio                 text NOT NULL,
    consultation_fee    bigint NOT NULL CHECK (consultation_fee > 0),
    session_minutes     smallint NOT NULL CHECK (session_minutes BETWEEN 20 AND 180),
    buffer_minutes      smallint NOT NULL CHECK (buffer_minutes BETWEEN 0 AND 120),
    travel_minutes      smallint NOT NULL CHECK (travel_minutes BETWEEN 0 AND 180),
    min_notice_hours    smallint NOT NULL CHECK (min_notice_hours BETWEEN 0 AND 336),
    horizon_days        smallint NOT NULL CHECK (horizon_days BETWEEN 1 AND 365),
    daily_limit         smallint NOT NULL CHECK (daily_limit BETWEEN 1 AND 24),
    consultation_kinds  text[] NOT NULL CHECK (cardinality(consultation_kinds) > 0
        AND consultation_kinds <@ ARRAY ['online', 'in_person', 'home_visit']),
    region_codes        text[] NOT NULL,
    works_on_holidays   boolean NOT NULL DEFAULT false,
    hours_version       bigint NOT NULL DEFAULT 1,
    approval_status     text NOT NULL DEFAULT 'pending'
        CHECK (approval_status IN ('pending', 'approved', 'rejected', 'suspended')),
    applied_at          timestamptz NOT NULL DEFAULT now(),
    decided_at          timestamptz,
    decision_reason     text,
    licence_valid_until date,
    rating_sum          bigint NOT NULL DEFAULT 0 CHECK (rating_sum BETWEEN review_count AND review_count * 5),
    review_count        integer NOT NULL DEFAULT 0 CHECK (review_count >= 0),
    total_consultations integer NOT NULL DEFAULT 0 CHECK (total_consultations >= 0),
    search_text         text NOT NULL,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),
    version             bigint NOT NULL DEFAULT 1,
    CHECK (region_codes <> '{}' OR consultation_kinds = ARRAY ['online'])
);

COMMENT ON COLUMN therapist_profiles.licence_valid_until IS
    'Last day of the longest looked-at licence; infinity when it does not expire; null without one: then not listed.';
COMMENT ON COLUMN therapist_profiles.search_text IS 'What is searched in, Hangul written as keystrokes.';

CREATE INDEX therapist_profiles_search ON therapist_profiles USING gin (search_text gin_trgm_ops);
CREATE INDEX therapist_profiles_pending ON therapist_profiles (applied_at) WHERE approval_status = 'pending';

CREATE TABLE therapist_documents (
    id           uuid PRIMARY KEY,
    therapist_id uuid NOT NULL REFERENCES therapist_profiles (id) ON DELETE CASCADE,
    kind         text NOT NULL CHECK (kind IN ('licence', 'certificate')),
    number       text NOT NULL,
    issuer       text NOT NULL,
    expires_on   date,
    media_type   text NOT NULL CHECK (media_type IN ('application/pdf', 'image/jpeg', 'image/png')),
    size         bigint NOT NULL CHECK (size BETWEEN 1 AND 10485760),
    path         text NOT NULL UNIQUE,
    checked_by   uuid,
    checked_at   timestamptz,
    warned_at    timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now()
);

COMMENT ON COLUMN therapist_documents.path IS 'Where the file lies in the object store.';
COMMENT ON COLUMN therapist_documents.warned_at IS 'When the therapist was told that it expires.';

CREATE INDEX therapist_documents_owner ON therapist_documents (therapist_id, created_at);
CREATE INDEX therapist_documents_expiring ON therapist_documents (expires_on) WHERE warned_at IS NULL AND expires_on IS NOT NULL;

CREATE TABLE therapist_availability (
    id           uuid PRIMARY KEY,
    therapist_id uuid NOT NULL REFERENCES therapist_profiles (id) ON DELETE CASCADE,
    day_of_week  smallint NOT NULL CHECK (day_of_week BETWEEN 0 AND 6),
    start_minute smallint NOT NULL CHECK (start_minute BETWEEN 0 AND 1439),
    end_minute   smallint NOT NULL CHECK (end_minute BETWEEN start_minute + 1 AND 1440)
);

COMMENT ON COLUMN therapist_availability.day_of_week IS '0 is Sunday.';
COMMENT ON COLUMN therapist_availability.start_minute IS 'Minutes after midnight in Asia/Seoul.';

CREATE INDEX therapist_availability_week ON therapist_availability (therapist_id, day_of_week, start_minute);

CREATE TABLE therapist_blocked_dates (
    id           uuid PRIMARY KEY,
    therapist_id uuid NOT NULL REFERENCES therapist_profiles (id) ON DELETE CASCADE,
    date         date NOT NULL,
    start_minute smallint CHECK (start_minute BETWEEN 0 AND 1439),
    end_minute   smallint CHECK (end_minute BETWEEN start_minute + 1 AND 1440),
    kind         text NOT NULL CHECK (kind IN ('blocked', 'extra')),
    reason       text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CHECK ((start_minute IS NULL) = (end_minute IS NULL)),
    CHECK (kind = 'blocked' OR start_minute IS NOT NULL)
);

CREATE INDEX therapist_blocked_dates_date ON therapist_blocked_dates (therapist_id, date);

CREATE TABLE public_holidays (
    date    date PRIMARY KEY,
    name_ko text NOT NULL,
    name_en text NOT NULL
);

COMMENT ON TABLE public_holidays IS 'Planted by `aipoten seed`; an operator may add and remove days.';

CREATE TABLE seeds (
    key        text PRIMARY KEY,
    planted_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE seeds IS 'What was planted from the shipped data: each once, so that what an operator changes or deletes stays so.';

CREATE TABLE calendar_feeds (
    user_id     uuid PRIMARY KEY,
    secret_hash bytea NOT NULL UNIQUE,
    locale      text NOT NULL CHECK (locale IN ('ko', 'en')),
    created_at  timestamptz NOT NULL DEFAULT now()
);

COMMENT ON COLUMN calendar_feeds.secret_hash IS 'SHA-256 of the secret in the feed''s address.';

GRANT SELECT, INSERT, UPDATE, DELETE ON therapist_profiles, therapist_documents, therapist_availability,
    therapist_blocked_dates, public_holidays, seeds, calendar_feeds TO aipoten_app;
