-- TEXT and BIGINT only, so that one text serves SQLite and PostgreSQL.
-- Times are milliseconds since the epoch, booleans are 0 or 1, documents are JSON.

CREATE TABLE projects (
    key            TEXT   NOT NULL PRIMARY KEY,
    name           TEXT   NOT NULL,
    description    TEXT   NOT NULL,
    -- The end of the project's audit chain; updating this row is the project's write lock.
    audit_sequence BIGINT NOT NULL,
    audit_hash     TEXT   NOT NULL,
    created_ms     BIGINT NOT NULL,
    created_by     TEXT   NOT NULL,
    -- A deleted key is a tombstone and is never given out again.
    deleted_ms     BIGINT
);

CREATE TABLE environments (
    project    TEXT   NOT NULL REFERENCES projects (key),
    key        TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    position   BIGINT NOT NULL,
    protected  BIGINT NOT NULL CHECK (protected IN (0, 1)),
    revision   BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    deleted_ms BIGINT,
    PRIMARY KEY (project, key)
);

CREATE TABLE flags (
    project     TEXT   NOT NULL REFERENCES projects (key),
    key         TEXT   NOT NULL,
    type        TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    description TEXT   NOT NULL,
    purpose     TEXT   NOT NULL,
    owner       TEXT   NOT NULL,
    tags        TEXT   NOT NULL,
    variants    TEXT   NOT NULL,
    salt        TEXT   NOT NULL,
    bucketing   TEXT   NOT NULL,
    version     BIGINT NOT NULL,
    expires_ms  BIGINT,
    created_ms  BIGINT NOT NULL,
    created_by  TEXT   NOT NULL,
    archived_ms BIGINT,
    archived_by TEXT,
    deleted_ms  BIGINT,
    PRIMARY KEY (project, key)
);

CREATE TABLE settings (
    project     TEXT   NOT NULL,
    environment TEXT   NOT NULL,
    flag        TEXT   NOT NULL,
    document    TEXT   NOT NULL,
    -- As in the document, for filters.
    enabled     BIGINT NOT NULL CHECK (enabled IN (0, 1)),
    version     BIGINT NOT NULL,
    revision    BIGINT NOT NULL,
    changed_ms  BIGINT NOT NULL,
    changed_by  TEXT   NOT NULL,
    reason      TEXT,
    PRIMARY KEY (project, flag, environment),
    FOREIGN KEY (project, environment) REFERENCES environments (project, key),
    FOREIGN KEY (project, flag) REFERENCES flags (project, key)
);

CREATE TABLE segments (
    project    TEXT   NOT NULL REFERENCES projects (key),
    key        TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    description TEXT  NOT NULL,
    document   TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL,
    changed_by TEXT   NOT NULL,
    PRIMARY KEY (project, key)
);

-- What SDKs saw, revision by revision: the whole document of what a change touched, NULL when it went away.
-- Patches, time travel and the refresh of a node all read this log.
CREATE TABLE flag_history (
    project     TEXT   NOT NULL,
    environment TEXT   NOT NULL,
    revision    BIGINT NOT NULL,
    kind        TEXT   NOT NULL CHECK (kind IN ('flag', 'segment')),
    key         TEXT   NOT NULL,
    document    TEXT,
    at_ms       BIGINT NOT NULL,
    PRIMARY KEY (project, environment, revision, kind, key),
    FOREIGN KEY (project, environment) REFERENCES environments (project, key)
);
CREATE INDEX flag_history_by_key ON flag_history (project, environment, kind, key, revision);

CREATE TABLE audit (
    project     TEXT   NOT NULL REFERENCES projects (key),
    sequence    BIGINT NOT NULL,
    at_ms       BIGINT NOT NULL,
    environment TEXT,
    flag        TEXT,
    action      TEXT   NOT NULL,
    actor       TEXT   NOT NULL,
    -- The entry as it was hashed.
    document    TEXT   NOT NULL,
    hash        TEXT   NOT NULL,
    PRIMARY KEY (project, sequence)
);
CREATE INDEX audit_by_time ON audit (at_ms, project, sequence);
CREATE INDEX audit_by_flag ON audit (project, flag, sequence);

CREATE TABLE tokens (
    id           TEXT   NOT NULL PRIMARY KEY,
    kind         TEXT   NOT NULL CHECK (kind IN ('sdk', 'web', 'api')),
    hash         TEXT   NOT NULL UNIQUE,
    name         TEXT   NOT NULL,
    role         TEXT   NOT NULL,
    project      TEXT   NOT NULL REFERENCES projects (key),
    environment  TEXT,
    created_ms   BIGINT NOT NULL,
    created_by   TEXT   NOT NULL,
    expires_ms   BIGINT,
    last_used_ms BIGINT,
    revoked_ms   BIGINT
);

-- The answers of writes that carried an Idempotency-Key.
CREATE TABLE answers (
    caller      TEXT   NOT NULL,
    key         TEXT   NOT NULL,
    fingerprint TEXT   NOT NULL,
    status      BIGINT NOT NULL,
    version     BIGINT,
    location    TEXT,
    body        TEXT   NOT NULL,
    at_ms       BIGINT NOT NULL,
    PRIMARY KEY (caller, key)
);
CREATE INDEX answers_by_time ON answers (at_ms);

CREATE TABLE instances (
    project       TEXT   NOT NULL,
    environment   TEXT   NOT NULL,
    instance      TEXT   NOT NULL,
    app           TEXT   NOT NULL,
    app_version   TEXT   NOT NULL,
    sdk           TEXT   NOT NULL,
    sequence      BIGINT NOT NULL,
    dropped       BIGINT NOT NULL,
    first_seen_ms BIGINT NOT NULL,
    last_seen_ms  BIGINT NOT NULL,
    PRIMARY KEY (project, environment, instance)
);

-- Evaluations counted by day; variant is '' where the caller's default was served.
CREATE TABLE exposures (
    project     TEXT   NOT NULL,
    environment TEXT   NOT NULL,
    flag        TEXT   NOT NULL,
    day_ms      BIGINT NOT NULL,
    variant     TEXT   NOT NULL,
    reason      TEXT   NOT NULL,
    mode        TEXT   NOT NULL CHECK (mode IN ('direct', 'bulk')),
    app         TEXT   NOT NULL,
    app_version TEXT   NOT NULL,
    sdk         TEXT   NOT NULL,
    count       BIGINT NOT NULL,
    first_ms    BIGINT NOT NULL,
    last_ms     BIGINT NOT NULL,
    PRIMARY KEY (project, environment, flag, day_ms, variant, reason, mode, app, app_version, sdk)
);

-- Keys that applications asked for and nobody has made.
CREATE TABLE unknown_flags (
    project     TEXT   NOT NULL,
    environment TEXT   NOT NULL,
    flag        TEXT   NOT NULL,
    app         TEXT   NOT NULL,
    app_version TEXT   NOT NULL,
    count       BIGINT NOT NULL,
    first_ms    BIGINT NOT NULL,
    last_ms     BIGINT NOT NULL,
    PRIMARY KEY (project, environment, flag, app, app_version)
);
