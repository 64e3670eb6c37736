//! The statements. Lists go in as arrays, so that one text serves them all.
//!
//! The literal states are what lets the server take the partial indexes. Rows that are
//! picked under a lock are picked in a materialized part of their own: the planner may
//! evaluate anything else more than once.

use crate::store::postgres::moment::now;

/// `$1`: the keys, in their order.
pub(in crate::store::postgres) const LOCK: &str =
    "SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS key";

/// For each new job of `$1` to `$4` (id, digest, span of `unless_within`, order if it
/// coalesces) the jobs that it may be a duplicate of; `$5`: now. What came much later than
/// now came before the clock was set back.
pub(in crate::store::postgres) const HELD: &str = concat!(
    "SELECT (SELECT id FROM jobs WHERE id = n.id), \
           (SELECT id FROM jobs WHERE digest = n.digest AND received_at > ",
    now!("$5"),
    " - n.within AND received_at < ",
    now!("$5"),
    " + n.within ORDER BY received_at LIMIT 1), \
           coalesce( \
               (SELECT id FROM jobs WHERE order_key = n.order_key \
                   AND state IN ('ready', 'delayed', 'parked') ORDER BY seq LIMIT 1), \
               (SELECT id FROM jobs WHERE order_key = n.order_key AND state = 'blocked' \
                   ORDER BY seq LIMIT 1)) \
    FROM unnest($1::uuid[], $2::bytea[], $3::bigint[], $4::bytea[]) \
        WITH ORDINALITY AS n(id, digest, within, order_key, place) \
    ORDER BY n.place"
);

/// `$1` to `$11`: the jobs; `$12`: now. Tells which of them were not held.
pub(in crate::store::postgres) const INSERT: &str = concat!(
    "INSERT INTO jobs (id, installation_id, kind, name, digest, received_at, forget_after, \
        state, order_key, payload, trace, sealed, token_expires_at) \
    SELECT n.id, n.installation_id, n.kind, n.name, n.digest, m.now, m.now + n.remember, \
        CASE WHEN n.order_key IS NULL THEN 'ready' ELSE 'blocked' END, n.order_key, \
        n.payload, n.trace, n.sealed, n.token_expires_at \
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::bigint[], \
            $7::bytea[], $8::text[], $9::text[], $10::bytea[], $11::bigint[]) \
        WITH ORDINALITY AS n(id, installation_id, kind, name, digest, remember, order_key, \
            payload, trace, sealed, token_expires_at, place) \
        CROSS JOIN (SELECT ",
    now!("$12"),
    " AS now) m \
    ORDER BY n.place \
    ON CONFLICT (id) DO NOTHING \
    RETURNING id"
);

/// Makes the first of each order of `$1` ready if none of the order is ahead of it. One that
/// is replayed may be earlier than one that runs: it waits for that.
pub(in crate::store::postgres) const UNBLOCK: &str = "\
    UPDATE jobs SET state = 'ready' WHERE state = 'blocked' AND id IN ( \
        SELECT (SELECT id FROM jobs WHERE order_key = o.key AND state = 'blocked' \
                   ORDER BY seq LIMIT 1) \
        FROM unnest($1::bytea[]) AS o(key) \
        WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE order_key = o.key \
                   AND state IN ('ready', 'delayed', 'parked', 'running')))";

/// Settles the runs of `$1` to `$7` (job, owner, attempt, state, span until it is due,
/// attempts that count, error); `$8`: now.
pub(in crate::store::postgres) const SETTLE: &str = concat!(
    "UPDATE jobs SET \
        state = s.state, \
        run_at = m.now + s.after, \
        attempt = s.counted, \
        error = coalesce(s.error, jobs.error), \
        owner = NULL, \
        lease_until = NULL, \
        payload = CASE WHEN s.state = 'done' THEN NULL ELSE payload END, \
        sealed = CASE WHEN s.state IN ('done', 'dead') THEN NULL ELSE sealed END, \
        token_expires_at = \
            CASE WHEN s.state IN ('done', 'dead') THEN NULL ELSE token_expires_at END, \
        ended_at = CASE WHEN s.state IN ('done', 'dead') THEN m.now END \
    FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], \
            $7::text[]) AS s(id, owner, attempt, state, after, counted, error) \
        CROSS JOIN (SELECT ",
    now!("$8"),
    " AS now) m \
    WHERE jobs.id = s.id AND jobs.owner = s.owner AND jobs.attempt = s.attempt \
      AND jobs.state = 'running' \
    RETURNING jobs.id, CASE WHEN jobs.ended_at IS NULL THEN NULL ELSE jobs.order_key END"
);

/// Up to `$1` jobs that are ready, one of each installation in turn, beginning after `$2`,
/// go to the owner `$3` for `$4`; `$5`: now; at most `$6` of each, and none of those in `$7`.
/// Each row tells as well how many installations were visited and which was the last.
///
/// It jumps from installation to installation on the index, so its cost is that of what it
/// finds. The order by `seq`, where any would do, is what binds the server to that index.
pub(in crate::store::postgres) const CLAIM: &str = concat!(
    "WITH RECURSIVE \
    later(id, n) AS ( \
        (SELECT installation_id, 1 FROM jobs WHERE state = 'ready' AND installation_id > $2 \
            ORDER BY installation_id, seq LIMIT 1) \
        UNION ALL \
        SELECT (SELECT installation_id FROM jobs \
                   WHERE state = 'ready' AND installation_id > l.id \
                   ORDER BY installation_id, seq LIMIT 1), n + 1 \
        FROM later l WHERE l.id IS NOT NULL AND n < $1 + cardinality($7::uuid[])), \
    sooner(id, n) AS ( \
        (SELECT installation_id, 1 FROM jobs WHERE state = 'ready' AND installation_id <= $2 \
            ORDER BY installation_id, seq LIMIT 1) \
        UNION ALL \
        SELECT (SELECT installation_id FROM jobs \
                   WHERE state = 'ready' AND installation_id > s.id AND installation_id <= $2 \
                   ORDER BY installation_id, seq LIMIT 1), n + 1 \
        FROM sooner s WHERE s.id IS NOT NULL AND n < $1 + cardinality($7)), \
    turns AS MATERIALIZED ( \
        SELECT 0 AS lap, n, id FROM later WHERE id IS NOT NULL AND id <> ALL ($7) \
        UNION ALL \
        SELECT 1, n, id FROM sooner WHERE id IS NOT NULL AND id <> ALL ($7) \
        ORDER BY lap, n LIMIT $1), \
    visit AS MATERIALIZED ( \
        SELECT count(*) AS visited, \
            least(($1 + count(*) - 1) / greatest(count(*), 1), $6) AS each, \
            (SELECT id FROM turns ORDER BY lap DESC, n DESC LIMIT 1) AS last \
        FROM turns), \
    picked AS MATERIALIZED ( \
        SELECT t.lap, t.n, j.id AS job, \
            row_number() OVER (PARTITION BY t.id ORDER BY j.seq) AS round \
        FROM turns t CROSS JOIN LATERAL ( \
            SELECT id, seq FROM jobs WHERE state = 'ready' AND installation_id = t.id \
            ORDER BY installation_id, seq LIMIT (SELECT each FROM visit) \
            FOR UPDATE SKIP LOCKED) j), \
    taken AS ( \
        UPDATE jobs SET state = 'running', attempt = attempt + 1, run_at = NULL, \
            owner = $3, lease_until = ",
    now!("$5"),
    " + $4 \
        FROM (SELECT * FROM picked ORDER BY round, lap, n LIMIT $1) p \
        WHERE jobs.id = p.job \
        RETURNING p.round, p.lap, p.n, jobs.id, jobs.installation_id, jobs.kind, jobs.name, \
            jobs.attempt, jobs.payload, jobs.trace, jobs.sealed, jobs.token_expires_at, \
            jobs.received_at) \
    SELECT visit.visited, visit.last, taken.* FROM visit LEFT JOIN taken ON true \
    ORDER BY taken.round, taken.lap, taken.n"
);

/// Makes dead letters of the jobs of `$1`, which cannot be read; `$2`: the error; `$3`: now.
pub(in crate::store::postgres) const BURY: &str = concat!(
    "UPDATE jobs SET state = 'dead', run_at = NULL, owner = NULL, lease_until = NULL, \
        payload = coalesce(payload, ''), sealed = NULL, token_expires_at = NULL, \
        error = $2, ended_at = ",
    now!("$3"),
    " WHERE id = ANY($1::uuid[]) RETURNING order_key"
);

/// `$1`, `$2`: runs (job, attempt); `$3`: their owner; `$4`: for how long; `$5`: now.
pub(in crate::store::postgres) const RENEW: &str = concat!(
    "UPDATE jobs SET lease_until = ",
    now!("$5"),
    " + $4 \
    FROM unnest($1::uuid[], $2::bigint[]) AS r(id, attempt) \
    WHERE jobs.id = r.id AND jobs.owner = $3 AND jobs.attempt = r.attempt \
      AND jobs.state = 'running' \
    RETURNING jobs.id"
);

/// `$1`: how many; `$2`: now.
pub(in crate::store::postgres) const WAKE_DELAYED: &str = concat!(
    "WITH due AS MATERIALIZED ( \
        SELECT id FROM jobs WHERE state = 'delayed' AND run_at <= ",
    now!("$2"),
    " ORDER BY run_at LIMIT $1 FOR UPDATE SKIP LOCKED) \
    UPDATE jobs SET state = 'ready', run_at = NULL FROM due WHERE jobs.id = due.id"
);

/// Of the installations with parked jobs, those that have a token of the platform which lives
/// for `$3` seconds more and was sealed with a key that we know: its first bytes are among `$4`;
/// `$1`: how many jobs; `$2`: now.
pub(in crate::store::postgres) const WAKE_PARKED: &str = concat!(
    "WITH RECURSIVE parked(id) AS ( \
        (SELECT installation_id FROM jobs WHERE state = 'parked' \
            ORDER BY installation_id, seq LIMIT 1) \
        UNION ALL \
        SELECT (SELECT installation_id FROM jobs \
                   WHERE state = 'parked' AND installation_id > p.id \
                   ORDER BY installation_id, seq LIMIT 1) \
        FROM parked p WHERE p.id IS NOT NULL), \
    able AS MATERIALIZED ( \
        SELECT parked.id FROM parked JOIN app_tokens t ON t.installation_id = parked.id \
        WHERE t.expires_at > ",
    now!("$2"),
    " / 1000 + $3 AND t.from_platform AND substr(t.sealed, 1, 9) = ANY($4::bytea[])), \
    due AS MATERIALIZED ( \
        SELECT j.id FROM able CROSS JOIN LATERAL ( \
            SELECT id FROM jobs WHERE state = 'parked' AND installation_id = able.id \
            ORDER BY installation_id, seq LIMIT $1 FOR UPDATE SKIP LOCKED) j \
        LIMIT $1) \
    UPDATE jobs SET state = 'ready' FROM due WHERE jobs.id = due.id"
);

/// `$1`: how many; `$2`: now; `$3`: how long ago they came.
pub(in crate::store::postgres) const WAKE_HELD_UP: &str = concat!(
    "WITH due AS MATERIALIZED ( \
        SELECT id FROM jobs WHERE state = 'parked' AND received_at <= ",
    now!("$2"),
    " - $3 ORDER BY received_at LIMIT $1 FOR UPDATE SKIP LOCKED) \
    UPDATE jobs SET state = 'ready' FROM due WHERE jobs.id = due.id"
);

/// `$1`: how many; `$2`: now; `$3`: attempts at most; `$4`: the error.
pub(in crate::store::postgres) const LAPSE: &str = concat!(
    "WITH due AS MATERIALIZED ( \
        SELECT id FROM jobs WHERE state = 'running' AND lease_until <= ",
    now!("$2"),
    " ORDER BY lease_until LIMIT $1 FOR UPDATE SKIP LOCKED) \
    UPDATE jobs SET \
        state = CASE WHEN attempt >= $3 THEN 'dead' ELSE 'ready' END, \
        owner = NULL, \
        lease_until = NULL, \
        error = $4, \
        sealed = CASE WHEN attempt >= $3 THEN NULL ELSE sealed END, \
        token_expires_at = CASE WHEN attempt >= $3 THEN NULL ELSE token_expires_at END, \
        ended_at = CASE WHEN attempt >= $3 THEN ",
    now!("$2"),
    " END \
    FROM due WHERE jobs.id = due.id \
    RETURNING jobs.id, attempt, installation_id, name, ended_at IS NOT NULL, order_key"
);

/// How long until the next delayed job or lease is due; `$1`: now.
pub(in crate::store::postgres) const DUE: &str = concat!(
    "SELECT least((SELECT min(run_at) FROM jobs WHERE state = 'delayed'), \
        (SELECT min(lease_until) FROM jobs WHERE state = 'running')) - ",
    now!("$1")
);

/// `$1`: how many; `$2`: now.
pub(in crate::store::postgres) const PRUNE_DONE: &str = concat!(
    "WITH due AS MATERIALIZED ( \
        SELECT id FROM jobs WHERE state = 'done' AND forget_after <= ",
    now!("$2"),
    " ORDER BY forget_after LIMIT $1 FOR UPDATE SKIP LOCKED) \
    DELETE FROM jobs USING due WHERE jobs.id = due.id"
);

/// `$1`: how many; `$2`: now; `$3`: for how long they are kept.
pub(in crate::store::postgres) const PRUNE_DEAD: &str = concat!(
    "WITH due AS MATERIALIZED ( \
        SELECT id FROM jobs WHERE state = 'dead' AND ended_at <= ",
    now!("$2"),
    " - $3 ORDER BY ended_at LIMIT $1 FOR UPDATE SKIP LOCKED) \
    DELETE FROM jobs USING due WHERE jobs.id = due.id"
);

/// `$1`: now. The index has just what is counted.
pub(in crate::store::postgres) const COUNT: &str = concat!(
    "SELECT state, count(*), ",
    now!("$1"),
    " - min(received_at) FROM jobs WHERE state <> 'done' GROUP BY state"
);

macro_rules! record {
    ($payload:literal) => {
        concat!(
            "SELECT id, installation_id, kind, name, state, attempt, received_at, run_at, \
                ended_at, trace, error, ",
            $payload,
            " AS payload FROM jobs WHERE "
        )
    };
}

/// What an operator asked for; `$4`: how many; `$5`: now. A list begins with the newest. What
/// is done to many is done to the oldest first: jobs of one order that are replayed in
/// several steps do not overtake each other.
macro_rules! of_state {
    ($state:literal, $first:literal) => {
        concat!(
            "state = ",
            $state,
            " AND ($1::uuid IS NULL OR id = $1) \
              AND ($2::uuid IS NULL OR installation_id = $2) \
              AND ($3::bigint IS NULL OR ended_at <= ",
            now!("$5"),
            " - $3) ORDER BY seq ",
            $first,
            " LIMIT $4::bigint"
        )
    };
}

pub(in crate::store::postgres) const SHOW: &str = concat!(record!("payload"), "id = $1");

/// `$6`: the state.
pub(in crate::store::postgres) const LIST: &str =
    concat!(record!("NULL::text"), of_state!("$6", "DESC"));

/// The oldest first: what is replayed in parts keeps its order too.
pub(in crate::store::postgres) const REPLAY: &str = concat!(
    "WITH meant AS MATERIALIZED (SELECT id FROM jobs WHERE ",
    of_state!("'dead'", "ASC"),
    " FOR UPDATE) \
    UPDATE jobs SET state = CASE WHEN order_key IS NULL THEN 'ready' ELSE 'blocked' END, \
        attempt = 0, run_at = NULL, ended_at = NULL \
    FROM meant WHERE jobs.id = meant.id \
    RETURNING order_key"
);

pub(in crate::store::postgres) const PURGE: &str = concat!(
    "WITH meant AS MATERIALIZED (SELECT id FROM jobs WHERE ",
    of_state!("'dead'", "ASC"),
    " FOR UPDATE) \
    DELETE FROM jobs USING meant WHERE jobs.id = meant.id"
);
