//! The server is lost in many ways while the application runs.

use std::time::Duration;

use hoist::{Status, Trouble};
use tests::Fault;

use super::{RETRY_MAX, World};

/// How the attempts during a fault are spaced.
enum Pace {
    /// By chance, up to the bound of all waits.
    Jittered,
    /// Never sooner than this.
    AtLeast(Duration),
}

/// Tells one row of the table: what is known stays, is told to be stale, and is made good after the fault.
async fn check(fault: Fault, trouble: fn(&Trouble) -> bool, pace: Pace) {
    let world = World::live().await;
    let (before, revision) = (world.answers(), world.client.status().revision().unwrap());
    world.proxy.set(fault.clone()).await;
    let told = world.troubled(trouble).await;
    assert!(matches!(told, Status::Stale { revision: at, .. } if at == revision), "{fault:?}: {told}");

    let killed = world.kill().await;
    let first = world.proxy.attempts().len();
    world.proxy.attempted(first + 4).await;
    assert_eq!(world.answers(), before, "{fault:?}: an answer changed");
    let told = world.client.status();
    assert!(matches!(told, Status::Stale { revision: at, .. } if at == revision), "{fault:?}: {told}");
    assert!(world.client.trouble().as_ref().is_some_and(trouble), "{fault:?}: {:?}", world.client.trouble());

    let metrics = world.client.metrics();
    // What the proxy has seen, the client need not have noticed yet.
    assert!(metrics.failures >= 2 && metrics.to_string().contains("{status=\"stale\"} 1\n"), "{metrics}");

    let waits = world.waits_since(first);
    match pace {
        Pace::AtLeast(least) => assert!(waits.iter().all(|wait| *wait >= least), "{fault:?}: {waits:?}"),
        Pace::Jittered => {
            // Full jitter may draw a short wait, but not only short ones.
            let sum: Duration = waits.iter().sum();
            assert!(sum >= RETRY_MAX / 20, "{fault:?} hurries: {waits:?}");
            assert!(waits.iter().any(|wait| wait.abs_diff(waits[0]) > Duration::from_millis(1)), "{waits:?}");
        }
    }
    world.heals_at(killed).await;
}

const REFUSED_AT_LEAST: Pace = Pace::AtLeast(Duration::from_millis(149));
const A_SECOND: Pace = Pace::AtLeast(Duration::from_millis(990));

#[tokio::test]
async fn connections_that_break_change_no_answer() {
    check(Fault::Reset, |trouble| matches!(trouble, Trouble::Unreachable(_)), Pace::Jittered).await;
}

#[tokio::test]
async fn a_401_changes_no_answer() {
    check(Fault::Answer(401, ""), |trouble| *trouble == Trouble::Refused(401), REFUSED_AT_LEAST).await;
}

#[tokio::test]
async fn a_403_changes_no_answer() {
    check(Fault::Answer(403, ""), |trouble| *trouble == Trouble::Refused(403), REFUSED_AT_LEAST).await;
}

#[tokio::test]
async fn a_404_changes_no_answer() {
    check(Fault::Answer(404, ""), |trouble| *trouble == Trouble::Answered(404), Pace::Jittered).await;
}

#[tokio::test]
async fn a_429_is_heeded_and_changes_no_answer() {
    let fault = Fault::Answer(429, "retry-after: 1\r\n");
    check(fault, |trouble| *trouble == Trouble::Answered(429), A_SECOND).await;
}

#[tokio::test]
async fn a_500_changes_no_answer() {
    check(Fault::Answer(500, ""), |trouble| *trouble == Trouble::Answered(500), Pace::Jittered).await;
}

#[tokio::test]
async fn a_503_is_heeded_and_changes_no_answer() {
    let fault = Fault::Answer(503, "retry-after: 1\r\n");
    check(fault, |trouble| *trouble == Trouble::Answered(503), A_SECOND).await;
}

#[tokio::test]
async fn half_open_connections_change_no_answer_and_are_given_up() {
    // Each attempt is left alone for as long as an answer may take.
    check(Fault::Hold, |trouble| *trouble == Trouble::Silent, Pace::AtLeast(Duration::from_millis(990)))
        .await;
}

#[tokio::test]
async fn a_slow_drip_changes_no_answer_and_is_given_up() {
    let fault = Fault::Drip(Duration::from_millis(100));
    check(fault, |trouble| *trouble == Trouble::Silent, Pace::AtLeast(Duration::from_millis(990))).await;
}

#[tokio::test]
async fn an_open_stream_that_begins_to_drip_changes_no_answer_and_is_given_up() {
    // Bytes arrive all the time, and no heartbeat is whole within the time of silence.
    let fault = Fault::Trickle(Duration::from_millis(250));
    check(fault, |trouble| *trouble == Trouble::Silent, Pace::AtLeast(Duration::from_millis(990))).await;
}

#[tokio::test]
async fn connections_that_are_cut_early_change_no_answer() {
    check(Fault::Cut(8), |trouble| matches!(trouble, Trouble::Unreachable(_)), Pace::Jittered).await;
}
