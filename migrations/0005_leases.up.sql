-- The work that is done once for all nodes, and which node does it. There is no time in it, because nodes' clocks differ:
-- a beat that does not grow is that of a dead owner.
CREATE TABLE leases (
    name  TEXT   NOT NULL PRIMARY KEY,
    -- Empty when it was given back.
    owner TEXT   NOT NULL,
    beat  BIGINT NOT NULL
);
INSERT INTO served_builds (migration, oldest) VALUES (5, 1);
