-- Who read what and who did what is kept for two years (the Standard for Securing the Safety of Personal Information, article 8, wants two
-- for sensitive data), then forgotten. The application may delete nothing else of either log, and does not choose the day.

CREATE INDEX child_access_logs_created ON child_access_logs (created_at);

-- The last record before the day stays, with the seal before it: from these two on the chain can be checked.
CREATE FUNCTION forget_logs_before(edge DATE) RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
    last audit_chain;
    seal audit_chain;
    acts BIGINT;
    accesses BIGINT;
BEGIN
    DELETE FROM child_access_logs WHERE created_at < edge::timestamp AT TIME ZONE 'UTC';
    GET DIAGNOSTICS accesses = ROW_COUNT;
    SELECT * INTO last FROM audit_chain WHERE day < edge ORDER BY day DESC, seq DESC LIMIT 1;
    SELECT * INTO seal FROM audit_chain WHERE (day, seq) < (last.day, last.seq) ORDER BY day DESC, seq DESC LIMIT 1;
    DELETE FROM audit_logs WHERE id IN (SELECT audit_id FROM audit_chain WHERE (day, seq) <= (seal.day, seal.seq));
    GET DIAGNOSTICS acts = ROW_COUNT;
    DELETE FROM audit_chain WHERE (day, seq) < (seal.day, seal.seq);
    RETURN acts + accesses;
END
$$;
REVOKE ALL ON FUNCTION forget_logs_before FROM PUBLIC;

CREATE FUNCTION forget_old_logs() RETURNS BIGINT LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT forget_logs_before(((now() AT TIME ZONE 'UTC')::date - interval '2 years')::date)
$$;
REVOKE ALL ON FUNCTION forget_old_logs FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_old_logs TO aipoten_app;
