-- Every record of the audit log is sealed: a keyed hash over it and the seal before it, in one chain a day, each day on
-- the last of the day before. Sealing happens a moment after the commit, by one process at a time, so that those who write
-- records never wait for one another.

-- Records that are to be sealed.
CREATE TABLE audit_unsealed (
    audit_id UUID PRIMARY KEY
);

CREATE TABLE audit_chain (
    day DATE NOT NULL,
    -- From 1 each day, without a gap.
    seq BIGINT NOT NULL CHECK (seq > 0),
    audit_id UUID NOT NULL UNIQUE,
    hash BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (day, seq)
);
REVOKE UPDATE, DELETE ON audit_chain FROM aipoten_app;

CREATE FUNCTION audit_note_unsealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_unsealed (audit_id) VALUES (NEW.id);
    RETURN NULL;
END
$$;
CREATE TRIGGER audit_logs_note_unsealed AFTER INSERT ON audit_logs FOR EACH ROW EXECUTE FUNCTION audit_note_unsealed();
INSERT INTO audit_unsealed (audit_id) SELECT id FROM audit_logs;

CREATE INDEX audit_logs_created ON audit_logs (created_at DESC, id DESC);
CREATE INDEX audit_logs_action ON audit_logs (action, created_at DESC);
CREATE INDEX users_created ON users (created_at DESC, id DESC);
