-- Who is signed in: the hash of the text in the cookie, and the hash of the token that the session ends with.
-- The token may come from the settings, and then has no row of its own.
CREATE TABLE sessions (
    hash       TEXT   NOT NULL PRIMARY KEY,
    token_hash TEXT   NOT NULL,
    started_ms BIGINT NOT NULL,
    ends_ms    BIGINT NOT NULL
);
CREATE INDEX sessions_by_token ON sessions (token_hash, started_ms);
CREATE INDEX sessions_by_end ON sessions (ends_ms);
