-- Changes of a session that is today do not rest at night.
ALTER TABLE subjects ADD COLUMN starts_at timestamptz;

COMMENT ON COLUMN subjects.starts_at IS 'When it begins; null of one without a time.';
