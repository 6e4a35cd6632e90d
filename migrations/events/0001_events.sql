-- What every service keeps about its events: those to send, those it took in, those that failed. Runs before the
-- service's own migrations. The application's role (aipoten_app) has no DDL.

-- It reads every later table, the notes about migrations among them: a role with an older schema refuses to start.
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO aipoten_app;
DO $$ BEGIN
    IF to_regclass('_events_migrations') IS NOT NULL THEN
        GRANT SELECT ON _events_migrations TO aipoten_app;
    END IF;
END $$;

CREATE TABLE outbox (
    id             uuid PRIMARY KEY,
    aggregate_type text NOT NULL,
    aggregate_id   uuid NOT NULL,
    aggregate_seq  bigint NOT NULL,
    type           text NOT NULL CHECK (length(type) BETWEEN 1 AND 255),
    payload        bytea NOT NULL CHECK (octet_length(payload) <= 65536),
    headers        jsonb NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    attempts       integer NOT NULL DEFAULT 0,
    next_at        timestamptz NOT NULL DEFAULT now(),
    sent_at        timestamptz
);

COMMENT ON COLUMN outbox.id IS 'The id of the event, a UUID v7.';
COMMENT ON COLUMN outbox.type IS 'The full protobuf name of the event, which is also its routing key.';
COMMENT ON COLUMN outbox.headers IS 'Where the event came from: traceparent, request_id, actor.';
COMMENT ON COLUMN outbox.attempts IS 'How often the broker refused the event or had no queue for it.';

CREATE INDEX outbox_unsent ON outbox (next_at) WHERE sent_at IS NULL;

CREATE TABLE inbox (
    consumer     text NOT NULL,
    event_id     uuid NOT NULL,
    processed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
);

COMMENT ON TABLE inbox IS 'Events whose effect is applied, or that failed_events has taken over.';

CREATE TABLE failed_events (
    consumer        text NOT NULL,
    event_id        uuid NOT NULL,
    type            text NOT NULL,
    headers         jsonb NOT NULL,
    payload         bytea NOT NULL,
    json            jsonb,
    error           text NOT NULL,
    attempts        integer NOT NULL DEFAULT 1,
    next_at         timestamptz NOT NULL,
    first_failed_at timestamptz NOT NULL DEFAULT now(),
    last_failed_at  timestamptz NOT NULL DEFAULT now(),
    state           text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'dead', 'replayed', 'dropped')),
    PRIMARY KEY (consumer, event_id)
);

COMMENT ON COLUMN failed_events.json IS 'The payload for people to read; null where nobody here knows its type.';
COMMENT ON COLUMN failed_events.attempts IS 'How often the handler was tried, the first time included.';
COMMENT ON COLUMN failed_events.next_at IS 'When a waiting event is tried again; while it is being tried, when that try counts as lost.';

CREATE INDEX failed_events_due ON failed_events (consumer, next_at) WHERE state = 'waiting';

GRANT SELECT, INSERT, UPDATE, DELETE ON outbox, inbox, failed_events TO aipoten_app;
