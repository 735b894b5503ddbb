DROP TABLE served_builds;
