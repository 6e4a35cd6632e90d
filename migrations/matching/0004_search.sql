-- Searches that many match: the closest, and who is free, are found without looking at all of them.

ALTER TABLE therapist_profiles
    ADD COLUMN search_summary text NOT NULL
        GENERATED ALWAYS AS (split_part(search_text, '|', 1) || '|' || split_part(search_text, '|', 2)) STORED;

COMMENT ON COLUMN therapist_profiles.search_summary IS 'Name | specialties and regions: search_text without the bio.';

CREATE INDEX therapist_profiles_summary ON therapist_profiles USING gin (search_summary gin_trgm_ops)
    WHERE approval_status = 'approved';

-- Who works at all on a day of the week, or out of turn on a date.
CREATE INDEX therapist_availability_day ON therapist_availability (day_of_week, therapist_id);
CREATE INDEX therapist_blocked_dates_extra ON therapist_blocked_dates (date, therapist_id) WHERE kind = 'extra';
