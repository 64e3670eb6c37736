-- What replicas share of the exchange of tokens.

-- Tokens of impersonated accounts, by a hash of whose and where they are. A row without a
-- token is an exchange under way. Moments are milliseconds since 1970-01-01 UTC.
CREATE TABLE account_tokens (
    subject          bytea   NOT NULL PRIMARY KEY,
    installation_id  uuid    NOT NULL,
    sealed           bytea,
    -- When it was asked for, and how long it lives from then on.
    asked_at         bigint,
    ttl              bigint,
    -- Who exchanges, until when unless they say again that they are still at it.
    claim            uuid,
    claimed_until    bigint,
    -- When the row is of no use any more.
    forget_after     bigint  NOT NULL
);

CREATE INDEX account_tokens_by_installation ON account_tokens (installation_id);
CREATE INDEX account_tokens_by_end ON account_tokens (forget_after);

-- The quota of each app: a virtual schedule (GCRA). Moments are nanoseconds since
-- 1970-01-01 UTC; a place is free from `tat` minus the burst on.
CREATE TABLE exchange_quotas (
    app_id           uuid    NOT NULL PRIMARY KEY,
    tat              bigint  NOT NULL,
    -- Exchanges a minute: what is allowed for now, after the gateway has limited.
    working          bigint  NOT NULL,
    -- When the rate was lowered last, and from when on it rises.
    lowered_at       bigint,
    raised_at        bigint  NOT NULL,
    -- How often the gateway has limited: places handed out before are void.
    epoch            bigint  NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
