-- When an installation first invoked the remote. Earlier releases did not keep it: of their
-- installations, the first moment that is known.
ALTER TABLE installations ADD COLUMN first_seen INTEGER NOT NULL DEFAULT 0;
UPDATE installations SET first_seen = last_seen;

-- Whether the platform itself brought the token, or a browser may have made it up. Of those
-- that earlier releases kept, nobody knows.
ALTER TABLE app_tokens ADD COLUMN from_platform INTEGER NOT NULL DEFAULT 0
    CHECK (from_platform IN (0, 1));

-- What events and ticks become until they are done. Moments are milliseconds since
-- 1970-01-01 UTC, but for the expiry of a token, which is in seconds as everywhere.
CREATE TABLE jobs (
    -- The order of arrival.
    seq              INTEGER NOT NULL PRIMARY KEY,
    id               TEXT    NOT NULL UNIQUE,
    installation_id  TEXT    NOT NULL,
    kind             TEXT    NOT NULL CHECK (kind IN ('event', 'tick')),
    name             TEXT    NOT NULL,
    digest           BLOB    NOT NULL,
    received_at      INTEGER NOT NULL,
    -- Until when the key of a done job is kept.
    forget_after     INTEGER NOT NULL,
    state            TEXT    NOT NULL CHECK (state IN
        ('ready', 'blocked', 'delayed', 'parked', 'running', 'done', 'dead')),
    -- Of the jobs of one order that have not ended, all but one are blocked.
    order_key        BLOB,
    run_at           INTEGER,
    attempt          INTEGER NOT NULL DEFAULT 0,
    owner            TEXT,
    lease_until      INTEGER,
    payload          TEXT,
    trace            TEXT    NOT NULL,
    -- The app token that came with it, as in `app_tokens`.
    sealed           BLOB,
    token_expires_at INTEGER,
    error            TEXT,
    ended_at         INTEGER,
    CHECK (payload IS NOT NULL OR state = 'done'),
    CHECK ((state = 'delayed') <= (run_at IS NOT NULL)),
    CHECK ((state = 'running') = (owner IS NOT NULL)),
    CHECK ((state = 'running') = (lease_until IS NOT NULL)),
    CHECK ((state IN ('done', 'dead')) = (ended_at IS NOT NULL)),
    CHECK ((state IN ('done', 'dead')) <= (sealed IS NULL))
) STRICT;

-- What a claim walks: one installation after the other, its jobs in their order.
CREATE INDEX jobs_ready ON jobs (installation_id, seq) WHERE state = 'ready';
CREATE INDEX jobs_delayed ON jobs (run_at) WHERE state = 'delayed';
CREATE INDEX jobs_parked ON jobs (installation_id, seq) WHERE state = 'parked';
CREATE INDEX jobs_parked_by_age ON jobs (received_at) WHERE state = 'parked';
CREATE INDEX jobs_running ON jobs (lease_until) WHERE state = 'running';
CREATE INDEX jobs_done ON jobs (forget_after) WHERE state = 'done';
CREATE INDEX jobs_dead ON jobs (seq) WHERE state = 'dead';
CREATE INDEX jobs_dead_by_end ON jobs (ended_at) WHERE state = 'dead';
CREATE INDEX jobs_by_order ON jobs (order_key, state, seq)
    WHERE order_key IS NOT NULL AND state NOT IN ('done', 'dead');
CREATE INDEX jobs_by_digest ON jobs (digest, received_at);
CREATE INDEX jobs_by_installation ON jobs (installation_id);
