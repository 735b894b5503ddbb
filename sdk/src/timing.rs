//! How long things take.

use std::time::Duration;

use crate::builder::ConnectError;

/// How a client paces itself towards its server. The defaults suit production; tests and unusual networks change them.
///
/// Every wait is jittered, so that a fleet does not act in step.
///
/// ```
/// use std::time::Duration;
///
/// let timing = hoist::Timing { flush: Duration::from_secs(10), ..hoist::Timing::default() };
/// assert_eq!(timing.silence, Duration::from_secs(45));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// The bound of the first wait before connecting again; it doubles with each failure. 1 s.
    pub retry: Duration,
    /// The bound of all waits before connecting again. 30 s.
    pub retry_max: Duration,
    /// About how long to wait before trying an SDK key again that the server refused. 60 s.
    pub refused: Duration,
    /// How long a connection lasts before it counts as a good one, after which waits begin short again. 10 s.
    pub settled: Duration,
    /// How long an answer may take to begin, and a stream to say its first word. 10 s.
    pub answer: Duration,
    /// How long a stream may go without a whole event or heartbeat before it counts as dead, and how long a poll proves
    /// anything. 45 s: three of
    /// the server's heartbeats.
    pub silence: Duration,
    /// How often to poll where streams do not get through. 15 s.
    pub poll: Duration,
    /// How long to poll before trying a stream again. 5 min.
    pub poll_for: Duration,
    /// How often to report evaluations. 60 s.
    pub flush: Duration,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing {
            retry: Duration::from_secs(1),
            retry_max: Duration::from_secs(30),
            refused: Duration::from_mins(1),
            settled: Duration::from_secs(10),
            answer: Duration::from_secs(10),
            silence: Duration::from_secs(45),
            poll: Duration::from_secs(15),
            poll_for: Duration::from_mins(5),
            flush: Duration::from_mins(1),
        }
    }
}

impl Timing {
    /// The shortest interval that is accepted: a shorter one would be a busy loop.
    pub const MIN: Duration = Duration::from_millis(5);

    /// The longest interval that is accepted.
    pub const MAX: Duration = Duration::from_hours(24);

    pub(crate) fn check(&self) -> Result<(), ConnectError> {
        let all = [
            ("retry", self.retry),
            ("retry_max", self.retry_max),
            ("refused", self.refused),
            ("settled", self.settled),
            ("answer", self.answer),
            ("silence", self.silence),
            ("poll", self.poll),
            ("poll_for", self.poll_for),
            ("flush", self.flush),
        ];
        match all.into_iter().find(|(_, interval)| !(Timing::MIN..=Timing::MAX).contains(interval)) {
            Some((name, _)) => Err(ConnectError::Timing(name)),
            None => Ok(()),
        }
    }
}
