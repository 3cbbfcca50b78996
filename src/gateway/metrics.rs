//! `GET /metrics`: what the gateway counts, for Prometheus.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet, prometheus_text, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::{Registry, Unit};

use super::Gateway;
use super::counts::{Count, REQUESTS};
use super::histogram::Histogram;
use super::line::Close;

/// How the metrics are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Format {
    /// Prometheus' own, which every scraper reads.
    Prometheus,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// The format that a scraper asks for with `Accept`.
    pub(super) fn wanted(accept: &str) -> Format {
        if accept.contains("application/openmetrics-text") { Format::OpenMetrics } else { Format::Prometheus }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Format::Prometheus => prometheus_text::CONTENT_TYPE,
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// All metrics of a gateway, as they are now.
pub(super) fn text(gateway: &Arc<Gateway>, format: Format) -> String {
    let mut registry = Registry::with_prefix("turnstile");
    registry.register_collector(Box::new(Scrape(gateway.clone())));
    let mut page = String::new();
    let written = match format {
        Format::Prometheus => prometheus_text::encode(&mut page, &registry),
        Format::OpenMetrics => text::encode(&mut page, &registry),
    };
    written.expect("a text takes whatever is written");
    page
}

/// Reads the counters when it is asked to.
struct Scrape(Arc<Gateway>);

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrape")
    }
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        about(&self.0, &mut page)?;
        clients(&self.0, &mut page)?;
        hub(&self.0, &mut page)?;
        alarms(&self.0, &mut page)?;
        requests(&self.0, &mut page)?;
        store_and_push(&self.0, &mut page)?;
        tokio(&self.0, &mut page)
    }
}

fn about(gateway: &Gateway, page: &mut Page<'_>) -> fmt::Result {
    let config = &gateway.config;
    let build = [
        ("version", env!("CARGO_PKG_VERSION")),
        ("design", config.design.name()),
        ("openim", config.version.name()),
        ("policy", config.policy.name()),
    ];
    page.info("build", "What runs, and how it is set up", build)?;
    let began = gateway.counts.since();
    page.gauge("start_time", "When the server began, since 1970", Some(&Unit::Seconds), began)?;
    let draining = f64::from(u8::from(gateway.is_draining()));
    page.gauge("draining", "1 while the server ends, else 0", None, draining)
}

fn clients(gateway: &Gateway, page: &mut Page<'_>) -> fmt::Result {
    let (counts, limits) = (&gateway.counts, &gateway.config.limits);
    let get = |count| counts.get(count);
    page.gauge("connections", "Connections that are served", None, gateway.connections() as f64)?;
    let most = limits.connections as f64;
    page.gauge("connections_limit", "Connections that may be served at once", None, most)?;
    let (users, sessions) = gateway.online.census();
    page.gauge("online_users", "Users in the user table", None, users as f64)?;
    page.gauge("sessions", "Sessions in the user table", None, sessions as f64)?;
    let sockets = [
        ("clients", gateway.admission.sockets(), limits.connections),
        ("api", gateway.api_admission.sockets(), limits.api_connections),
        ("page", gateway.page_admission.sockets(), limits.page_connections),
    ];
    let open = sockets.map(|(port, open, _)| (port, open as f64));
    page.gauges("sockets", "Open sockets, by port", "port", open)?;
    let most = sockets.map(|(port, _, most)| (port, most as f64));
    page.gauges("sockets_limit", "Sockets that may be open at once, by port", "port", most)?;
    page.counter("accepted", "Sockets of clients that were accepted", None, get(Count::Accepted))?;
    let refused = [
        ("full", Count::RefusedFull),
        ("address", Count::RefusedAddress),
        ("user", Count::RefusedUser),
        ("arguments", Count::RefusedArguments),
        ("token", Count::RefusedToken),
        ("store", Count::RefusedStore),
        ("draining", Count::RefusedDraining),
        ("stopping", Count::RefusedStopping),
    ];
    let refused = refused.map(|(reason, count)| (reason, get(count)));
    page.counters("refused", "Clients that were refused, by reason", "reason", refused)?;
    page.counter("connected", "Connections that were opened", None, get(Count::Connected))?;
    let closed = Close::ALL.map(|close| (close.name(), counts.closed(close)));
    page.counters("disconnected", "Connections that have ended, by reason", "reason", closed)?;
    page.counter("idle", "Connections closed since nothing came", None, get(Count::Idle))?;
    let slow = get(Count::SlowConsumers);
    page.counter("slow_consumers", "Connections closed that did not take what was sent", None, slow)?;
    let bytes = Some(&Unit::Bytes);
    page.counter("received", "Messages that came, as sent", bytes, get(Count::Received))?;
    page.counter("sent", "Messages that were written", bytes, get(Count::Sent))
}

fn hub(gateway: &Gateway, page: &mut Page<'_>) -> fmt::Result {
    let counts = &gateway.counts;
    let get = |count| counts.get(count);
    page.counter("registers", "Sessions put into the user table", None, get(Count::Registered))?;
    let unregisters = get(Count::Unregistered);
    page.counter("unregisters", "Ended connections that the hub has dealt with", None, unregisters)?;
    let policy = gateway.config.policy.name();
    let kicks = [("login", Count::KickedByLogin), ("administrator", Count::KickedByAdministrator)];
    let kicks = kicks.map(|(cause, count)| ([("policy", policy), ("cause", cause)], get(count)));
    page.counters_of("kicks", "Kicks, by policy and cause", kicks)?;
    let (coming, leaving) = gateway.pending();
    let pending = [("register", coming as f64), ("unregister", leaving as f64)];
    page.gauges("hub_pending", "Connections that wait for the hub", "event", pending)?;
    let help = "From telling the hub of a connection until it is in the user table";
    page.histogram("hub_register", help, &counts.registering)?;
    let help = "From telling the hub of a connection's end until that is dealt with";
    page.histogram("hub_unregister", help, &counts.unregistering)?;
    let queues: Vec<_> = gateway.hub.channels();
    let queues: Vec<(String, String, f64, f64, f64)> = queues
        .iter()
        .map(|queue| {
            let drains = queue.drained_by.iter().flatten().map(ToString::to_string).collect::<Vec<_>>();
            let capacity = if queue.capacity == usize::MAX { f64::INFINITY } else { queue.capacity as f64 };
            let (len, senders) = (queue.len as f64, queue.senders as f64);
            (queue.name.to_string(), drains.join(", "), len, capacity, senders)
        })
        .collect();
    let length =
        queues.iter().map(|(queue, by, len, ..)| ([("queue", &**queue), ("drained_by", &**by)], *len));
    page.gauges_of("hub_queue_length", "Events in a queue of the hub", length)?;
    let capacity = queues.iter().map(|(queue, _, _, most, _)| ([("queue", &**queue)], *most));
    page.gauges_of("hub_queue_capacity", "Events that a queue of the hub holds", capacity)?;
    let senders = queues.iter().map(|(queue, .., senders)| ([("queue", &**queue)], *senders));
    page.gauges_of("hub_queue_senders", "Tasks that wait to send on a queue of the hub", senders)
}

fn alarms(gateway: &Gateway, page: &mut Page<'_>) -> fmt::Result {
    let alarms = &gateway.alarms;
    let deadlocked = f64::from(u8::from(alarms.deadlock().is_some()));
    page.gauge("deadlocked", "1 while there is a deadlock, else 0", None, deadlocked)?;
    let broken = f64::from(u8::from(gateway.crash().is_some()));
    page.gauge("broken", "1 once the hub has broken where Go would end the program, else 0", None, broken)?;
    page.counter("deadlocks", "Deadlocks that the watchdog has named", None, alarms.deadlocks())?;
    let starved = alarms.starved() as f64;
    page.gauge("starved_tasks", "Tasks that have waited for too long, and may yet go on", None, starved)
}

fn requests(gateway: &Gateway, page: &mut Page<'_>) -> fmt::Result {
    let all = REQUESTS.map(|(id, name)| (name, gateway.counts.requests(id).expect("it is known")));
    let help = "From a request until its answer was handed on, by kind";
    page.histograms("request", help, "request", all.map(|(name, requests)| (name, &requests.took)))?;
    let errors = all.map(|(name, requests)| (name, requests.errors()));
    page.counters("request_errors", "Requests answered with an error, by kind", "request", errors)
}

fn store_and_push(gateway: &Gateway, page: &mut Page<'_>) -> fmt::Result {
    let counts = &gateway.counts;
    let get = |count| counts.get(count);
    page.counter("stored_messages", "Messages stored", None, get(Count::Stored))?;
    page.counter("store_errors", "What the store could not do", None, get(Count::StoreErrors))?;
    page.histogram("store_append", "Storing a message", &counts.appending)?;
    page.counter(
        "pushes",
        "Messages handed to the push workers, for each receiver",
        None,
        get(Count::Pushed),
    )?;
    let dropped = [
        ("background", Count::BackgroundSkipped),
        ("no_room", Count::PushesWithoutRoom),
        ("ended", Count::PushesToNobody),
    ];
    let dropped = dropped.map(|(reason, count)| (reason, get(count)));
    page.counters("pushes_dropped", "Pushes that did not go out, by reason", "reason", dropped)?;
    let (waiting, most) = gateway.pushers.waiting();
    page.gauge("push_queue_length", "Pushes that wait for the workers", None, waiting as f64)?;
    page.gauge("push_queue_capacity", "Pushes that may wait for the workers", None, most as f64)?;
    page.counter("status_merged", "Changes of status told with a later one", None, get(Count::StatusMerged))?;
    page.counter("status_dropped", "Changes of status not told", None, get(Count::StatusDropped))?;
    page.counter("webhooks_lost", "Calls of the webhook that failed", None, get(Count::WebhooksLost))?;
    let marks = get(Count::TokenMarksDropped);
    page.counter("token_marks_dropped", "Tokens that should have been marked as kicked", None, marks)
}

fn tokio(gateway: &Gateway, page: &mut Page<'_>) -> fmt::Result {
    let tokio = gateway.tokio.metrics();
    let workers = tokio.num_workers();
    page.gauge("tokio_workers", "Worker threads", None, workers as f64)?;
    page.gauge("tokio_tasks", "Tasks that have not ended", None, tokio.num_alive_tasks() as f64)?;
    let waiting = tokio.global_queue_depth() as f64;
    page.gauge("tokio_queue_length", "Tasks ready to run that no worker has taken", None, waiting)?;
    let busy = (0..workers).map(|worker| tokio.worker_total_busy_duration(worker).as_secs_f64());
    page.seconds("tokio_busy", "Time that the workers were busy, all of them together", busy.sum())?;
    let parks = (0..workers).map(|worker| tokio.worker_park_count(worker)).sum();
    page.counter("tokio_parks", "How often a worker had nothing to do", None, parks)
}

/// What is written.
struct Page<'a>(DescriptorEncoder<'a>);

/// Nothing beside a value: we have no exemplars.
const NONE: Option<&Exemplar<NoLabelSet, f64>> = None;

impl Page<'_> {
    fn info<const N: usize>(&mut self, name: &str, help: &str, labels: [(&str, &str); N]) -> fmt::Result {
        self.0.encode_descriptor(name, help, None, MetricType::Info)?.encode_info(&labels)
    }

    fn gauge(&mut self, name: &str, help: &str, unit: Option<&Unit>, value: f64) -> fmt::Result {
        self.0.encode_descriptor(name, help, unit, MetricType::Gauge)?.encode_gauge(&value)
    }

    fn gauges<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: [(&str, f64); N],
    ) -> fmt::Result {
        self.gauges_of(name, help, values.map(|(which, value)| ([(label, which)], value)))
    }

    fn gauges_of<'l, const L: usize>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = ([(&'l str, &'l str); L], f64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        values.into_iter().try_for_each(|(labels, value)| metric.encode_family(&labels)?.encode_gauge(&value))
    }

    fn counter(&mut self, name: &str, help: &str, unit: Option<&Unit>, value: u64) -> fmt::Result {
        self.0.encode_descriptor(name, help, unit, MetricType::Counter)?.encode_counter(&value, NONE)
    }

    fn seconds(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        let unit = Some(&Unit::Seconds);
        self.0.encode_descriptor(name, help, unit, MetricType::Counter)?.encode_counter(&value, NONE)
    }

    fn counters<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: [(&str, u64); N],
    ) -> fmt::Result {
        self.counters_of(name, help, values.map(|(which, value)| ([(label, which)], value)))
    }

    fn counters_of<'l, const L: usize>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = ([(&'l str, &'l str); L], u64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        let mut one = |labels, value: u64| metric.encode_family(&labels)?.encode_counter(&value, NONE);
        values.into_iter().try_for_each(|(labels, value)| one(labels, value))
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) -> fmt::Result {
        let seen = histogram.look();
        self.0
            .encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?
            .encode_histogram::<NoLabelSet>(seen.seconds, seen.count, &seen.buckets, None)
    }

    fn histograms<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        histograms: [(&str, &Histogram); N],
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
        histograms.into_iter().try_for_each(|(which, histogram)| {
            let (labels, seen) = ([(label, which)], histogram.look());
            metric.encode_family(&labels)?.encode_histogram::<NoLabelSet>(
                seen.seconds,
                seen.count,
                &seen.buckets,
                None,
            )
        })
    }
}
