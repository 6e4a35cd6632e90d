-- Notifications, how they reach people, and what is to be told later.

CREATE TABLE notifications (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL,
    type       text NOT NULL,
    template   text NOT NULL,
    variables  jsonb NOT NULL,
    dedupe_key text NOT NULL CONSTRAINT notifications_once UNIQUE,
    is_read    boolean NOT NULL DEFAULT false,
    read_at    timestamptz,
    deleted_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (is_read = (read_at IS NOT NULL))
);

COMMENT ON COLUMN notifications.template IS 'What its texts are made of when somebody reads them, in the language of the reader.';
COMMENT ON COLUMN notifications.variables IS 'Ids, times, days, numbers and codes for the template: nobody''s name and nothing of health.';
COMMENT ON COLUMN notifications.dedupe_key IS 'What it tells, such as request_approved:<request>:<user>: it is told once.';
COMMENT ON COLUMN notifications.deleted_at IS 'The person deleted it; the row stays so that it is not told again.';

CREATE INDEX notifications_user ON notifications (user_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX notifications_user_type ON notifications (user_id, type, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX notifications_unread ON notifications (user_id, created_at DESC, id DESC) WHERE NOT is_read AND deleted_at IS NULL;
CREATE INDEX notifications_unread_by_time ON notifications (created_at) WHERE NOT is_read AND deleted_at IS NULL;
CREATE INDEX notifications_old ON notifications (created_at);

CREATE TABLE deliveries (
    id              uuid PRIMARY KEY,
    notification_id uuid REFERENCES notifications (id) ON DELETE CASCADE,
    user_id         uuid NOT NULL,
    channel         text NOT NULL CHECK (channel IN ('email', 'push', 'sms')),
    template        text NOT NULL,
    variables       jsonb NOT NULL,
    device_id       uuid,
    dedupe_key      text NOT NULL CONSTRAINT deliveries_once UNIQUE,
    status          text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'sent', 'failed', 'dropped')),
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    error           text,
    sent_at         timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CHECK ((status = 'waiting') = (next_attempt_at IS NOT NULL)),
    CHECK ((status = 'sent') = (sent_at IS NOT NULL)),
    CHECK ((channel = 'push') = (device_id IS NOT NULL))
);

COMMENT ON TABLE deliveries IS 'What leaves the platform. Addresses and one-time links are asked of identity when it is sent and are never here.';
COMMENT ON COLUMN deliveries.notification_id IS 'Null of what is only mailed.';
COMMENT ON COLUMN deliveries.next_attempt_at IS 'When it is sent; while somebody sends it, when that sender counts as dead.';
COMMENT ON COLUMN deliveries.status IS 'failed: given up. dropped: there was nobody or nothing to send it to any more.';

CREATE INDEX deliveries_due ON deliveries (next_attempt_at) WHERE status = 'waiting';
CREATE INDEX deliveries_notification ON deliveries (notification_id);
CREATE INDEX deliveries_user ON deliveries (user_id);
CREATE INDEX deliveries_device ON deliveries (device_id) WHERE status = 'waiting';
CREATE INDEX deliveries_old ON deliveries (created_at);

CREATE TABLE preferences (
    user_id    uuid NOT NULL,
    type       text NOT NULL,
    channel    text NOT NULL CHECK (channel IN ('email', 'push', 'sms')),
    enabled    boolean NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, type, channel)
);

COMMENT ON TABLE preferences IS 'What people chose; the defaults hold for everything else.';

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
    token_hash bytea NOT NULL CONSTRAINT devices_once UNIQUE CHECK (octet_length(token_hash) = 32),
    token      bytea NOT NULL,
    keys       bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((platform = 'web_push') = (keys IS NOT NULL))
);

COMMENT ON COLUMN devices.token_hash IS 'SHA-256 of the token.';
COMMENT ON COLUMN devices.token IS 'Encrypted.';
COMMENT ON COLUMN devices.keys IS 'Encrypted: a browser''s public key and shared secret, as JSON.';

CREATE INDEX devices_user ON devices (user_id, updated_at);

CREATE TABLE scheduled_notifications (
    id           uuid PRIMARY KEY,
    user_id      uuid,
    audience     text CHECK (audience IN ('admin', 'parent', 'therapist')),
    template     text NOT NULL,
    variables    jsonb NOT NULL,
    subject_id   uuid,
    due_at       timestamptz NOT NULL,
    dedupe_key   text NOT NULL CONSTRAINT scheduled_notifications_once UNIQUE,
    cancelled_at timestamptz,
    told_at      timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CHECK ((user_id IS NULL) <> (audience IS NULL)),
    CHECK (cancelled_at IS NULL OR told_at IS NULL)
);

COMMENT ON COLUMN scheduled_notifications.audience IS 'It is for everybody of this role; identity is asked who that is when it is due.';
COMMENT ON COLUMN scheduled_notifications.subject_id IS 'The session that it reminds of.';

CREATE INDEX scheduled_notifications_due ON scheduled_notifications (due_at) WHERE cancelled_at IS NULL AND told_at IS NULL;
CREATE INDEX scheduled_notifications_subject ON scheduled_notifications (subject_id) WHERE cancelled_at IS NULL AND told_at IS NULL;
CREATE INDEX scheduled_notifications_user ON scheduled_notifications (user_id);
CREATE INDEX scheduled_notifications_old ON scheduled_notifications (due_at);

CREATE TABLE subjects (
    id         uuid PRIMARY KEY,
    seq        bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE subjects IS 'The newest version of a session that an event told of: older events change no reminder.';

CREATE INDEX subjects_old ON subjects (updated_at);

CREATE TABLE checked_children (
    child_id   uuid PRIMARY KEY,
    checked_on date NOT NULL
);

COMMENT ON TABLE checked_children IS 'When a child had its last development check: nobody is reminded of one that is done.';

CREATE TABLE erased (
    id        uuid PRIMARY KEY,
    erased_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE erased IS 'Accounts and children that are gone: nothing is told to them or kept of them any more.';

CREATE TABLE daily_jobs (
    job  text PRIMARY KEY,
    done date NOT NULL
);

COMMENT ON TABLE daily_jobs IS 'The last day, in Korea, that a daily job was done for.';

CREATE TABLE leases (
    job    text PRIMARY KEY,
    holder uuid NOT NULL,
    until  timestamptz NOT NULL
);

COMMENT ON TABLE leases IS 'Who does a job that one replica at a time does.';

GRANT SELECT, INSERT, UPDATE, DELETE ON notifications, deliveries, preferences, quiet_hours, devices, scheduled_notifications, subjects,
    checked_children, erased, daily_jobs, leases TO aipoten_app;
