-- Orders, payments, refunds, the ledger, settlements.

CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE settlement_policies (
    id                  uuid PRIMARY KEY,
    valid_from          timestamptz NOT NULL,
    valid_to            timestamptz,
    income_tax_bp       smallint NOT NULL CHECK (income_tax_bp BETWEEN 0 AND 10000),
    local_tax_bp        smallint NOT NULL CHECK (local_tax_bp BETWEEN 0 AND 10000),
    tax_unit            smallint NOT NULL CHECK (tax_unit > 0),
    smallest_income_tax bigint NOT NULL CHECK (smallest_income_tax >= 0),
    vat_mode            text NOT NULL CHECK (vat_mode IN ('included', 'added')),
    vat_bp              smallint NOT NULL CHECK (vat_bp BETWEEN 0 AND 10000),
    EXCLUDE USING gist (tstzrange(valid_from, valid_to) WITH &&)
);

COMMENT ON TABLE settlement_policies IS 'How therapists are taxed, by the end of the month that is settled. Rows are never changed but to end them.';
COMMENT ON COLUMN settlement_policies.income_tax_bp IS 'Of the net amount; Korean business income, 3 percent.';
COMMENT ON COLUMN settlement_policies.local_tax_bp IS 'Of the income tax, 10 percent.';
COMMENT ON COLUMN settlement_policies.tax_unit IS 'Taxes are rounded down to so many won.';
COMMENT ON COLUMN settlement_policies.smallest_income_tax IS 'An income tax below this is not withheld; 0: no such exemption.';
COMMENT ON COLUMN settlement_policies.vat_mode IS 'Whether the value added tax on the platform fee is inside it (a part of it) or comes on top, out of the therapist''s part.';

INSERT INTO settlement_policies
VALUES ('01900000-0000-7000-8000-000000000011', '2024-01-01 00:00+09', NULL, 300, 1000, 10, 0, 'included', 1000);

CREATE TABLE orders (
    package_id       uuid PRIMARY KEY,
    parent_user_id   uuid NOT NULL,
    therapist_id     uuid NOT NULL,
    total_sessions   smallint NOT NULL CHECK (total_sessions > 0),
    original_amount  bigint NOT NULL CHECK (original_amount >= 0),
    total_amount     bigint NOT NULL CHECK (total_amount BETWEEN 0 AND original_amount),
    platform_fee_bp  smallint NOT NULL CHECK (platform_fee_bp BETWEEN 0 AND 10000),
    ended_at         timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE orders IS 'Packages as matching froze their prices; written when somebody begins to pay.';
COMMENT ON COLUMN orders.ended_at IS 'Matching gave the package up before it was paid.';

CREATE TABLE sessions (
    consultation_id     uuid PRIMARY KEY,
    package_id          uuid NOT NULL REFERENCES orders (package_id),
    therapist_id        uuid NOT NULL,
    session_number      smallint NOT NULL CHECK (session_number > 0),
    session_fee         bigint NOT NULL CHECK (session_fee >= 0),
    platform_fee        bigint NOT NULL CHECK (platform_fee BETWEEN 0 AND session_fee),
    outcome             text CHECK (outcome IN ('completed', 'no_show', 'cancelled')),
    occurred_at         timestamptz,
    report_submitted_at timestamptz,
    disputed_at         timestamptz,
    dispute_decided_at  timestamptz,
    refunded_amount     bigint NOT NULL DEFAULT 0 CHECK (refunded_amount >= 0),
    cancellation_fee    bigint NOT NULL DEFAULT 0 CHECK (cancellation_fee >= 0),
    UNIQUE (package_id, session_number),
    CHECK (refunded_amount + cancellation_fee <= session_fee),
    CHECK ((outcome IS NULL) = (occurred_at IS NULL))
);

COMMENT ON TABLE sessions IS 'What each session of an order costs and what became of it, as matching told.';
COMMENT ON COLUMN sessions.refunded_amount IS 'Decided to be paid back, done or not.';
COMMENT ON COLUMN sessions.cancellation_fee IS 'Kept by the platform as a penalty for ending the package.';

CREATE INDEX sessions_therapist ON sessions (therapist_id, occurred_at);

CREATE TABLE payments (
    id               uuid PRIMARY KEY,
    package_id       uuid NOT NULL REFERENCES orders (package_id),
    user_id          uuid NOT NULL,
    therapist_id     uuid NOT NULL,
    payment_type     text NOT NULL CHECK (payment_type IN ('package', 'single_session')),
    total_sessions   smallint NOT NULL,
    original_amount  bigint NOT NULL,
    discount_amount  bigint NOT NULL CHECK (discount_amount >= 0),
    total_amount     bigint NOT NULL CHECK (total_amount = original_amount - discount_amount AND total_amount > 0),
    refunded_amount  bigint NOT NULL DEFAULT 0 CHECK (refunded_amount BETWEEN 0 AND total_amount),
    currency         text NOT NULL DEFAULT 'KRW' CHECK (currency = 'KRW'),
    payment_method   text CHECK (payment_method IN ('card', 'bank_transfer', 'simple_pay', 'mobile', 'virtual_account')),
    payment_status   text NOT NULL DEFAULT 'pending' CHECK (payment_status IN
        ('pending', 'confirming', 'completed', 'failed', 'expired', 'partially_refunded', 'refunded')),
    provider         text NOT NULL CHECK (provider IN ('toss', 'portone', 'stripe', 'sandbox')),
    order_id         text NOT NULL UNIQUE CHECK (order_id ~ '^[A-Za-z0-9_-]{6,64}$'),
    provider_key     text,
    transaction_id   text,
    client_key       text,
    client_secret    bytea,
    checkout_url     text,
    virtual_account  bytea,
    refund_account   bytea,
    failure_code     text,
    expires_at       timestamptz NOT NULL,
    paid_at          timestamptz,
    reversed_at      timestamptz,
    reversals        smallint NOT NULL DEFAULT 0,
    sync_at          timestamptz,
    sync_tries       integer NOT NULL DEFAULT 0,
    unknown_since    timestamptz,
    synced_at        timestamptz,
    provider_balance bigint CHECK (provider_balance >= 0),
    user_deleted_at  timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    version          bigint NOT NULL DEFAULT 1,
    CONSTRAINT payments_transaction UNIQUE (provider, transaction_id),
    CHECK (payment_status NOT IN ('completed', 'partially_refunded', 'refunded') OR (paid_at IS NOT NULL AND transaction_id IS NOT NULL)),
    CHECK ((payment_status = 'refunded') = (paid_at IS NOT NULL AND refunded_amount = total_amount) OR reversed_at IS NOT NULL)
);

COMMENT ON COLUMN payments.provider_key IS 'As the client named what its parent authorised; nothing is believed of it.';
COMMENT ON COLUMN payments.transaction_id IS 'The provider''s own number, as the provider told it.';
COMMENT ON COLUMN payments.client_key IS 'Public; for the provider''s code in the client.';
COMMENT ON COLUMN payments.client_secret IS 'Encrypted; of a checkout that needs one.';
COMMENT ON COLUMN payments.virtual_account IS 'Encrypted JSON: where a deposit is awaited.';
COMMENT ON COLUMN payments.refund_account IS 'Encrypted JSON: the bank account that the parent named.';
COMMENT ON COLUMN payments.sync_at IS 'When it is to be read from the provider; while somebody reads it, when that reader counts as dead. Null: nothing is open.';
COMMENT ON COLUMN payments.unknown_since IS 'Since when the provider has not said what became of it.';
COMMENT ON COLUMN payments.synced_at IS 'When it was last asked for at the provider.';
COMMENT ON COLUMN payments.reversals IS 'How often its deposit was taken back.';
COMMENT ON COLUMN payments.provider_balance IS 'What the provider says can still be paid back; null before it was read.';
COMMENT ON COLUMN payments.user_deleted_at IS 'The parent''s account was deleted: what names bank accounts goes as soon as nothing is open.';

-- One is begun at a time. A late charge of one that was given up never fails here: matching refuses what comes second, and it goes back.
CREATE UNIQUE INDEX payments_one_pending ON payments (package_id) WHERE payment_status = 'pending';
CREATE INDEX payments_package ON payments (package_id);
CREATE INDEX payments_user ON payments (user_id, created_at DESC);
CREATE INDEX payments_newest ON payments (created_at DESC);
CREATE INDEX payments_sync ON payments (sync_at) WHERE sync_at IS NOT NULL;
CREATE INDEX payments_unknown ON payments (provider, synced_at) WHERE unknown_since IS NOT NULL;
CREATE INDEX payments_pending ON payments (expires_at) WHERE payment_status = 'pending';
CREATE INDEX payments_to_forget ON payments (user_deleted_at)
    WHERE user_deleted_at IS NOT NULL AND (client_secret IS NOT NULL OR virtual_account IS NOT NULL OR refund_account IS NOT NULL);

CREATE TABLE payment_events (
    id          uuid PRIMARY KEY,
    provider    text NOT NULL,
    event_id    text NOT NULL,
    payment_id  uuid NOT NULL REFERENCES payments (id),
    kind        text NOT NULL CHECK (kind IN ('webhook', 'answer')),
    body        jsonb NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT payment_events_once UNIQUE (provider, event_id)
);

COMMENT ON TABLE payment_events IS 'What providers said, without names, numbers of cards and accounts, and secrets; append only.';

CREATE INDEX payment_events_payment ON payment_events (payment_id, received_at);

CREATE TABLE refunds (
    id                 uuid PRIMARY KEY,
    payment_id         uuid NOT NULL REFERENCES payments (id),
    consultation_id    uuid REFERENCES sessions (consultation_id),
    refund_amount      bigint NOT NULL CHECK (refund_amount > 0),
    refund_reason      text NOT NULL CHECK (refund_reason IN ('customer_request', 'therapist_cancel', 'no_show', 'dispute', 'platform')),
    refund_policy      text NOT NULL CHECK (refund_policy IN ('full', 'partial', 'none', 'package_end')),
    refund_status      text NOT NULL CHECK (refund_status IN ('requested', 'processing', 'completed', 'failed', 'rejected')),
    is_by_hand         boolean NOT NULL DEFAULT false,
    source_event       uuid NOT NULL,
    provider_refund_id text,
    failure_code       text,
    decided_by         uuid,
    decision_reason    text,
    next_at            timestamptz,
    tries              integer NOT NULL DEFAULT 0,
    round              smallint NOT NULL DEFAULT 1,
    requested_at       timestamptz NOT NULL DEFAULT now(),
    processed_at       timestamptz,
    updated_at         timestamptz NOT NULL DEFAULT now(),
    version            bigint NOT NULL DEFAULT 1,
    CONSTRAINT refunds_once UNIQUE (source_event, payment_id),
    CHECK ((refund_status = 'processing') = (next_at IS NOT NULL)),
    CHECK ((refund_status IN ('completed', 'rejected')) = (processed_at IS NOT NULL))
);

COMMENT ON COLUMN refunds.source_event IS 'The event that it comes of: one event never pays back twice.';
COMMENT ON COLUMN refunds.next_at IS 'When the provider is asked; while somebody asks, when that asker counts as dead.';

COMMENT ON COLUMN refunds.round IS 'Raised when an administrator has it tried again: what a provider refused stays refused under its idempotency key.';

CREATE UNIQUE INDEX refunds_one_per_session ON refunds (consultation_id) WHERE refund_status <> 'rejected';
CREATE INDEX refunds_payment ON refunds (payment_id, requested_at);
CREATE INDEX refunds_newest ON refunds (requested_at DESC);
CREATE INDEX refunds_due ON refunds (next_at) WHERE next_at IS NOT NULL;

CREATE FUNCTION check_refunds_captured() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    captured bigint;
BEGIN
    SELECT total_amount INTO captured FROM payments WHERE id = NEW.payment_id FOR UPDATE;
    IF (SELECT sum(refund_amount) FROM refunds WHERE payment_id = NEW.payment_id AND refund_status <> 'rejected') > captured THEN
        RAISE EXCEPTION 'the refunds of the payment % exceed what was captured', NEW.payment_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

-- Never more than was captured.
CREATE TRIGGER refunds_captured AFTER INSERT OR UPDATE OF payment_id, refund_amount, refund_status ON refunds
    FOR EACH ROW EXECUTE FUNCTION check_refunds_captured();

-- The ledger: double entry, append only. Debits are positive, credits negative.

CREATE TABLE accounts (
    id    uuid PRIMARY KEY,
    kind  text NOT NULL CHECK (kind IN ('provider_receivable', 'bank', 'customer_prepaid', 'therapist_payable',
        'therapist_receivable', 'refund_clearing', 'income_tax_withheld', 'local_tax_withheld', 'vat_payable', 'platform_fee',
        'cancellation_fee', 'provider_fee', 'goodwill')),
    owner text NOT NULL,
    CONSTRAINT accounts_once UNIQUE (kind, owner),
    CHECK ((kind IN ('provider_receivable', 'customer_prepaid', 'therapist_payable', 'therapist_receivable')) = (owner <> ''))
);

COMMENT ON COLUMN accounts.owner IS 'The provider''s name, or the id of the package or therapist; empty where there is one of the kind. Never null: an index finds it.';

CREATE TABLE journals (
    id           uuid PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('paid', 'reversed', 'settled', 'cancellation_fee', 'refund_decided', 'refund_done', 'payout', 'debt_netted',
        'provider_payout')),
    source       text NOT NULL CONSTRAINT journals_once UNIQUE,
    effective_at timestamptz NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now()
);

COMMENT ON COLUMN journals.source IS 'What it books, such as paid:<payment>: nothing is booked twice.';

CREATE TABLE journal_entries (
    id         uuid PRIMARY KEY,
    journal_id uuid NOT NULL REFERENCES journals (id),
    account_id uuid NOT NULL REFERENCES accounts (id),
    amount     bigint NOT NULL CHECK (amount <> 0)
);

CREATE INDEX journal_entries_journal ON journal_entries (journal_id);
CREATE INDEX journal_entries_account ON journal_entries (account_id);

CREATE FUNCTION check_journal_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT sum(amount) FROM journal_entries WHERE journal_id = NEW.journal_id) <> 0 THEN
        RAISE EXCEPTION 'journal % does not sum to zero', NEW.journal_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER journal_balanced AFTER INSERT ON journal_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_journal_balanced();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER journals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journals EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_entries EXECUTE FUNCTION refuse_change();
CREATE TRIGGER accounts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON accounts EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payment_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payment_events EXECUTE FUNCTION refuse_change();

-- Settlements.

CREATE TABLE therapist_bank_accounts (
    therapist_id    uuid PRIMARY KEY,
    account         bytea NOT NULL,
    payee_kind      text NOT NULL CHECK (payee_kind IN ('freelancer', 'business')),
    business_number text CHECK (business_number ~ '^[0-9]{10}$'),
    closed_at       timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CHECK ((payee_kind = 'business') = (business_number IS NOT NULL))
);

COMMENT ON COLUMN therapist_bank_accounts.account IS 'Encrypted JSON: bank, number, holder.';
COMMENT ON COLUMN therapist_bank_accounts.closed_at IS 'The therapist''s account was deleted: the row goes once nothing is open.';

CREATE INDEX therapist_bank_accounts_closed ON therapist_bank_accounts (closed_at) WHERE closed_at IS NOT NULL;

CREATE TABLE settlements (
    id                      uuid PRIMARY KEY,
    therapist_id            uuid NOT NULL,
    settlement_period_start date NOT NULL,
    settlement_period_end   date NOT NULL,
    total_sessions          integer NOT NULL CHECK (total_sessions = settled_sessions + pending_sessions),
    settled_sessions        integer NOT NULL CHECK (settled_sessions >= 0),
    pending_sessions        integer NOT NULL CHECK (pending_sessions >= 0),
    total_session_fee       bigint NOT NULL CHECK (total_session_fee >= 0),
    total_platform_fee      bigint NOT NULL CHECK (total_platform_fee >= 0),
    settlement_amount       bigint NOT NULL CHECK (settlement_amount = total_session_fee - total_platform_fee),
    carried_debt            bigint NOT NULL CHECK (carried_debt BETWEEN 0 AND settlement_amount),
    income_tax              bigint NOT NULL CHECK (income_tax >= 0),
    local_tax               bigint NOT NULL CHECK (local_tax >= 0),
    final_amount            bigint NOT NULL CHECK (final_amount = settlement_amount - carried_debt - income_tax - local_tax AND final_amount >= 0),
    payee_kind              text NOT NULL CHECK (payee_kind IN ('freelancer', 'business')),
    policy_id               uuid NOT NULL REFERENCES settlement_policies (id),
    bank_account            bytea,
    status                  text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'confirmed', 'paid')),
    input_hash              bytea NOT NULL,
    confirmed_at            timestamptz,
    paid_at                 timestamptz,
    created_at              timestamptz NOT NULL DEFAULT now(),
    updated_at              timestamptz NOT NULL DEFAULT now(),
    version                 bigint NOT NULL DEFAULT 1,
    CONSTRAINT settlements_once UNIQUE (therapist_id, settlement_period_start),
    CHECK ((status = 'pending') = (confirmed_at IS NULL)),
    CHECK ((status = 'paid') = (paid_at IS NOT NULL))
);

COMMENT ON COLUMN settlements.bank_account IS 'Encrypted copy of the account at the time of confirming; null where nothing is transferred, and once it is paid to somebody whose account was deleted.';
COMMENT ON COLUMN settlements.input_hash IS 'SHA-256 of the lines, the debt, the policy and the kind of payee that it was computed from.';

CREATE INDEX settlements_newest ON settlements (settlement_period_start DESC, id);

CREATE TABLE settlement_details (
    settlement_id       uuid NOT NULL REFERENCES settlements (id),
    consultation_id     uuid NOT NULL REFERENCES sessions (consultation_id),
    session_number      smallint NOT NULL,
    kind                text NOT NULL CHECK (kind IN ('session', 'no_show', 'late_cancel')),
    occurred_at         timestamptz NOT NULL,
    session_fee         bigint NOT NULL CHECK (session_fee >= 0),
    platform_fee        bigint NOT NULL CHECK (platform_fee BETWEEN 0 AND session_fee),
    net_amount          bigint NOT NULL CHECK (net_amount = session_fee - platform_fee),
    report_submitted_at timestamptz,
    settlement_status   text NOT NULL CHECK (settlement_status IN ('settled', 'pending_report')),
    PRIMARY KEY (settlement_id, consultation_id),
    CHECK (settlement_status <> 'settled' OR kind <> 'session' OR report_submitted_at IS NOT NULL)
);

-- A session settles once in its life.
CREATE UNIQUE INDEX settlement_details_settled_once ON settlement_details (consultation_id) WHERE settlement_status = 'settled';

CREATE TABLE reconciliation_cases (
    id         uuid PRIMARY KEY,
    kind       text NOT NULL CHECK (kind IN ('unknown_payment', 'amount', 'refund', 'unknown_here', 'unknown_there', 'reversed')),
    provider   text NOT NULL,
    payment_id uuid REFERENCES payments (id),
    subject    text NOT NULL,
    details    text NOT NULL,
    opened_at  timestamptz NOT NULL DEFAULT now(),
    closed_at  timestamptz,
    closed_by  uuid,
    resolution text,
    CHECK ((closed_at IS NULL) = (resolution IS NULL))
);

COMMENT ON COLUMN reconciliation_cases.subject IS 'What it is about: the same finding opens one case.';

CREATE UNIQUE INDEX reconciliation_cases_once ON reconciliation_cases (kind, provider, subject) WHERE closed_at IS NULL;
CREATE INDEX reconciliation_cases_newest ON reconciliation_cases ((closed_at IS NOT NULL), opened_at DESC);

CREATE TABLE leases (
    job    text PRIMARY KEY,
    holder uuid NOT NULL,
    until  timestamptz NOT NULL
);

CREATE TABLE idempotency_keys (
    caller_id    uuid NOT NULL,
    rpc          text NOT NULL,
    key          text NOT NULL,
    request_hash bytea NOT NULL,
    answer       bytea,
    expires_at   timestamptz NOT NULL,
    PRIMARY KEY (caller_id, rpc, key)
);

COMMENT ON COLUMN idempotency_keys.answer IS 'The first answer, encrypted; null only while its transaction runs.';

CREATE INDEX idempotency_keys_expired ON idempotency_keys (expires_at);

GRANT SELECT ON settlement_policies TO aipoten_app;
GRANT SELECT, INSERT, UPDATE ON orders, sessions, payments, refunds, settlements, reconciliation_cases TO aipoten_app;
GRANT SELECT, INSERT ON payment_events, accounts, journals, journal_entries, settlement_details TO aipoten_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON therapist_bank_accounts, leases, idempotency_keys TO aipoten_app;
