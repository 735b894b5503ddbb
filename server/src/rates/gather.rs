//! What all nodes let in together, added up in Redis.

use std::time::Duration;

use super::{Rate, fill, milliseconds};
use crate::app::App;
use crate::fanout::{Away, Link};

/// How often nodes tell each other what they let in.
const GATHER: Duration = Duration::from_millis(100);
/// How many names are told at once.
const AT_ONCE: usize = 200;
/// How many times what it may do at once a name has used at most: what ten nodes let in before they hear of each other.
const MOST: u64 = 10;

/// Adds to what a name has used, by Redis's own clock, and answers for how many milliseconds it has used up too much.
///
/// This is the generic cell rate algorithm (ITU-T I.371): kept is the time at which the name would have used nothing
/// beyond its due. `ARGV` has how often it was let in, the milliseconds that each of them is worth, those that it may be
/// ahead, and those that it is ahead at most, so that no name waits for ever.
const ADD: &str = "local time = redis.call('TIME') \
    local now = time[1] * 1000 + math.floor(time[2] / 1000) \
    local kept = redis.pcall('GET', KEYS[1]) \
    local due = math.max(type(kept) == 'string' and tonumber(kept) or 0, now) \
    local ahead = math.min(due - now + ARGV[1] * ARGV[2], tonumber(ARGV[4])) \
    redis.call('SET', KEYS[1], string.format('%.3f', now + ahead), 'PX', math.ceil(ahead) + 1) \
    return math.ceil(ahead - ARGV[3])";

/// Tells and hears what all nodes let in, for ever.
pub(crate) async fn run(app: &App) {
    let Some(link) = app.fanout.link() else { return };
    loop {
        tokio::time::sleep(GATHER).await;
        for rate in [&app.rate, &app.attempts] {
            if let Err(error) = gather(rate, link).await {
                tracing::debug!(what = rate.what, %error, "each node bounds by itself");
            }
        }
    }
}

/// Tells what was let in since the last time, and holds back whoever is too far ahead. What could not be told is
/// forgotten: a Redis that was away must not make names wait for what is long past.
async fn gather(rate: &Rate, link: &Link) -> Result<(), Away> {
    let Some(quota) = rate.quota else { return Ok(()) };
    let (each_ms, ahead_ms) = (quota.replenish_interval().as_secs_f64() * 1_000.0, milliseconds(fill(quota)));
    for untold in rate.take_untold().chunks(AT_ONCE) {
        let mut question = redis::pipe();
        for (name, times) in untold {
            let key = link.name(&format!("{}:{name}", rate.what));
            question
                .cmd("EVAL")
                .arg(ADD)
                .arg(1)
                .arg(key)
                .arg(times)
                .arg(each_ms)
                .arg(ahead_ms)
                .arg(ahead_ms * MOST);
        }
        let waits: Vec<i64> = link.carry(&question).await?;
        for ((name, _), wait_ms) in untold.iter().zip(waits) {
            if let Some(wait_ms) = u64::try_from(wait_ms).ok().filter(|wait_ms| *wait_ms > 0) {
                rate.hold(name, Duration::from_millis(wait_ms));
            }
        }
    }
    Ok(())
}
