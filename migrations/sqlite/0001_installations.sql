-- What the remote keeps of each installation. Ids are the UUID of the ARI; moments are
-- seconds since 1970-01-01 UTC.
CREATE TABLE installations (
    id               TEXT    NOT NULL PRIMARY KEY,
    app_id           TEXT    NOT NULL,
    ic_label         TEXT,
    api_base_url     TEXT    NOT NULL,
    site_url         TEXT,
    app_version      TEXT,
    environment      TEXT,
    environment_id   TEXT,
    license_active   INTEGER CHECK (license_active IN (0, 1)),
    last_seen        INTEGER NOT NULL
) STRICT;

-- The products an installation lives in, in the order of its token.
CREATE TABLE installation_contexts (
    installation_id  TEXT    NOT NULL REFERENCES installations (id) ON DELETE CASCADE,
    position         INTEGER NOT NULL,
    product          TEXT    NOT NULL,
    cloud_id         TEXT,
    workspace_id     TEXT,
    api_base_url     TEXT    NOT NULL,
    PRIMARY KEY (installation_id, position)
) STRICT, WITHOUT ROWID;

-- A cloud id outlives a reinstall: this is how a new installation finds the old one.
CREATE INDEX installation_contexts_by_cloud
    ON installation_contexts (cloud_id, installation_id)
    WHERE cloud_id IS NOT NULL;

-- At most one token each. `sealed` is AES-256-GCM ciphertext; its first nine bytes are
-- the format's version and the id of the key.
CREATE TABLE app_tokens (
    installation_id  TEXT    NOT NULL PRIMARY KEY REFERENCES installations (id) ON DELETE CASCADE,
    sealed           BLOB    NOT NULL,
    expires_at       INTEGER NOT NULL
) STRICT;

CREATE INDEX app_tokens_by_expiry ON app_tokens (expires_at);
