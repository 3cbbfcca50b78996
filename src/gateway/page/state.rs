//! `GET /state`: what the page shows, as JSON.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::administrator;
use crate::gateway::Gateway;
use crate::gateway::counts::{Count, REQUESTS};
use crate::gateway::http::json_response;

pub(super) async fn answer(State(gateway): State<Arc<Gateway>>, headers: HeaderMap) -> Response<Body> {
    if let Err(refused) = administrator(&gateway, &headers).await {
        return refused;
    }
    let unready = gateway.ready().await.err();
    let (config, counts) = (&gateway.config, &gateway.counts);
    let counted: Map<String, Value> =
        Count::ALL.iter().map(|count| (count.name().to_owned(), counts.get(*count).into())).collect();
    let requests: u64 =
        REQUESTS.iter().filter_map(|(id, _)| counts.requests(*id)).map(|kind| kind.took.look().count).sum();
    let registering = counts.registering.look().buckets;
    // The last bucket has no bound.
    let bounds: Vec<f64> = registering.iter().map(|(bound, _)| *bound).filter(|b| b.is_finite()).collect();
    let (users, sessions) = gateway.online.census();
    let (coming, leaving) = gateway.pending();
    let (waiting, most) = gateway.pushers.waiting();
    let queues: Vec<Value> = gateway
        .hub
        .channels()
        .iter()
        .map(|queue| {
            json!({
                "name": queue.name,
                "len": queue.len,
                "capacity": (queue.capacity < usize::MAX).then_some(queue.capacity),
                "senders": queue.senders,
                "drained_by": queue.drained_by.as_deref().unwrap_or_default(),
            })
        })
        .collect();
    let state = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "design": config.design.name(),
        "openim": config.version.name(),
        "policy": config.policy.name(),
        "uptime": counts.uptime().as_secs_f64(),
        "unready": unready,
        "deadlock": gateway.alarms.deadlock().map(|alarm| alarm.words),
        "starved": gateway.alarms.starved(),
        "connections": gateway.connections(),
        "users": users,
        "sessions": sessions,
        "coming": coming,
        "leaving": leaving,
        "queues": queues,
        "push": { "waiting": waiting, "most": most },
        "counts": counted,
        "requests": requests,
        "registering": {
            "bounds": bounds,
            "counts": registering.iter().map(|(_, count)| *count).collect::<Vec<_>>(),
        },
    });
    json_response(StatusCode::OK, state.to_string())
}
