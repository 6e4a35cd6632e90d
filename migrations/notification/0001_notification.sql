-- Notifications, how they reach people, and what is to be sent later.

CREATE TABLE notifications (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL,
    type       text NOT NULL,
    title      text NOT NULL,
    message    text NOT NULL,
    link_url   text,
    data       jsonb NOT NULL DEFAULT '{}',
    dedupe_key text NOT NULL CONSTRAINT notifications_once UNIQUE,
    is_read    boolean NOT NULL DEFAULT false,
    read_at    timestamptz,
    deleted_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (is_read = (read_at IS NOT NULL))
);

COMMENT ON TABLE notifications IS 'Texts name nobody and nothing of health: they are shown on locked screens.';
COMMENT ON COLUMN notifications.dedupe_key IS 'What it tells, such as request_approved:<request>:<user>: it is told once.';
COMMENT ON COLUMN notifications.deleted_at IS 'The person deleted it; the row stays so that it is not told again.';

CREATE INDEX notifications_user ON notifications (user_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX notifications_unread ON notifications (user_id, created_at DESC) WHERE NOT is_read AND deleted_at IS NULL;
CREATE INDEX notifications_old ON notifications (created_at);

CREATE TABLE deliveries (
    id              uuid PRIMARY KEY,
    notification_id uuid REFERENCES notifications (id) ON DELETE CASCADE,
    user_id         uuid NOT NULL,
    channel         text NOT NULL CHECK (channel IN ('email', 'push', 'sms')),
    template        text NOT NULL,
    variables       jsonb NOT NULL DEFAULT '{}',
    device_id       uuid,
    dedupe_key      text NOT NULL CONSTRAINT deliveries_once UNIQUE,
    status          text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'sent', 'failed', 'dropped')),
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    error           text,
    sent_at         timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CHECK ((status = 'waiting') = (next_attempt_at IS NOT NULL)),
    CHECK ((status = 'sent') = (sent_at IS NOT NULL))
);

COMMENT ON TABLE deliveries IS 'What leaves the platform. Addresses and one-time links are asked of identity when it is sent and are never here.';
COMMENT ON COLUMN deliveries.next_attempt_at IS 'When it is sent; while somebody sends it, when that sender counts as dead.';
COMMENT ON COLUMN deliveries.variables IS 'Ids, times and amounts for the template.';

CREATE INDEX deliveries_due ON deliveries (next_attempt_at) WHERE status = 'waiting';
CREATE INDEX deliveries_notification ON deliveries (notification_id);
CREATE INDEX deliveries_user ON deliveries (user_id);

CREATE TABLE preferences (
    user_id    uuid NOT NULL,
    type       text NOT NULL,
    channel    text NOT NULL CHECK (channel IN ('in_app', 'email', 'push', 'sms')),
    enabled    boolean NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, type, channel)
);

CREATE TABLE quiet_hours (
    user_id    uuid PRIMARY KEY,
    enabled    boolean NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE quiet_hours IS 'Who turned the rest at night off or on; it is on for everybody else.';

CREATE TABLE devices (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL,
    platform   text NOT NULL CHECK (platform IN ('fcm', 'web_push')),
    token_hash bytea NOT NULL CONSTRAINT devices_once UNIQUE,
    token      bytea NOT NULL,
    keys       bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((platform = 'web_push') = (keys IS NOT NULL))
);

COMMENT ON COLUMN devices.token IS 'Encrypted.';
COMMENT ON COLUMN devices.keys IS 'Encrypted JSON: a browser''s public key and shared secret.';

CREATE INDEX devices_user ON devices (user_id);

CREATE TABLE scheduled_notifications (
    id           uuid PRIMARY KEY,
    user_id      uuid NOT NULL,
    type         text NOT NULL,
    template     text NOT NULL,
    variables    jsonb NOT NULL DEFAULT '{}',
    subject_id   uuid NOT NULL,
    subject_seq  bigint NOT NULL DEFAULT 0,
    due_at       timestamptz NOT NULL,
    dedupe_key   text NOT NULL CONSTRAINT scheduled_notifications_once UNIQUE,
    cancelled_at timestamptz,
    told_at      timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CHECK (cancelled_at IS NULL OR told_at IS NULL)
);

COMMENT ON COLUMN scheduled_notifications.subject_id IS 'What it is about: a session, a child, a licence.';
COMMENT ON COLUMN scheduled_notifications.subject_seq IS 'The version of the subject that it was planned for: an older event plans nothing.';

CREATE INDEX scheduled_notifications_due ON scheduled_notifications (due_at) WHERE cancelled_at IS NULL AND told_at IS NULL;
CREATE INDEX scheduled_notifications_subject ON scheduled_notifications (subject_id);

CREATE TABLE subjects (
    id  uuid PRIMARY KEY,
    seq bigint NOT NULL
);

COMMENT ON TABLE subjects IS 'The newest version of a session that an event told of: older events change no reminder.';

CREATE TABLE leases (
    job    text PRIMARY KEY,
    holder uuid NOT NULL,
    until  timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE, DELETE ON notifications, deliveries, preferences, quiet_hours, devices, scheduled_notifications, subjects, leases TO aipoten_app;
