//! What arrives is not what was sent.

use hoist::{Context, Status, Trouble};
use tests::{Fault, live_at};

use super::{COPY, World, for_beta_testers};

fn is_patch(frame: &str) -> bool {
    frame.contains("event: patch") || frame.contains("event:patch")
}

/// Changes the second flag, by a patch that the fault spoils; gives the revision.
async fn change(world: &World) -> u64 {
    world.environment().rollout(COPY, 30, "a few more").await["revision"].as_u64().unwrap()
}

#[tokio::test]
async fn a_patch_that_was_lost_shows_by_the_next_and_everything_is_asked_for() {
    let world = World::live().await;
    let (before, revision) = (world.answers(), world.client.status().revision().unwrap());
    let lost = format!("id: {}\n", revision + 1);
    // The put that makes it good passes, as do the heartbeats.
    let dropping =
        Fault::edit(move |frame| (!(is_patch(frame) && frame.contains(&lost))).then(|| frame.to_owned()));
    world.proxy.set(dropping).await;
    let first = world.proxy.attempts().len();
    assert_eq!(change(&world).await, revision + 1);
    let mut wire = tests::Wire::open(&world.proxy.url, &world.key, None).await;
    wire.event().await;
    assert_eq!((world.client.status(), world.answers()), (Status::Live { revision }, before));

    let killed = world.kill().await;
    let told = world.troubled(|trouble| matches!(trouble, Trouble::Unreadable(_))).await;
    assert_eq!(told.revision(), Some(revision));
    world.is_live_at(killed).await;
    let attempts = world.proxy.attempts();
    let again: Vec<_> = attempts[first..].iter().filter(|attempt| attempt.path.contains("stream")).collect();
    assert!(again.iter().all(|attempt| attempt.after.is_none()), "{again:?}");
}

#[tokio::test]
async fn a_patch_that_does_not_parse_changes_nothing_and_everything_is_asked_for() {
    let world = World::live().await;
    let (before, revision) = (world.answers(), world.client.status().revision().unwrap());
    let garbling =
        |frame: &str| if is_patch(frame) { frame.replace("\"to\"", "\"to") } else { frame.to_owned() };
    // Puts are cut off as well, so that there is time to look.
    let garbling = Fault::edit(move |frame| Some(garbling(frame).replace("\"revision\"", "\"revision")));
    world.proxy.set(garbling).await;
    let killed = world.kill().await;
    let told = world.troubled(|trouble| matches!(trouble, Trouble::Unreadable(_))).await;
    assert!(matches!(told, Status::Stale { revision: at, .. } if at == revision), "{told}");
    let first = world.proxy.attempts().len();
    world.proxy.attempted(first + 2).await;
    assert_eq!(world.answers(), before, "an answer changed");
    world.heals_at(killed).await;
    let last = world.proxy.attempts().pop().unwrap();
    assert_eq!(last.after, None, "it asked for a patch to what it cannot trust");
}

#[tokio::test]
async fn an_operator_from_the_future_touches_one_flag_only() {
    let world = World::live().await;
    let before = world.answers();
    world.node.api().create_flag("beta").await;
    let future =
        Fault::edit(|frame| Some(frame.replace("\"operator\":\"in\"", "\"operator\":\"resembles\"")));
    world.proxy.set(future).await;
    let put = world.environment().put("beta", &for_beta_testers("beta")).ok().await;
    let revision = put["revision"].as_u64().unwrap();
    live_at(&world.client, revision).await;
    assert_eq!(world.answers(), before, "an answer of another flag changed");
    let tester = Context::new("user-1").with("plan", "beta");
    assert!(world.client.boolean("beta", &tester, true) && !world.client.boolean("beta", &tester, false));
    assert_eq!((world.client.status(), world.client.trouble()), (Status::Live { revision }, None));

    world.proxy.set(Fault::Pass).await;
    let killed = world.kill().await;
    world.is_live_at(killed).await;
    let put = world.environment().put("beta", &for_beta_testers("testers")).ok().await;
    live_at(&world.client, put["revision"].as_u64().unwrap()).await;
    assert!(world.client.boolean("beta", &tester, false), "the flag that can be read again is not");
}
