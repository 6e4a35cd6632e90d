-- Checking the addresses of videos; remembering which children were erased.

ALTER TABLE videos
    ADD COLUMN url_tried_at      timestamptz,
    ADD COLUMN url_failing_since timestamptz;

COMMENT ON COLUMN videos.url_last_checked_at IS 'When a check last told whether the video is there.';
COMMENT ON COLUMN videos.url_tried_at IS 'When a check was last begun, whatever it told.';
COMMENT ON COLUMN videos.url_failing_since IS 'The first of the failures since the video was last found; broken after a second one a day later.';

CREATE INDEX videos_by_link_check ON videos (url_tried_at NULLS FIRST, id)
    WHERE is_published AND url_status IN ('unchecked', 'ok', 'broken');

CREATE TABLE leases (
    job    text PRIMARY KEY,
    holder uuid NOT NULL,
    until  timestamptz NOT NULL
);

COMMENT ON TABLE leases IS 'Which replica does a job that one at a time may do; over when its time is.';

CREATE TABLE erased_children (
    child_id  uuid PRIMARY KEY,
    erased_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE erased_children IS 'Ids alone: what was begun in the moment of an erasure must not outlive it.';
