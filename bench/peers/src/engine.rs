//! What every engine is asked to do.

use std::fmt::Debug;

use hoist_bench::Person;

/// An engine that holds flags. A clone shares them, as threads of one program would.
pub trait Engine: Clone + Send + 'static {
    /// Its name in the table.
    const NAME: &'static str;
    /// Its own idea of a user.
    type User: Sync + 'static;

    /// An engine with flags, each a key and the name of its shape (`hoist_bench::SHAPES`).
    fn new(flags: &[(String, &str)]) -> Self;

    /// The engine's user for a user of the application.
    fn user(person: &Person) -> Self::User;

    /// A boolean flag, for a user.
    fn boolean(&mut self, key: &str, user: &Self::User) -> bool;

    /// The first letter of a text flag, for a user.
    fn letter(&mut self, key: &str, user: &Self::User) -> u8;
}

/// Ends the program unless an engine's five shapes mean what all others' do.
///
/// # Panics
///
/// When a shape is served to another share of the users than it says.
pub fn check<E: Engine>(engine: &mut E, users: &[E::User]) {
    let share = |served: usize| served * 100 / users.len();
    for (key, percent) in [("on", 100..=100), ("off", 0..=0), ("half", 45..=55), ("rules", 20..=30)] {
        let served = share(users.iter().filter(|user| engine.boolean(key, user)).count());
        assert!(percent.contains(&served), "{}: {key} is served to {served} %", E::NAME);
    }
    for (letter, percent) in [(b'A', 45..=55), (b'B', 25..=35), (b'C', 15..=25)] {
        let served = share(users.iter().filter(|user| engine.letter("split", user) == letter).count());
        assert!(percent.contains(&served), "{}: split is {} for {served} %", E::NAME, char::from(letter));
    }
}

/// The value, or the end of the program with what was wrong.
pub(crate) fn sure<T, E: Debug>(result: Result<T, E>) -> T {
    result.expect("the engine takes its flags")
}
