//! The bounds of everything that can grow, each with a name; a definition beyond one of them is broken.

/// The most rules a flag has in one environment.
pub const RULES_PER_FLAG: usize = 100;
/// The most conditions a rule or a segment has.
pub const CONDITIONS_PER_RULE: usize = 50;
/// The most values a condition compares with.
pub const VALUES_PER_CONDITION: usize = 10_000;
/// The most segments a rule names.
pub const SEGMENTS_PER_RULE: usize = 20;
/// The most variants a flag has.
pub const VARIANTS_PER_FLAG: usize = 100;
/// The most prerequisites a flag has in one environment.
pub const PREREQUISITES_PER_FLAG: usize = 10;
/// The longest chain of prerequisites below a flag.
pub const PREREQUISITE_DEPTH: usize = 10;
/// The most flags, itself and prerequisites of prerequisites included, that are evaluated to answer for one flag.
pub const EVALUATIONS_PER_CALL: u32 = 1_000;
/// The longest `matches` pattern, in bytes.
pub const PATTERN_LENGTH: usize = 1_000;
/// The most `matches` patterns in one definition: each costs time and memory when it is compiled.
pub const PATTERNS_PER_DEFINITION: usize = 100;
/// The most memory that one compiled `matches` pattern takes, in bytes.
pub const PATTERN_SIZE: usize = 1 << 20;
/// The most keys that a segment includes, and the most that it excludes.
pub const SEGMENT_KEYS: usize = 10_000;
/// The longest text in a definition that is not a variant's value (a salt, a name, a value compared with), in bytes.
pub const TEXT_LENGTH: usize = 1_000;
/// The most characters of a flag's, segment's, project's or environment's key, and of a variant's.
pub const KEY_LENGTH: usize = 128;
/// The most problems reported for one definition; further ones are left out.
pub const PROBLEMS_PER_DEFINITION: usize = 100;
/// The longest place and the longest sentence of a problem, in bytes; what they quote is cut.
pub const PROBLEM_LENGTH: usize = 1_000;
/// The most attributes of a context that is read from JSON.
pub const ATTRIBUTES_PER_CONTEXT: usize = 1_000;
/// The most values of a condition, or elements of a list, that an explanation repeats.
pub const EXPLAINED_VALUES: usize = 10;
/// The most characters of an attribute's text that an explanation repeats.
pub const EXPLAINED_LENGTH: usize = 256;
/// The largest whole number that is told from its neighbours: numbers compare as doubles.
pub const EXACT_WHOLE_NUMBER: u64 = 1 << 53;
/// The most slots by which flags are found and counted; flags with higher ones are found by their keys alone.
pub const SLOTS: usize = 65_536;
