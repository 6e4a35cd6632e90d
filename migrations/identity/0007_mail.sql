-- Links in mails, addresses that were left, devices that were seen.

-- One for each account and purpose: a new link ends the one before.
CREATE TABLE mail_tokens (
    user_id UUID NOT NULL REFERENCES users (id),
    purpose TEXT NOT NULL CHECK (purpose IN ('verify_email', 'reset_password', 'change_email')),
    hash BYTEA UNIQUE CHECK (octet_length(hash) = 32),
    new_email CITEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    expires_at TIMESTAMPTZ,
    used_at TIMESTAMPTZ,
    PRIMARY KEY (user_id, purpose),
    CONSTRAINT mail_tokens_change_names_an_address CHECK ((purpose = 'change_email') = (new_email IS NOT NULL)),
    CONSTRAINT mail_tokens_expire CHECK ((hash IS NULL) = (expires_at IS NULL))
);
COMMENT ON COLUMN mail_tokens.hash IS 'SHA-256 of the secret in the link. Null: a change that was asked for, and not mailed yet.';
COMMENT ON COLUMN mail_tokens.created_at IS 'When the link was made, or the change asked for.';
CREATE INDEX mail_tokens_created ON mail_tokens (created_at);

CREATE TABLE former_emails (
    id UUID PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id),
    email CITEXT NOT NULL,
    left_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
COMMENT ON TABLE former_emails IS 'Kept for a week: whoever reads there is warned of the change.';
CREATE INDEX former_emails_user ON former_emails (user_id, left_at DESC);
CREATE INDEX former_emails_left ON former_emails (left_at);

COMMENT ON TABLE login_attempts IS 'Tries that are counted for an address: to sign in, and to have mail sent there, each under a hash of its own.';

ALTER TABLE sessions ADD COLUMN fingerprint_hash BYTEA;
COMMENT ON COLUMN sessions.fingerprint_hash IS 'What tells devices of an account apart. Null in sessions from before it was kept, and of erased accounts.';
CREATE INDEX sessions_fingerprint ON sessions (user_id, fingerprint_hash) WHERE fingerprint_hash IS NOT NULL;

ALTER TABLE sessions DROP CONSTRAINT sessions_revoke_reason_check;
ALTER TABLE sessions ADD CONSTRAINT sessions_revoke_reason_check CHECK (revoke_reason IN
    ('logout', 'logout_all', 'ended_by_user', 'password_changed', 'password_reset', 'refresh_reuse', 'erasure', 'superseded',
     'suspended', 'role_changed'));

-- Whom to tell what concerns a role, by pages.
CREATE INDEX users_role ON users (role, id) WHERE status = 'active';
