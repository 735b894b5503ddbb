//! Keeps the flags in use on disk, from the client's task, without holding anything up.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::warn;

use crate::disk::{CacheTrouble, Disk, Outcome};
use crate::shared::Shared;
use crate::status::Status;

/// How often the file is written at most.
const PAUSE: Duration = Duration::from_secs(1);

/// How long to wait after the file could not be written; it doubles with each failure.
const RETRY: Duration = Duration::from_secs(10);

/// The longest wait after the file could not be written.
const RETRY_MAX: Duration = Duration::from_mins(5);

/// How often the file is written anew when only the server's confirmation is.
const REFRESH: Duration = Duration::from_mins(1);

/// What a file says: a revision, and when the server last confirmed it.
type Confirmed = (u64, Timestamp);

/// The writing side of a client's file.
#[derive(Debug)]
pub(crate) struct Keeper {
    shared: Arc<Shared>,
    disk: Option<Disk>,
    /// The time of day.
    now: fn() -> Timestamp,
    /// What is on disk, or is outdone by what is, as far as this client knows.
    kept: Option<Confirmed>,
    /// Writes that failed since the last that did not.
    failures: u32,
    /// A write that was begun. It goes on even if nobody waits for it, so the next one waits.
    writing: Option<(JoinHandle<Result<Outcome, CacheTrouble>>, Confirmed)>,
}

impl Keeper {
    pub(crate) fn new(shared: Arc<Shared>, disk: Option<Disk>) -> Keeper {
        Keeper { shared, disk, now: Timestamp::now, kept: None, failures: 0, writing: None }
    }

    /// Keeps every newest revision for ever, some time after it came.
    pub(crate) async fn run(&mut self) -> Infallible {
        if self.disk.is_none() {
            return std::future::pending().await;
        }
        let mut status = self.shared.health.watch();
        loop {
            status.borrow_and_update();
            let is_well = self.keep(REFRESH / 2).await;
            sleep(if self.failures > 0 { self.patience() } else { PAUSE }).await;
            if is_well {
                // Whichever comes first is a reason to look. The status lives as long as this does.
                let _ = timeout(REFRESH, status.changed()).await;
            }
        }
    }

    /// Keeps the flags in use a last time, within a limit.
    pub(crate) async fn last(&mut self, limit: Duration) {
        // A disk that is too slow keeps what it had.
        let _ = timeout(limit, self.keep(Duration::ZERO)).await;
    }

    /// Keeps the flags in use, unless they are on disk with a confirmation that is `slack` older at most; says whether
    /// there is nothing left to do. It may be dropped at any point.
    async fn keep(&mut self, slack: Duration) -> bool {
        self.finish().await;
        let current = Arc::clone(&self.shared.current());
        let now = (self.now)();
        let Some((disk, confirmed)) = self.disk.clone().zip(self.confirmed(now)) else { return true };
        let is = (current.snapshot.revision(), confirmed);
        let is_kept = |kept: Confirmed| kept.0 == is.0 && is.1.duration_since(kept.1).unsigned_abs() <= slack;
        if self.kept.is_some_and(is_kept) {
            return true;
        }
        let write = move || disk.write(&current.snapshot.flag_set(), confirmed, now);
        self.writing = Some((tokio::task::spawn_blocking(write), is));
        self.finish().await;
        self.kept == Some(is)
    }

    /// When the server last confirmed the flags in use; none when it never did in this run.
    fn confirmed(&self, now: Timestamp) -> Option<Timestamp> {
        let health = &self.shared.health;
        let by_server = matches!(health.status(), Status::Live { .. } | Status::Stale { .. });
        by_server.then(|| now.checked_sub(health.age()).ok())?
    }

    async fn finish(&mut self) {
        let Some((writing, is)) = &mut self.writing else { return };
        let written = writing.await.unwrap_or_else(|error| Err(CacheTrouble::Unwritable(error.to_string())));
        let is = *is;
        self.writing = None;
        match written {
            Ok(outcome) => {
                // While another program writes there is nothing to tell, and the next look tries again.
                if outcome != Outcome::Busy {
                    self.kept = Some(is);
                    self.failures = 0;
                    self.shared.health.set_cache_trouble(None);
                }
            }
            Err(trouble) => {
                self.failures = self.failures.saturating_add(1);
                if self.shared.health.cache_trouble().as_ref() != Some(&trouble) {
                    warn!(%trouble, "the flags are not on disk");
                }
                self.shared.health.set_cache_trouble(Some(trouble));
            }
        }
    }

    fn patience(&self) -> Duration {
        let doubled = 1_u32.checked_shl(self.failures.saturating_sub(1)).unwrap_or(u32::MAX);
        RETRY.saturating_mul(doubled).min(RETRY_MAX).mul_f64(rand::random_range(0.75..1.0))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::OnceCell;
    use std::path::Path;

    use tempfile::TempDir;
    use tokio::time::Instant;

    use super::*;
    use crate::disk::Kept;
    use crate::feed::Feed;
    use crate::status::Trouble;

    thread_local! {
        static START: OnceCell<Instant> = const { OnceCell::new() };
    }

    /// The time of day that goes as tokio's clock does; a test stops that.
    fn now() -> Timestamp {
        let passed = START.with(|start| start.get_or_init(Instant::now).elapsed());
        Timestamp::from_second(1_000_000).unwrap() + passed
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    struct World {
        shared: Arc<Shared>,
        disk: Disk,
        folder: TempDir,
    }

    impl World {
        fn start() -> (World, Keeper) {
            now();
            let folder = tempfile::tempdir().unwrap();
            let world = World {
                shared: Arc::new(Shared::new(seconds(45))),
                disk: Disk::new(&folder.path().join("cache"), "http://localhost", "key"),
                folder,
            };
            let keeper = Keeper { now, ..Keeper::new(Arc::clone(&world.shared), Some(world.disk.clone())) };
            (world, keeper)
        }

        /// The server puts a revision.
        async fn put(&self, revision: u64) {
            let text = format!(
                r#"{{"project":"p","environment":"e","revision":{revision},"flags":{{}},"segments":{{}}}}"#
            );
            Feed::new(Arc::clone(&self.shared)).put_text(text, true).await.unwrap();
            self.shared.health.live(revision);
        }

        /// Lets the keeper keep for so long, while the server confirms the flags every few seconds or does not.
        async fn pass(&self, keeper: &mut Keeper, time: Duration, confirms: bool) {
            let mut beats = tokio::time::interval(seconds(5));
            let confirming = async {
                loop {
                    beats.tick().await;
                    if confirms {
                        self.shared.health.confirm();
                    }
                }
            };
            let _ = timeout(time, async { tokio::join!(keeper.run(), confirming) }).await;
        }

        /// The revision on disk, and how long ago it was confirmed by what is there.
        fn kept(&self) -> Option<(u64, u64)> {
            let Kept { set, confirmed } = self.disk.read().unwrap()?;
            Some((set.revision, now().duration_since(confirmed).unsigned_abs().as_secs()))
        }

        fn block(&self) {
            std::fs::write(self.cache(), "no folder").unwrap();
        }

        fn cache(&self) -> std::path::PathBuf {
            Path::new(self.folder.path()).join("cache")
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_revision_is_kept_soon_and_its_confirmation_each_minute() {
        let (world, mut keeper) = World::start();
        world.pass(&mut keeper, seconds(100), false).await;
        assert_eq!(world.kept(), None, "nobody confirmed anything");
        world.put(7).await;
        world.pass(&mut keeper, seconds(3), true).await;
        assert_eq!(world.kept(), Some((7, 3)));
        for _ in 0..20 {
            world.pass(&mut keeper, seconds(33), true).await;
            let (revision, age) = world.kept().unwrap();
            assert!(revision == 7 && age <= 67, "{age}");
        }
        world.put(8).await;
        world.pass(&mut keeper, seconds(3), true).await;
        assert_eq!(world.kept(), Some((8, 3)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_that_is_kept_is_that_of_the_last_confirmation() {
        let (world, mut keeper) = World::start();
        world.put(7).await;
        world.pass(&mut keeper, seconds(40), true).await;
        world.shared.health.lost(Trouble::Closed);
        world.pass(&mut keeper, seconds(500), false).await;
        keeper.last(seconds(1)).await;
        assert_eq!(world.kept(), Some((7, 500)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_revision_that_came_just_before_the_server_was_lost_is_kept() {
        let (world, mut keeper) = World::start();
        world.put(7).await;
        world.pass(&mut keeper, seconds(1), true).await;
        world.put(8).await;
        world.shared.health.lost(Trouble::Closed);
        world.pass(&mut keeper, seconds(3), false).await;
        assert_eq!(world.kept(), Some((8, 3)));
    }

    #[tokio::test(start_paused = true)]
    async fn closing_keeps_the_newest_confirmation() {
        let (world, mut keeper) = World::start();
        world.put(7).await;
        world.pass(&mut keeper, seconds(30), true).await;
        keeper.last(seconds(1)).await;
        assert_eq!(world.kept(), Some((7, 0)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_failed_is_tried_again_without_a_new_revision() {
        let (world, mut keeper) = World::start();
        world.block();
        world.put(7).await;
        let mut watch = world.shared.health.watch();
        world.pass(&mut keeper, seconds(1), true).await;
        assert!(matches!(world.shared.health.cache_trouble(), Some(CacheTrouble::Unwritable(_))));
        assert!(watch.has_changed().unwrap() && watch.borrow_and_update().is_live());
        std::fs::remove_file(world.cache()).unwrap();
        keeper.run_for(seconds(10)).await;
        assert_eq!(world.shared.health.cache_trouble(), None);
        assert_eq!(world.kept().unwrap().0, 7);
        assert!(watch.has_changed().unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_stays_broken_is_left_alone_ever_longer() {
        let (world, mut keeper) = World::start();
        world.block();
        world.put(7).await;
        keeper.run_for(Duration::from_hours(1)).await;
        // 10, 20, 40, 80 and 160 s, then every 5 min.
        assert!((15..=24).contains(&keeper.failures), "{} writes in an hour", keeper.failures);
    }

    impl Keeper {
        async fn run_for(&mut self, time: Duration) {
            let _ = timeout(time, self.run()).await;
        }
    }
}
