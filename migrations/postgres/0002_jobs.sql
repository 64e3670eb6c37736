-- Whether the platform itself brought the token, or a browser may have made it up.
ALTER TABLE app_tokens ADD COLUMN from_platform boolean NOT NULL DEFAULT false;

-- Events and ticks from their acknowledgement to their end. Moments are milliseconds since
-- 1970-01-01 UTC. Rows change often and die young: vacuum comes early.
CREATE TABLE jobs (
    -- The order of arrival. It has no index of its own: a claim would be planned along it,
    -- past all that is done, where most jobs are of one installation.
    seq              bigint  NOT NULL GENERATED ALWAYS AS IDENTITY,
    id               uuid    NOT NULL PRIMARY KEY,
    installation_id  uuid    NOT NULL,
    kind             text    NOT NULL CHECK (kind IN ('event', 'tick')),
    name             text    NOT NULL CHECK (length(name) <= 255),
    digest           bytea   NOT NULL,
    received_at      bigint  NOT NULL,
    -- Until when the key of a job that is done is kept.
    forget_after     bigint  NOT NULL,
    state            text    NOT NULL CHECK (state IN
                         ('ready', 'blocked', 'delayed', 'parked', 'running', 'done', 'dead')),
    -- Of the jobs of one order that have not ended, all but one are blocked.
    order_key        bytea,
    run_at           bigint,
    attempt          bigint  NOT NULL DEFAULT 0,
    owner            uuid,
    lease_until      bigint,
    payload          text,
    trace            text    NOT NULL,
    -- The app token that came with it, as in `app_tokens`; its expiry is in seconds.
    sealed           bytea,
    token_expires_at bigint,
    error            text,
    ended_at         bigint,
    CHECK (payload IS NOT NULL OR state = 'done'),
    CHECK (state <> 'delayed' OR run_at IS NOT NULL),
    CHECK ((state = 'running') = (owner IS NOT NULL)),
    CHECK ((state = 'running') = (lease_until IS NOT NULL)),
    CHECK ((state IN ('done', 'dead')) = (ended_at IS NOT NULL)),
    CHECK (state NOT IN ('done', 'dead') OR sealed IS NULL)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);

-- Whoever claims walks from one installation to the next.
CREATE INDEX jobs_ready ON jobs (installation_id, seq) WHERE state = 'ready';
CREATE INDEX jobs_parked ON jobs (installation_id, seq) WHERE state = 'parked';
CREATE INDEX jobs_parked_by_age ON jobs (received_at) WHERE state = 'parked';
CREATE INDEX jobs_delayed ON jobs (run_at) WHERE state = 'delayed';
CREATE INDEX jobs_running ON jobs (lease_until) WHERE state = 'running';
CREATE INDEX jobs_done ON jobs (forget_after) WHERE state = 'done';
CREATE INDEX jobs_dead ON jobs (seq) WHERE state = 'dead';
CREATE INDEX jobs_dead_by_end ON jobs (ended_at) WHERE state = 'dead';

-- Of an order, those that wait and the one whose turn it is.
CREATE INDEX jobs_blocked ON jobs (order_key, seq) WHERE state = 'blocked';
CREATE INDEX jobs_leading ON jobs (order_key)
    WHERE order_key IS NOT NULL AND state IN ('ready', 'delayed', 'parked', 'running');

CREATE INDEX jobs_by_digest ON jobs (digest, received_at);
-- For an uninstall. Not of those that are ready: a claim that looks for the next installation
-- would be planned along it, past all that the last one has done.
CREATE INDEX jobs_elsewhere ON jobs (installation_id) WHERE state <> 'ready';

-- How many there are, and which is the oldest.
CREATE INDEX jobs_kept ON jobs (state, received_at) WHERE state <> 'done';
