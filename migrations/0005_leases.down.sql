DELETE FROM served_builds WHERE migration = 5;
DROP TABLE leases;
