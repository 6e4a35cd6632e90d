-- Rotation of signing keys: a key is published as next, signs as active, and stays published as retired until the last token
-- it signed has expired.
ALTER TABLE signing_keys ADD COLUMN since TIMESTAMPTZ NOT NULL DEFAULT now();
COMMENT ON COLUMN signing_keys.since IS 'When the key came into its state.';
UPDATE signing_keys SET since = coalesce(retired_at, created_at);
ALTER TABLE signing_keys DROP COLUMN retired_at;
CREATE UNIQUE INDEX signing_keys_one_next ON signing_keys (state) WHERE state = 'next';

-- Administrators search accounts by parts of names and by the beginning of addresses.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX users_name_trgm ON users USING gin (lower(name) gin_trgm_ops);
CREATE INDEX users_email_trgm ON users USING gin (lower(email::text) gin_trgm_ops);
