-- Erasures wait until nothing is open elsewhere.

ALTER TABLE users ADD COLUMN erasure_begun_at TIMESTAMPTZ;
COMMENT ON COLUMN users.erasure_begun_at IS 'Since when others end what is open of the account; from then on it cannot be taken back.';

CREATE TABLE erasure_clearances (
    user_id UUID NOT NULL REFERENCES users (id),
    service TEXT NOT NULL CHECK (service IN ('matching', 'billing')),
    cleared_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, service)
);
COMMENT ON TABLE erasure_clearances IS 'Services that have nothing open of an account that is to be erased.';
CREATE INDEX users_erasure_begun ON users (erasure_begun_at) WHERE erasure_begun_at IS NOT NULL AND deleted_at IS NULL;
