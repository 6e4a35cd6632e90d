-- Videos that therapists recommend in their reports.

ALTER TABLE recommended_videos
    ADD COLUMN consultation_id uuid,
    ADD CONSTRAINT recommended_videos_one_of_report UNIQUE (consultation_id, video_id),
    ADD CHECK ((source = 'therapist') = (consultation_id IS NOT NULL));

COMMENT ON COLUMN recommended_videos.consultation_id IS 'The session whose report recommends it.';

CREATE TABLE taken_reports (
    consultation_id uuid PRIMARY KEY,
    seq             bigint NOT NULL
);

COMMENT ON TABLE taken_reports IS 'The newest version of each session''s report that was taken in: an older one that comes late changes nothing.';
