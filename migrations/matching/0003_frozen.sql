-- Packages rest while their payment was taken back.

ALTER TABLE consultation_packages
    ADD COLUMN payment_seq bigint NOT NULL DEFAULT 0,
    ADD COLUMN frozen_at timestamptz,
    ADD CONSTRAINT consultation_packages_frozen CHECK (frozen_at IS NULL OR payment_id IS NOT NULL);

COMMENT ON COLUMN consultation_packages.payment_seq IS 'Version of the payment that the newest event of it told of: older ones are late.';
COMMENT ON COLUMN consultation_packages.frozen_at IS 'Since when nothing goes on, as the deposit that paid it was taken back.';
