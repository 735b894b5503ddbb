-- The nodes that write receipts: one is alive while it says so often enough.
CREATE TABLE nodes (
    node    TEXT   NOT NULL PRIMARY KEY,
    seen_ms BIGINT NOT NULL,
    -- The number of the last batch of rows that it wrote.
    batch   BIGINT NOT NULL
);

-- What each node knows of the instances that it heard from; a node writes rows of its own only, readers join them.
CREATE TABLE receipts (
    project       TEXT   NOT NULL,
    environment   TEXT   NOT NULL,
    instance      TEXT   NOT NULL,
    node          TEXT   NOT NULL,
    batch         BIGINT NOT NULL,
    name          TEXT,
    app           TEXT,
    app_version   TEXT,
    sdk           TEXT,
    -- The revision that it told, and since when it runs it; NULL when it told none.
    revision      BIGINT,
    since_ms      BIGINT,
    first_seen_ms BIGINT NOT NULL,
    last_seen_ms  BIGINT NOT NULL,
    -- Whether the node holds its stream, and if not, whether the instance closed it.
    connected     BIGINT NOT NULL CHECK (connected IN (0, 1)),
    closed        BIGINT NOT NULL CHECK (closed IN (0, 1)),
    PRIMARY KEY (project, environment, instance, node)
);
CREATE INDEX receipts_by_batch ON receipts (node, batch);
