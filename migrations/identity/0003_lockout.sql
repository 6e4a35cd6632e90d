-- Guessing of passwords: random keys of the service, failures by address, captchas that were used.

-- Keys that no person chose, encrypted like signing keys. Made at the first start.
CREATE TABLE service_keys (
    id UUID PRIMARY KEY,
    purpose TEXT NOT NULL UNIQUE CHECK (purpose IN ('login_attempts', 'captcha', 'audit')),
    key BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- By HMAC of the normalised address, whether it has an account or not: says of nobody that they tried.
CREATE TABLE login_attempts (
    address_hash BYTEA PRIMARY KEY,
    -- Counted before the password is looked at; forgotten with a success, or a lock's time after the last one.
    failures INTEGER NOT NULL CHECK (failures >= 0),
    last_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX login_attempts_last ON login_attempts (last_at);

CREATE TABLE used_captchas (
    id UUID PRIMARY KEY,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX used_captchas_expiry ON used_captchas (expires_at);

ALTER TABLE sessions DROP CONSTRAINT sessions_revoke_reason_check;
ALTER TABLE sessions ADD CONSTRAINT sessions_revoke_reason_check CHECK (revoke_reason IN
    ('logout', 'logout_all', 'ended_by_user', 'password_changed', 'refresh_reuse', 'erasure', 'superseded', 'suspended',
     'role_changed'));
