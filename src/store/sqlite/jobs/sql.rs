//! The statements. Lists go in as JSON, so that one text serves them all.
//!
//! The literal states are what lets SQLite take the partial indexes.

/// For each new job of `?1` (id, digest, span of `unless_within`, order if it coalesces) the
/// jobs that it may be a duplicate of; `?2` is now. What came much later than now came before
/// the clock was set back.
pub(in crate::store::sqlite) const HELD: &str = "\
    SELECT (SELECT id FROM jobs WHERE id = n.value ->> 0), \
           (SELECT id FROM jobs WHERE digest = unhex(n.value ->> 1) \
               AND received_at > ?2 - (n.value ->> 2) \
               AND received_at < ?2 + (n.value ->> 2) ORDER BY received_at LIMIT 1), \
           (SELECT id FROM jobs WHERE order_key = unhex(n.value ->> 3) \
               AND state IN ('ready', 'blocked', 'delayed', 'parked') \
               AND state NOT IN ('done', 'dead') ORDER BY seq LIMIT 1) \
    FROM json_each(?1) n ORDER BY n.key";

/// How far before the others a job lies that is done: it keeps its order among those.
///
/// A job shrinks to a tenth when payload and token go, and new ones are added at the end: where
/// it was, its page would stay almost empty for a day. Once all of a page have left, SQLite gives
/// it to others.
macro_rules! aside {
    () => {
        "1099511627776"
    };
}

/// `?1`: the jobs; `?2`: now. The order goes on after those that are done, even if these are all
/// that there are.
pub(in crate::store::sqlite) const INSERT: &str = concat!(
    "INSERT INTO jobs (seq, id, installation_id, kind, name, digest, received_at, forget_after, \
        state, order_key, payload, trace, sealed, token_expires_at) \
    SELECT 1 + key + max( \
            coalesce((SELECT max(seq) FROM jobs WHERE seq > 0), 0), \
            coalesce((SELECT max(seq) FROM jobs WHERE seq <= 0) + ",
    aside!(),
    ", 0)), \
        value ->> 0, value ->> 1, value ->> 2, value ->> 3, unhex(value ->> 4), ?2, \
        value ->> 5, iif(value ->> 6 IS NULL, 'ready', 'blocked'), unhex(value ->> 6), \
        value ->> 7, value ->> 8, unhex(value ->> 9), value ->> 10 \
    FROM json_each(?1) ORDER BY key"
);

/// Makes the first of each order of `?1` ready if none of the order is ahead of it. One that
/// is replayed may be earlier than one that runs: it waits for that.
pub(in crate::store::sqlite) const UNBLOCK: &str = "\
    UPDATE jobs SET state = 'ready' WHERE seq IN ( \
        SELECT (SELECT min(seq) FROM jobs WHERE order_key = unhex(o.value) \
                   AND state = 'blocked' AND state NOT IN ('done', 'dead')) \
        FROM json_each(?1) o \
        WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE order_key = unhex(o.value) \
                   AND state IN ('ready', 'delayed', 'parked', 'running') \
                   AND state NOT IN ('done', 'dead')))";

/// Settles the runs of `?1` (job, owner, attempt, state, moment it is due, attempts that
/// count, error); `?2` is now.
pub(in crate::store::sqlite) const SETTLE: &str = concat!(
    "UPDATE jobs SET \
        seq = iif(s.state = 'done' AND seq > 0, seq - ",
    aside!(),
    ", seq), \
        state = s.state, \
        run_at = s.run_at, \
        attempt = s.counted, \
        error = coalesce(s.error, jobs.error), \
        owner = NULL, \
        lease_until = NULL, \
        payload = iif(s.state = 'done', NULL, payload), \
        sealed = iif(s.state IN ('done', 'dead'), NULL, sealed), \
        token_expires_at = iif(s.state IN ('done', 'dead'), NULL, token_expires_at), \
        ended_at = iif(s.state IN ('done', 'dead'), ?2, NULL) \
    FROM (SELECT value ->> 0 AS id, value ->> 1 AS owner, value ->> 2 AS attempt, \
              value ->> 3 AS state, value ->> 4 AS run_at, value ->> 5 AS counted, \
              value ->> 6 AS error \
          FROM json_each(?1)) s \
    WHERE jobs.id = s.id AND jobs.owner = s.owner AND jobs.attempt = s.attempt \
      AND jobs.state = 'running' \
    RETURNING id, iif(ended_at IS NULL, NULL, nullif(hex(order_key), ''))"
);

/// Up to `?1` jobs that are ready, one of each installation in turn, beginning after `?2`; at
/// most `?3` of each, and none of those in `?4`.
///
/// It jumps from installation to installation and from job to job on the index, so its cost
/// is that of what it finds. The second recursion is a queue sorted by round and turn.
pub(in crate::store::sqlite) const NEXT: &str = "\
    WITH RECURSIVE \
    later(id) AS ( \
        SELECT min(installation_id) FROM jobs \
            WHERE state = 'ready' AND installation_id > ?2 \
        UNION ALL \
        SELECT (SELECT min(installation_id) FROM jobs \
            WHERE state = 'ready' AND installation_id > l.id) \
        FROM later l WHERE l.id IS NOT NULL \
        LIMIT ?1 + json_array_length(?4)), \
    sooner(id) AS ( \
        SELECT min(installation_id) FROM jobs \
            WHERE state = 'ready' AND installation_id <= ?2 \
        UNION ALL \
        SELECT (SELECT min(installation_id) FROM jobs \
            WHERE state = 'ready' AND installation_id <= ?2 AND installation_id > s.id) \
        FROM sooner s WHERE s.id IS NOT NULL \
        LIMIT ?1 + json_array_length(?4)), \
    turns(wrapped, id) AS ( \
        SELECT 0, id FROM later \
            WHERE id IS NOT NULL AND id NOT IN (SELECT value FROM json_each(?4)) \
        UNION ALL \
        SELECT 1, id FROM sooner \
            WHERE id IS NOT NULL AND id NOT IN (SELECT value FROM json_each(?4))), \
    line(round, wrapped, installation_id, seq) AS ( \
        SELECT 0, wrapped, id, (SELECT min(seq) FROM jobs \
            WHERE state = 'ready' AND installation_id = turns.id) \
        FROM turns \
        UNION ALL \
        SELECT round + 1, wrapped, line.installation_id, jobs.seq \
        FROM line JOIN jobs ON jobs.seq = (SELECT min(seq) FROM jobs \
            WHERE state = 'ready' AND installation_id = line.installation_id \
              AND seq > line.seq) \
        WHERE line.round + 1 < ?3 \
        ORDER BY 1, 2, 3 \
        LIMIT ?1) \
    SELECT jobs.seq, jobs.id, jobs.installation_id, jobs.kind, jobs.name, jobs.attempt, \
        jobs.payload, jobs.trace, jobs.sealed, jobs.token_expires_at, jobs.received_at \
    FROM line CROSS JOIN jobs ON jobs.seq = line.seq \
    ORDER BY line.round, line.wrapped, line.installation_id";

/// Gives the jobs of `?1` to the owner `?2` until `?3`.
pub(in crate::store::sqlite) const TAKE: &str = "\
    UPDATE jobs SET state = 'running', attempt = attempt + 1, run_at = NULL, \
        owner = ?2, lease_until = ?3 \
    WHERE seq IN (SELECT value FROM json_each(?1))";

/// Makes dead letters of the jobs of `?1`, which cannot be read; `?2`: the error; `?3`: now.
pub(in crate::store::sqlite) const BURY: &str = "\
    UPDATE jobs SET state = 'dead', run_at = NULL, owner = NULL, lease_until = NULL, \
        payload = coalesce(payload, ''), sealed = NULL, token_expires_at = NULL, \
        error = ?2, ended_at = ?3 \
    WHERE seq IN (SELECT value FROM json_each(?1)) \
    RETURNING nullif(hex(order_key), '')";

/// `?1`: runs (job, attempt); `?2`: their owner; `?3`: until when.
pub(in crate::store::sqlite) const RENEW: &str = "\
    UPDATE jobs SET lease_until = ?3 \
    FROM (SELECT value ->> 0 AS id, value ->> 1 AS attempt FROM json_each(?1)) r \
    WHERE jobs.id = r.id AND jobs.owner = ?2 AND jobs.attempt = r.attempt \
      AND jobs.state = 'running' \
    RETURNING id";

/// `?1`: now; `?2`: how many.
pub(in crate::store::sqlite) const WAKE_DELAYED: &str = "\
    UPDATE jobs SET state = 'ready', run_at = NULL WHERE seq IN ( \
        SELECT seq FROM jobs WHERE state = 'delayed' AND run_at <= ?1 \
        ORDER BY run_at LIMIT ?2)";

/// Of the installations with parked jobs, those that have a token of the platform which outlives
/// `?1` and was sealed with a key that we know: its first bytes are in `?2`; `?3`: how many jobs.
pub(in crate::store::sqlite) const WAKE_PARKED: &str = "\
    WITH RECURSIVE parked(id) AS ( \
        SELECT min(installation_id) FROM jobs WHERE state = 'parked' \
        UNION ALL \
        SELECT (SELECT min(installation_id) FROM jobs \
            WHERE state = 'parked' AND installation_id > p.id) \
        FROM parked p WHERE p.id IS NOT NULL) \
    UPDATE jobs SET state = 'ready' WHERE seq IN ( \
        SELECT jobs.seq FROM parked \
        CROSS JOIN app_tokens t ON t.installation_id = parked.id \
            AND t.expires_at > ?1 AND t.from_platform \
            AND substr(t.sealed, 1, 9) IN (SELECT unhex(value) FROM json_each(?2)) \
        CROSS JOIN jobs ON jobs.installation_id = parked.id AND jobs.state = 'parked' \
        LIMIT ?3)";

/// `?1`: those that came by then; `?2`: how many.
pub(in crate::store::sqlite) const WAKE_HELD_UP: &str = "\
    UPDATE jobs SET state = 'ready' WHERE seq IN ( \
        SELECT seq FROM jobs WHERE state = 'parked' AND received_at <= ?1 \
        ORDER BY received_at LIMIT ?2)";

/// `?1`: now; `?2`: attempts at most; `?3`: the error; `?4`: how many; `?5`: until when a
/// lease may last.
pub(in crate::store::sqlite) const LAPSE: &str = "\
    UPDATE jobs SET \
        state = iif(attempt >= ?2, 'dead', 'ready'), \
        owner = NULL, \
        lease_until = NULL, \
        error = ?3, \
        sealed = iif(attempt >= ?2, NULL, sealed), \
        token_expires_at = iif(attempt >= ?2, NULL, token_expires_at), \
        ended_at = iif(attempt >= ?2, ?1, NULL) \
    WHERE seq IN (SELECT seq FROM jobs WHERE state = 'running' \
        AND (lease_until <= ?1 OR lease_until > ?5) LIMIT ?4) \
    RETURNING id, attempt, installation_id, name, ended_at IS NOT NULL, \
        iif(ended_at IS NULL, NULL, nullif(hex(order_key), '')) AS ended_order";

/// The moments at which the next delayed job and the next lease are due.
pub(in crate::store::sqlite) const DUE: &str = "\
    SELECT (SELECT min(run_at) FROM jobs WHERE state = 'delayed'), \
           (SELECT min(lease_until) FROM jobs WHERE state = 'running')";

/// `?1`: now; `?2`: how many.
pub(in crate::store::sqlite) const PRUNE_DONE: &str = "\
    DELETE FROM jobs WHERE seq IN ( \
        SELECT seq FROM jobs WHERE state = 'done' AND forget_after <= ?1 \
        ORDER BY forget_after LIMIT ?2)";

/// `?1`: those that ended by then; `?2`: how many.
pub(in crate::store::sqlite) const PRUNE_DEAD: &str = "\
    DELETE FROM jobs WHERE seq IN ( \
        SELECT seq FROM jobs WHERE state = 'dead' AND ended_at <= ?1 \
        ORDER BY ended_at LIMIT ?2)";

/// Each count walks an index that holds just what it counts.
pub(in crate::store::sqlite) const COUNT: &str = "\
    WITH counts(state, count, first) AS ( \
        SELECT 'ready', count(*), min(seq) FROM jobs WHERE state = 'ready' \
        UNION ALL \
        SELECT 'blocked', count(*), min(seq) FROM jobs WHERE state = 'blocked' \
            AND order_key IS NOT NULL AND state NOT IN ('done', 'dead') \
        UNION ALL \
        SELECT 'delayed', count(*), min(seq) FROM jobs WHERE state = 'delayed' \
        UNION ALL \
        SELECT 'parked', count(*), min(seq) FROM jobs WHERE state = 'parked' \
        UNION ALL \
        SELECT 'running', count(*), min(seq) FROM jobs WHERE state = 'running' \
        UNION ALL \
        SELECT 'dead', count(*), NULL FROM jobs WHERE state = 'dead') \
    SELECT state, count, (SELECT received_at FROM jobs WHERE seq = first) FROM counts";

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

/// What an operator asked for; `?4` is how many. A list begins with the newest. What is done
/// to many is done to the oldest first: jobs of one order that are replayed in several steps
/// do not overtake each other.
macro_rules! of_state {
    ($state:literal, $first:literal) => {
        concat!(
            "state = '",
            $state,
            "' AND (?1 IS NULL OR id = ?1) AND (?2 IS NULL OR installation_id = ?2) \
              AND (?3 IS NULL OR ended_at <= ?3) ORDER BY seq ",
            $first,
            " LIMIT ?4"
        )
    };
}

macro_rules! list {
    ($state:literal) => {
        concat!(record!("NULL"), of_state!($state, "DESC"))
    };
}

pub(in crate::store::sqlite) const SHOW: &str = concat!(record!("payload"), "id = ?1");

pub(in crate::store::sqlite) const LIST_READY: &str = list!("ready");
pub(in crate::store::sqlite) const LIST_BLOCKED: &str = list!("blocked");
pub(in crate::store::sqlite) const LIST_DELAYED: &str = list!("delayed");
pub(in crate::store::sqlite) const LIST_PARKED: &str = list!("parked");
pub(in crate::store::sqlite) const LIST_RUNNING: &str = list!("running");
pub(in crate::store::sqlite) const LIST_DONE: &str = list!("done");
pub(in crate::store::sqlite) const LIST_DEAD: &str = list!("dead");

/// The oldest first: what is replayed in parts keeps its order too.
pub(in crate::store::sqlite) const REPLAY: &str = concat!(
    "UPDATE jobs SET state = iif(order_key IS NULL, 'ready', 'blocked'), attempt = 0, \
        run_at = NULL, ended_at = NULL \
     WHERE seq IN (SELECT seq FROM jobs WHERE ",
    of_state!("dead", "ASC"),
    ") RETURNING nullif(hex(order_key), '')"
);

pub(in crate::store::sqlite) const PURGE: &str = concat!(
    "DELETE FROM jobs WHERE seq IN (SELECT seq FROM jobs WHERE ",
    of_state!("dead", "ASC"),
    ")"
);
