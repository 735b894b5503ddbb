DROP TABLE receipts;
DROP TABLE nodes;
