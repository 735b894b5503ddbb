//! Engines that evaluate the same flags for the same users, each through its own public interface.

mod engine;
mod engines;
mod table;

pub use engine::Engine;
pub use table::{COLUMNS, Line, lines};
