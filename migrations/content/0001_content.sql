-- The question bank, development checks, growth, play videos.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE assessment_questions (
    id              uuid PRIMARY KEY,
    code            text NOT NULL CONSTRAINT assessment_questions_code UNIQUE,
    kind            text NOT NULL CHECK (kind IN ('milestone', 'supplementary', 'red_flag')),
    area            text NOT NULL
        CHECK (area IN ('gross_motor', 'fine_motor', 'cognitive', 'language', 'social', 'emotional', 'any')),
    age_range_start smallint NOT NULL CHECK (age_range_start BETWEEN 0 AND 71),
    age_range_end   smallint NOT NULL CHECK (age_range_end BETWEEN age_range_start AND 71),
    text_ko         text NOT NULL,
    text_en         text NOT NULL,
    hint_ko         text,
    hint_en         text,
    answer_type     text NOT NULL CHECK (answer_type IN ('scale', 'yes_no', 'multiple_choice')),
    options         jsonb NOT NULL DEFAULT '[]',
    weight          smallint NOT NULL DEFAULT 100 CHECK (weight BETWEEN 1 AND 1000),
    is_red_flag     boolean NOT NULL GENERATED ALWAYS AS (kind = 'red_flag') STORED,
    follow_up       text CHECK (follow_up IN ('refer_now', 'talk_to_professional')),
    order_index     smallint NOT NULL CHECK (order_index BETWEEN 1 AND 1000),
    source          text NOT NULL,
    is_active       boolean NOT NULL DEFAULT true,
    reviewed        boolean NOT NULL DEFAULT false,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    version         bigint NOT NULL DEFAULT 1,
    CHECK (kind = 'red_flag' OR (area <> 'any' AND follow_up IS NULL)),
    CHECK (kind <> 'red_flag' OR (answer_type = 'yes_no' AND follow_up IS NOT NULL)),
    CHECK ((answer_type = 'multiple_choice') = (jsonb_array_length(options) > 0))
);

COMMENT ON COLUMN assessment_questions.weight IS 'What it counts in its area''s score, in hundredths.';
COMMENT ON COLUMN assessment_questions.options IS 'Of multiple-choice questions: [{code, text_ko, text_en, value in hundredths}].';
COMMENT ON COLUMN assessment_questions.reviewed IS 'Whether a paediatric or developmental specialist has reviewed it.';

CREATE INDEX assessment_questions_asked ON assessment_questions (age_range_start, age_range_end) WHERE is_active;

CREATE TABLE development_assessments (
    id                      uuid PRIMARY KEY,
    child_id                uuid NOT NULL,
    user_id                 uuid NOT NULL,
    assessment_date         date NOT NULL,
    age_in_months           smallint NOT NULL,
    corrected_age_in_months smallint,
    status                  text NOT NULL DEFAULT 'in_progress' CHECK (status IN ('in_progress', 'completed', 'cancelled')),
    question_set            jsonb NOT NULL,
    question_count          smallint NOT NULL,
    language                text NOT NULL CHECK (language IN ('ko', 'en')),
    item_set_version        text NOT NULL,
    rule_version            text NOT NULL,
    follow_up               text
        CHECK (follow_up IN ('refer_now', 'talk_to_professional', 'watch', 'incomplete', 'on_track')),
    causing_items           jsonb NOT NULL DEFAULT '[]',
    red_flags               jsonb NOT NULL DEFAULT '[]',
    completed_at            timestamptz,
    created_at              timestamptz NOT NULL DEFAULT now(),
    updated_at              timestamptz NOT NULL DEFAULT now(),
    version                 bigint NOT NULL DEFAULT 1,
    CHECK ((status = 'completed') = (completed_at IS NOT NULL)),
    CHECK ((status = 'completed') = (follow_up IS NOT NULL))
);

COMMENT ON COLUMN development_assessments.question_set IS 'The questions in both languages as they were when the check started.';
COMMENT ON COLUMN development_assessments.language IS 'The language the check was started in.';
COMMENT ON COLUMN development_assessments.item_set_version IS 'A digest of the codes and versions of the questions.';

CREATE UNIQUE INDEX development_assessments_one_in_progress ON development_assessments (child_id)
    WHERE status = 'in_progress';
CREATE INDEX development_assessments_of_user ON development_assessments (user_id, created_at DESC, id);
CREATE INDEX development_assessments_of_child ON development_assessments (child_id, completed_at DESC);

CREATE TABLE assessment_responses (
    id            uuid PRIMARY KEY,
    assessment_id uuid NOT NULL REFERENCES development_assessments ON DELETE CASCADE,
    question_id   uuid NOT NULL,
    answer        text NOT NULL,
    value         smallint CHECK (value BETWEEN 0 AND 100),
    language      text NOT NULL CHECK (language IN ('ko', 'en')),
    answered_by   uuid NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT assessment_responses_one_each UNIQUE (assessment_id, question_id)
);

COMMENT ON COLUMN assessment_responses.value IS 'What the answer counts, in hundredths; null for not_sure.';
COMMENT ON COLUMN assessment_responses.language IS 'The language the question was shown in when it was answered.';

CREATE TABLE assessment_results (
    id                 uuid PRIMARY KEY,
    assessment_id      uuid NOT NULL REFERENCES development_assessments ON DELETE CASCADE,
    area               text NOT NULL
        CHECK (area IN ('gross_motor', 'fine_motor', 'cognitive', 'language', 'social', 'emotional')),
    position           smallint NOT NULL,
    score              double precision CHECK (score BETWEEN 0 AND 100),
    level              text NOT NULL
        CHECK (level IN ('excellent', 'good', 'caution', 'needs_observation', 'not_assessed')),
    follow_up          text NOT NULL
        CHECK (follow_up IN ('refer_now', 'talk_to_professional', 'watch', 'incomplete', 'on_track')),
    causing_items      jsonb NOT NULL,
    red_flags          jsonb NOT NULL,
    answered_count     smallint NOT NULL,
    question_count     smallint NOT NULL,
    feedback_ko        text NOT NULL,
    feedback_en        text NOT NULL,
    recommendations_ko text NOT NULL,
    recommendations_en text NOT NULL,
    created_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT assessment_results_one_each UNIQUE (assessment_id, area),
    CHECK ((level = 'not_assessed') = (score IS NULL))
);

COMMENT ON COLUMN assessment_results.position IS 'Place in the order that is shown, worst first, from 1.';
COMMENT ON COLUMN assessment_results.score IS 'With the one decimal that is shown; the level came from the unrounded one.';

CREATE TABLE growth_measurements (
    id                 uuid PRIMARY KEY,
    child_id           uuid NOT NULL,
    user_id            uuid NOT NULL,
    measured_on        date NOT NULL,
    height_mm          integer CHECK (height_mm > 0),
    position           text CHECK (position IN ('lying', 'standing')),
    weight_g           integer CHECK (weight_g > 0),
    head_mm            integer CHECK (head_mm > 0),
    age_days           integer NOT NULL,
    corrected_age_days integer,
    scores             jsonb NOT NULL,
    unscored_reason    text CHECK (unscored_reason IN ('gender_not_stated', 'before_due_date', 'over_five_years')),
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT growth_measurements_one_a_day UNIQUE (child_id, measured_on),
    CHECK (num_nonnulls(height_mm, weight_g, head_mm) > 0)
);

COMMENT ON COLUMN growth_measurements.scores IS 'Z-scores and percentiles: [{indicator, z}].';
CREATE INDEX growth_measurements_of_user ON growth_measurements (user_id);

CREATE TABLE videos (
    id                  uuid PRIMARY KEY,
    title_ko            text NOT NULL,
    title_en            text NOT NULL,
    description_ko      text NOT NULL,
    description_en      text NOT NULL,
    video_url           text NOT NULL,
    video_platform      text NOT NULL
        CHECK (video_platform IN ('youtube', 'naver_tv', 'kakao_tv', 'vimeo', 'upload', 'other')),
    embed_code          text,
    thumbnail_url       text,
    duration_seconds    integer CHECK (duration_seconds > 0),
    target_age_min      smallint NOT NULL CHECK (target_age_min >= 0),
    target_age_max      smallint NOT NULL CHECK (target_age_max >= target_age_min),
    difficulty          text NOT NULL CHECK (difficulty IN ('easy', 'medium', 'hard')),
    play_method_ko      text,
    play_method_en      text,
    expected_effects_ko text,
    expected_effects_en text,
    materials_needed_ko text[] NOT NULL DEFAULT '{}',
    materials_needed_en text[] NOT NULL DEFAULT '{}',
    precautions_ko      text,
    precautions_en      text,
    is_published        boolean NOT NULL DEFAULT false,
    priority            smallint NOT NULL DEFAULT 5 CHECK (priority BETWEEN 1 AND 10),
    view_count          bigint NOT NULL DEFAULT 0 CHECK (view_count >= 0),
    bookmark_count      bigint NOT NULL DEFAULT 0 CHECK (bookmark_count >= 0),
    completion_count    bigint NOT NULL DEFAULT 0 CHECK (completion_count >= 0),
    published_at        timestamptz,
    url_last_checked_at timestamptz,
    url_status          text NOT NULL DEFAULT 'unchecked'
        CHECK (url_status IN ('demo', 'unchecked', 'ok', 'broken', 'unavailable')),
    search_text         text NOT NULL,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),
    version             bigint NOT NULL DEFAULT 1,
    CHECK (NOT is_published OR published_at IS NOT NULL),
    CHECK (url_status NOT IN ('demo', 'unchecked') OR url_last_checked_at IS NULL)
);

COMMENT ON COLUMN videos.priority IS '1 is shown first.';
COMMENT ON COLUMN videos.search_text IS 'Titles, descriptions and tags in lower case.';

CREATE INDEX videos_by_priority ON videos (priority, published_at DESC, id) WHERE is_published;
CREATE INDEX videos_by_age ON videos (target_age_min, target_age_max, priority) WHERE is_published;
CREATE INDEX videos_by_publication ON videos (published_at DESC, id) WHERE is_published;
CREATE INDEX videos_by_views ON videos (view_count DESC, id) WHERE is_published;
CREATE INDEX videos_by_change ON videos (updated_at DESC, id);
CREATE INDEX videos_search ON videos USING gin (search_text gin_trgm_ops);

CREATE TABLE video_categories (
    id             uuid PRIMARY KEY,
    slug           text NOT NULL CONSTRAINT video_categories_slug UNIQUE,
    name_ko        text NOT NULL,
    name_en        text NOT NULL,
    description_ko text,
    description_en text,
    order_index    smallint NOT NULL CHECK (order_index BETWEEN 1 AND 1000),
    is_active      boolean NOT NULL DEFAULT true,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    version        bigint NOT NULL DEFAULT 1
);

CREATE TABLE video_category_mapping (
    video_id    uuid NOT NULL REFERENCES videos ON DELETE CASCADE,
    category_id uuid NOT NULL REFERENCES video_categories ON DELETE CASCADE,
    PRIMARY KEY (video_id, category_id)
);
CREATE INDEX video_category_mapping_category ON video_category_mapping (category_id);

CREATE TABLE video_development_areas (
    video_id uuid NOT NULL REFERENCES videos ON DELETE CASCADE,
    area     text NOT NULL
        CHECK (area IN ('gross_motor', 'fine_motor', 'cognitive', 'language', 'social', 'emotional')),
    PRIMARY KEY (video_id, area)
);
CREATE INDEX video_development_areas_area ON video_development_areas (area, video_id);

CREATE TABLE video_tags (
    video_id uuid NOT NULL REFERENCES videos ON DELETE CASCADE,
    tag      text NOT NULL,
    PRIMARY KEY (video_id, tag)
);
CREATE INDEX video_tags_tag ON video_tags (tag, video_id);

CREATE TABLE user_video_interactions (
    id                 uuid PRIMARY KEY,
    user_id            uuid NOT NULL,
    video_id           uuid NOT NULL REFERENCES videos ON DELETE CASCADE,
    bookmarked_at      timestamptz,
    completed_at       timestamptz,
    is_bookmarked      boolean NOT NULL GENERATED ALWAYS AS (bookmarked_at IS NOT NULL) STORED,
    is_completed       boolean NOT NULL GENERATED ALWAYS AS (completed_at IS NOT NULL) STORED,
    watch_time_seconds integer NOT NULL DEFAULT 0 CHECK (watch_time_seconds >= 0),
    last_watched_at    timestamptz,
    counted_at         timestamptz,
    created_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT user_video_interactions_one_each UNIQUE (user_id, video_id)
);

COMMENT ON COLUMN user_video_interactions.counted_at IS 'When a view of this user was last counted.';
CREATE INDEX user_video_interactions_bookmarks ON user_video_interactions (user_id, bookmarked_at DESC)
    WHERE bookmarked_at IS NOT NULL;
CREATE INDEX user_video_interactions_video ON user_video_interactions (video_id);

CREATE TABLE recommended_videos (
    id                       uuid PRIMARY KEY,
    assessment_id            uuid REFERENCES development_assessments ON DELETE CASCADE,
    child_id                 uuid NOT NULL,
    user_id                  uuid NOT NULL,
    video_id                 uuid NOT NULL REFERENCES videos ON DELETE CASCADE,
    development_area         text NOT NULL
        CHECK (development_area IN ('gross_motor', 'fine_motor', 'cognitive', 'language', 'social', 'emotional')),
    area_level               text CHECK (area_level IN ('excellent', 'good', 'caution', 'needs_observation')),
    recommendation_reason_ko text NOT NULL,
    recommendation_reason_en text NOT NULL,
    priority_score           integer NOT NULL,
    is_viewed                boolean NOT NULL DEFAULT false,
    source                   text NOT NULL CHECK (source IN ('assessment', 'therapist')),
    created_at               timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT recommended_videos_one_each UNIQUE (assessment_id, video_id),
    CHECK ((source = 'assessment') = (assessment_id IS NOT NULL)),
    CHECK ((source = 'assessment') = (area_level IS NOT NULL))
);

CREATE INDEX recommended_videos_of_child ON recommended_videos (child_id, created_at DESC);
CREATE INDEX recommended_videos_of_user ON recommended_videos (user_id, video_id);
CREATE INDEX recommended_videos_video ON recommended_videos (video_id);

CREATE TABLE seeds (
    key        text PRIMARY KEY,
    planted_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE seeds IS 'What was planted from the shipped data: each once, so that what an administrator changes or deletes stays so.';

-- The application's role reads and writes rows, and changes no table.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO aipoten_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO aipoten_app;
