-- Which therapists have which children in their care, as matching tells.
CREATE TABLE care_relations (
    package_id UUID PRIMARY KEY,
    therapist_id UUID NOT NULL,
    child_id UUID NOT NULL REFERENCES children (id) ON DELETE CASCADE,
    until TIMESTAMPTZ,
    seq BIGINT NOT NULL
);
COMMENT ON TABLE care_relations IS 'One for each package that was paid.';
COMMENT ON COLUMN care_relations.until IS 'Null while the package runs.';
COMMENT ON COLUMN care_relations.seq IS 'Version of the package that this is told of.';
CREATE INDEX care_relations_therapist ON care_relations (therapist_id, child_id);
CREATE INDEX care_relations_child ON care_relations (child_id);
