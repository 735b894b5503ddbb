//! Stories: what Hoist promises, told over real sockets. One file each.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

mod acknowledgement;
mod admission;
mod away;
mod bell;
mod cached;
mod cli;
mod cluster;
mod crash;
mod database;
mod deploy;
mod edge;
mod events;
mod faults;
mod golden;
mod headers;
mod help;
mod https;
mod instances;
mod leases;
mod leave;
mod migrations;
mod model;
mod moving;
mod numbers;
mod ofrep;
mod openapi;
mod openfeature;
mod operations;
mod overview;
mod promotion;
mod ramp;
mod rates;
mod receipts;
mod refusals;
mod rolling;
mod servers;
mod sessions;
mod settings;
mod sources;
mod start;
mod stream;
mod tidy;
mod traces;
mod writers;
