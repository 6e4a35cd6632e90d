-- Children, who may see them, and who did.
CREATE TABLE children (
    id UUID PRIMARY KEY,
    name BYTEA NOT NULL,
    birth_date DATE NOT NULL,
    gender TEXT NOT NULL CHECK (gender IN ('male', 'female', 'not_stated')),
    gestational_weeks INTEGER CHECK (gestational_weeks BETWEEN 20 AND 45),
    gestational_days INTEGER CHECK (gestational_days BETWEEN 0 AND 6),
    birth_weight_g INTEGER CHECK (birth_weight_g BETWEEN 200 AND 9000),
    current_height_mm INTEGER CHECK (current_height_mm BETWEEN 200 AND 2200),
    current_weight_g INTEGER CHECK (current_weight_g BETWEEN 200 AND 200000),
    medical_history BYTEA,
    family_history BYTEA,
    treatment_history BYTEA,
    notes BYTEA,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    version BIGINT NOT NULL DEFAULT 1,
    CONSTRAINT children_days_with_weeks CHECK (gestational_days IS NULL OR gestational_weeks IS NOT NULL)
);

-- Every check of ownership joins this table: a child may come to have several caregivers.
CREATE TABLE child_caregivers (
    id UUID PRIMARY KEY,
    child_id UUID NOT NULL REFERENCES children (id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES users (id),
    role TEXT NOT NULL CHECK (role IN ('owner', 'editor', 'viewer')),
    invited_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    revoked_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX child_caregivers_live ON child_caregivers (user_id, child_id) WHERE revoked_at IS NULL;
CREATE INDEX child_caregivers_child ON child_caregivers (child_id);

-- Outlives the child: who read what remains provable.
CREATE TABLE child_access_logs (
    id UUID PRIMARY KEY,
    child_id UUID NOT NULL,
    actor_id UUID NOT NULL,
    actor_role TEXT NOT NULL,
    fields TEXT[] NOT NULL,
    purpose TEXT NOT NULL,
    request_id TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX child_access_logs_child ON child_access_logs (child_id, created_at DESC);
REVOKE UPDATE, DELETE ON child_access_logs FROM aipoten_app;
