-- Which builds these tables serve. A build is known by the newest migration that it has; each migration from this one on
-- adds a row, which older builds read as well: so an old build knows whether it may go on beside a newer one.
-- A migration that only adds (expand) repeats the `oldest` of the one before; one that takes away (contract) names the
-- oldest build that never uses what goes.
CREATE TABLE served_builds (
    migration BIGINT NOT NULL PRIMARY KEY,
    oldest    BIGINT NOT NULL
);
INSERT INTO served_builds (migration, oldest) VALUES (4, 1);
