-- Accounts that are to be erased once no money is open.

CREATE TABLE erasures (
    user_id    uuid PRIMARY KEY,
    begun_at   timestamptz NOT NULL DEFAULT now(),
    cleared_at timestamptz
);

COMMENT ON TABLE erasures IS 'Accounts that identity is about to erase, and since when no money of them is open.';

CREATE INDEX erasures_open ON erasures (begun_at) WHERE cleared_at IS NULL;
GRANT SELECT, INSERT, UPDATE ON erasures TO aipoten_app;
