-- Accounts, sessions, keys, consents and the audit log. The application's role (aipoten_app) has no DDL; what must not
-- change is taken from it again below.
CREATE EXTENSION IF NOT EXISTS citext;

ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO aipoten_app;

CREATE TABLE users (
    id UUID PRIMARY KEY,
    -- Erased accounts lose everything that names the person.
    email CITEXT,
    email_verified_at TIMESTAMPTZ,
    password_hash TEXT,
    name TEXT NOT NULL,
    phone BYTEA,
    role TEXT NOT NULL CHECK (role IN ('parent', 'therapist', 'admin')),
    status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'deleted')),
    locale TEXT NOT NULL DEFAULT 'ko' CHECK (locale IN ('ko', 'en')),
    last_login_at TIMESTAMPTZ,
    -- Erasure was asked for and happens then; signing in before takes it back.
    erasure_due_at TIMESTAMPTZ,
    deleted_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    version BIGINT NOT NULL DEFAULT 1,
    CONSTRAINT users_erased_or_named CHECK ((status = 'deleted') = (email IS NULL)),
    CONSTRAINT users_deleted_at CHECK ((status = 'deleted') = (deleted_at IS NOT NULL))
);
CREATE UNIQUE INDEX users_email ON users (email) WHERE deleted_at IS NULL;
CREATE INDEX users_erasure_due ON users (erasure_due_at) WHERE erasure_due_at IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE sessions (
    id UUID PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id),
    device_label TEXT,
    user_agent TEXT NOT NULL,
    ip TEXT NOT NULL,
    amr TEXT[] NOT NULL,
    auth_time TIMESTAMPTZ NOT NULL,
    -- The refresh token is this counter, signed with this key.
    refresh_counter BIGINT NOT NULL DEFAULT 0,
    refresh_key BYTEA NOT NULL,
    rotated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    idle_expires_at TIMESTAMPTZ NOT NULL,
    absolute_expires_at TIMESTAMPTZ NOT NULL,
    last_seen_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    revoked_at TIMESTAMPTZ,
    revoke_reason TEXT CHECK (revoke_reason IN
        ('logout', 'logout_all', 'ended_by_user', 'password_changed', 'refresh_reuse', 'erasure')),
    CONSTRAINT sessions_revoked_with_reason CHECK ((revoked_at IS NULL) = (revoke_reason IS NULL))
);
CREATE INDEX sessions_live ON sessions (user_id, created_at DESC) WHERE revoked_at IS NULL;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_revoked ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;

CREATE TABLE signing_keys (
    id UUID PRIMARY KEY,
    public_key BYTEA NOT NULL,
    private_key BYTEA NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('next', 'active', 'retired')),
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    retired_at TIMESTAMPTZ,
    CONSTRAINT signing_keys_retired CHECK ((state = 'retired') = (retired_at IS NOT NULL))
);
CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (state) WHERE state = 'active';

CREATE TABLE consents (
    id UUID PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id),
    kind TEXT NOT NULL CHECK (kind IN ('terms', 'privacy', 'guardian', 'child_sensitive_data', 'marketing')),
    text_version TEXT NOT NULL,
    method TEXT NOT NULL CHECK (method IN ('web', 'web_sms', 'card', 'identity_check', 'paper')),
    evidence TEXT,
    ip TEXT NOT NULL,
    granted_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    withdrawn_at TIMESTAMPTZ,
    CONSTRAINT consents_guardian_is_proved CHECK (kind <> 'guardian' OR method <> 'web')
);
CREATE INDEX consents_user ON consents (user_id, granted_at DESC);
CREATE UNIQUE INDEX consents_one_in_force ON consents (user_id, kind) WHERE withdrawn_at IS NULL;

CREATE TABLE audit_logs (
    id UUID PRIMARY KEY,
    actor_id UUID,
    actor_role TEXT,
    action TEXT NOT NULL,
    resource TEXT NOT NULL,
    resource_id UUID,
    outcome TEXT NOT NULL CHECK (outcome IN ('success', 'refused')),
    ip TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    request_id TEXT NOT NULL,
    metadata JSONB NOT NULL DEFAULT '{}',
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX audit_logs_actor ON audit_logs (actor_id, created_at DESC);
CREATE INDEX audit_logs_resource ON audit_logs (resource_id, created_at DESC);
REVOKE UPDATE, DELETE ON audit_logs FROM aipoten_app;
