-- What administrators need to see and decide about failed events.
ALTER TABLE failed_events ADD COLUMN reason text
    CONSTRAINT failed_events_reason CHECK ((reason IS NOT NULL) = (state = 'dropped'));

COMMENT ON COLUMN failed_events.reason IS 'Why an administrator gave the event up.';

CREATE INDEX failed_events_list ON failed_events (consumer, last_failed_at DESC, event_id);
CREATE INDEX failed_events_list_by_state ON failed_events (consumer, state, last_failed_at DESC, event_id);
