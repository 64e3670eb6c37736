-- What the remote keeps of each installation. Ids are the UUID of the ARI; moments are
-- seconds since 1970-01-01 UTC.
--
-- Migrations of this folder only ever add: while a new release rolls out, the old one
-- works on the same tables.
CREATE TABLE installations (
    id               uuid    NOT NULL PRIMARY KEY,
    app_id           uuid    NOT NULL,
    ic_label         text,
    api_base_url     text    NOT NULL,
    site_url         text,
    app_version      text,
    environment      text,
    environment_id   uuid,
    license_active   boolean,
    last_seen        bigint  NOT NULL,
    first_seen       bigint  NOT NULL
);

-- The products an installation lives in, in the order of its token.
CREATE TABLE installation_contexts (
    installation_id  uuid    NOT NULL REFERENCES installations (id) ON DELETE CASCADE,
    position         bigint  NOT NULL,
    product          text    NOT NULL,
    cloud_id         text,
    workspace_id     text,
    api_base_url     text    NOT NULL,
    PRIMARY KEY (installation_id, position)
);

-- A cloud id outlives a reinstall: this is how a new installation finds the old one.
CREATE INDEX installation_contexts_by_cloud
    ON installation_contexts (cloud_id, installation_id)
    WHERE cloud_id IS NOT NULL;

-- At most one token each. `sealed` is AES-256-GCM ciphertext; its first nine bytes are
-- the format's version and the id of the key.
CREATE TABLE app_tokens (
    installation_id  uuid    NOT NULL PRIMARY KEY REFERENCES installations (id) ON DELETE CASCADE,
    sealed           bytea   NOT NULL,
    expires_at       bigint  NOT NULL
);

CREATE INDEX app_tokens_by_expiry ON app_tokens (expires_at);
