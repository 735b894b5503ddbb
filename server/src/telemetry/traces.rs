//! Which requests are traced, and the line in which their spans wait to be sent. Nobody ever waits for it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use governor::clock::MonotonicClock;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::sync::{mpsc, oneshot};

use super::export::Exporter;
use super::traceparent::TraceParent;
use crate::error::Result;
use crate::settings::Settings;

/// How many traces are begun in a second at most, of people's requests and of programs' each. Whoever sends a request
/// can say that it should be traced, also without a token, and must not be able to have any number sent.
const TRACES_PER_SECOND: NonZeroU32 = NonZeroU32::new(100).expect("more than none");
/// How many spans wait to be sent at most.
const WAITING: usize = 2_048;
/// What asks all the time whether the node is well, and is no request of anyone's.
const PROBES: [&str; 4] = ["/livez", "/readyz", "/healthz", "/metrics"];

type Limiter = RateLimiter<NotKeyed, InMemoryState, MonotonicClock>;

/// What waits to be sent.
#[derive(Debug)]
pub(super) enum Waiting {
    /// A span that has ended.
    Span(Box<Span>),
    /// Somebody who wants to know when all before have been sent.
    Flush(oneshot::Sender<()>),
}

/// The traces of a node that has somebody to send them to.
#[derive(Debug)]
pub(crate) struct Traces {
    line: mpsc::Sender<Waiting>,
    ratio: f64,
    people: Limiter,
    programs: Limiter,
    /// Spans that were not sent and are not told of yet.
    lost: AtomicU64,
}

impl Traces {
    /// Begins to send, if the settings say where to.
    pub(crate) fn open(settings: &Settings) -> Result<Option<Arc<Self>>> {
        let Some(collector) = &settings.collector else { return Ok(None) };
        let (line, waiting) = mpsc::channel(WAITING);
        let traces = Arc::new(Self::new(line, collector.ratio));
        let exporter = Exporter::new(collector, Arc::downgrade(&traces), waiting)?;
        tokio::spawn(exporter.run());
        Ok(Some(traces))
    }

    fn new(line: mpsc::Sender<Waiting>, ratio: f64) -> Self {
        let limiter = || Limiter::direct_with_clock(Quota::per_second(TRACES_PER_SECOND), MonotonicClock);
        Self { line, ratio, people: limiter(), programs: limiter(), lost: AtomicU64::new(0) }
    }

    /// Whether a request is traced. Its caller's word goes before the ratio, or traces would have holes; but there are
    /// only so many in a second, whoever asks for them.
    pub(crate) fn admits(&self, path: &str, parent: Option<TraceParent>) -> bool {
        let wanted = parent.map_or_else(|| rand::random::<f64>() < self.ratio, |parent| parent.sampled);
        if !wanted || PROBES.contains(&path) {
            return false;
        }
        // Programs ask all the time; what people do, and what is changed, must not be lost among it.
        let limiter = if path.starts_with("/api/") { &self.people } else { &self.programs };
        let admitted = limiter.check().is_ok();
        if !admitted {
            metrics::counter!("hoist_traces_refused_total").increment(1);
        }
        admitted
    }

    /// Has a span sent, if there is room in the line.
    pub(super) fn offer(&self, span: Span) {
        if self.line.try_send(Waiting::Span(Box::new(span))).is_err() {
            self.lost(1);
        }
    }

    /// Counts spans that are not sent.
    pub(super) fn lost(&self, spans: u64) {
        metrics::counter!("hoist_spans_dropped_total").increment(spans);
        self.lost.fetch_add(spans, Ordering::Relaxed);
    }

    /// How many spans were lost since this was asked last.
    pub(super) fn take_lost(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
    }

    /// Waits until all that has ended was sent, or given up.
    pub(crate) async fn flush(&self) {
        let (done, is_done) = oneshot::channel();
        if self.line.send(Waiting::Flush(done)).await.is_ok() {
            // An exporter that is gone has nothing left to send.
            let _ = is_done.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;

    use super::*;
    use crate::telemetry::here::Here;
    use crate::telemetry::span::{self, Kind, MOST, Recording};

    fn parent(sampled: bool) -> Option<TraceParent> {
        let flags = u8::from(sampled);
        TraceParent::parse(&format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags:02x}"))
    }

    fn traces(ratio: f64) -> (Traces, mpsc::Receiver<Waiting>) {
        let (line, waiting) = mpsc::channel(3);
        (Traces::new(line, ratio), waiting)
    }

    #[test]
    fn the_callers_word_goes_before_the_ratio() {
        for (ratio, parent, expected) in
            [(1.0, None, true), (0.0, None, false), (0.0, parent(true), true), (1.0, parent(false), false)]
        {
            let (traces, _line) = traces(ratio);
            assert_eq!(traces.admits("/api/v1/projects", parent), expected, "{ratio} {parent:?}");
            assert!(!traces.admits("/livez", parent));
        }
    }

    #[test]
    fn whoever_asks_for_traces_gets_only_so_many_in_a_second_and_takes_none_from_people() {
        let (traces, _line) = traces(0.0);
        let begun = std::time::Instant::now();
        let asked = (0..100_000).filter(|_| traces.admits("/ofrep/v1/evaluate/flags", parent(true))).count();
        let seconds = usize::try_from(begun.elapsed().as_secs()).unwrap() + 2;
        let most = usize::try_from(TRACES_PER_SECOND.get()).unwrap() * seconds;
        assert!((1..=most).contains(&asked), "{asked} in {seconds} s");
        assert!(traces.admits("/api/v1/projects", parent(true)));
    }

    #[test]
    fn what_finds_no_room_in_the_line_is_lost_and_counted() {
        let (traces, _line) = traces(1.0);
        for _ in 0..6 {
            traces.offer(Span::default());
        }
        assert_eq!((traces.take_lost(), traces.take_lost()), (3, 0));
    }

    /// Does work within a request whose trace is recorded.
    async fn recorded(traces: &Arc<Traces>, work: impl Future<Output = ()>) {
        let (trace, span) = (NonZero::new(1).unwrap(), NonZero::new(2).unwrap());
        let now = crate::clock::Timestamp::from_ms(1_000);
        let recording = Recording::begin(traces.clone(), (trace, span), String::new(), now);
        let here = Here { request: uuid::Uuid::nil(), trace, span, recording: Some(recording) };
        here.within(work).await;
    }

    fn begin(name: &str) -> Option<span::Span> {
        span::Span::begin(Kind::Internal, || name.to_owned())
    }

    #[tokio::test]
    async fn a_span_belongs_to_the_one_that_it_began_in() {
        let (traces, mut line) = traces(1.0);
        recorded(&Arc::new(traces), async {
            let outer = begin("outer").unwrap().entered();
            drop(begin("inner"));
            drop(outer);
            drop(begin("after"));
        })
        .await;
        let mut next = || match line.try_recv() {
            Ok(Waiting::Span(span)) => span,
            other => panic!("{other:?}"),
        };
        let (inner, outer, after) = (next(), next(), next());
        assert_eq!([&inner.name, &outer.name, &after.name], ["inner", "outer", "after"]);
        assert_eq!(inner.parent_span_id, outer.span_id);
        assert_eq!(
            (&outer.parent_span_id, &after.parent_span_id),
            (&vec![0, 0, 0, 0, 0, 0, 0, 2], &outer.parent_span_id)
        );
        assert!(
            outer.start_time_unix_nano >= 1_000_000_000
                && outer.end_time_unix_nano >= inner.end_time_unix_nano
        );
        assert!(begin("elsewhere").is_none(), "nothing is recorded outside a request");
    }

    #[tokio::test]
    async fn a_request_has_only_so_many_spans() {
        let (traces, _line) = traces(1.0);
        let traces = Arc::new(traces);
        recorded(&traces, async {
            let held: Vec<_> = (0..MOST + 3).map(|_| begin("one")).collect();
            let most = usize::try_from(MOST).unwrap();
            assert!(held[..most].iter().all(Option::is_some) && held[most..].iter().all(Option::is_none));
            assert_eq!(traces.take_lost(), 3);
        })
        .await;
    }
}
