//! The page's server: on loopback, for whoever sits at this machine.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use turnstile_models::scenario::Scenario;
use turnstile_models::{Limits, Property};

use super::graphs::{Place, Places};
use super::{assets, worlds};
use crate::output::Out;
use crate::words;

/// Nothing but what the page brings itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

struct Server {
    start: Scenario,
    limits: Limits,
    places: Places,
}

type Said = Result<Json<Value>, (StatusCode, Json<Value>)>;
type Asked = Query<BTreeMap<String, String>>;

pub(super) fn run(
    out: &mut Out,
    start: &Scenario,
    limits: Limits,
    port: u16,
    open: bool,
) -> Result<u8, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start a runtime: {error}"))?;
    runtime.block_on(async {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = TcpListener::bind(address).await.map_err(|error| {
            format!("cannot listen on {address}: {error}; take another port, or 0 for any")
        })?;
        let address = listener.local_addr().map_err(|error| format!("cannot tell the address: {error}"))?;
        let url = format!("http://{address}/");
        out.line(&url);
        out.aside("You are the scheduler, on that page. Ctrl-C ends it.");
        if open && let Err(error) = opener::open_browser(&url) {
            out.aside(&format!("No browser could be opened ({error}): open the address yourself."));
        }
        let server = Arc::new(Server { start: *start, limits, places: Places::default() });
        let ends = async {
            // If there is no such signal here, it goes on until it is killed.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let serve = axum::serve(listener, router(server));
        tokio::select! {
            done = serve => done.map_err(|error| format!("cannot serve the page: {error}")),
            () = ends => Ok(()),
        }
    })?;
    // A search may be under way; nobody waits for it any more.
    runtime.shutdown_background();
    Ok(0)
}

fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/api/settings", get(settings))
        .route("/api/moment", get(moment))
        .route("/api/future", get(future))
        .route("/api/way", get(way))
        .route("/", get(async || asset(Path(String::new())).await))
        .route("/{name}", get(asset))
        .layer(middleware::from_fn(guard))
        .with_state(server)
}

/// What holds for each question and answer on this port.
async fn guard(request: Request, next: Next) -> Response {
    // A name that leads here by way of somebody's name server is not ours: what asks by it is a foreign page.
    if !is_here(request.headers()) {
        let why = "this page is at 127.0.0.1 or localhost, and answers to no other name";
        return (StatusCode::MISDIRECTED_REQUEST, why).into_response();
    }
    let mut answer = next.run(request).await;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let resource = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(resource, HeaderValue::from_static("same-origin"));
    answer
}

fn is_here(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "127.0.0.1" | "localhost")
}

async fn asset(Path(name): Path<String>) -> Response {
    match assets::find(&name) {
        Some(asset) => {
            let headers = [(header::CONTENT_TYPE, asset.kind)];
            (headers, Body::from(asset.text)).into_response()
        }
        None => (StatusCode::NOT_FOUND, "there is no such file; the page is at /").into_response(),
    }
}

async fn settings(State(server): State<Arc<Server>>) -> Json<Value> {
    Json(worlds::settings(&server.start, false))
}

async fn moment(State(server): State<Arc<Server>>, Query(query): Asked) -> Said {
    answer(server, query, |_, place, at, _| {
        let mut moment = json!(place.explorer().moment(at)?);
        moment["world"] = json!(words::world(&place.scenario));
        Ok(moment)
    })
    .await
}

async fn future(State(server): State<Arc<Server>>, Query(query): Asked) -> Said {
    answer(server, query, |server, place, at, _| {
        let search = place.search(&server.limits);
        let (mut here, mut options) = (Value::Null, json!([]));
        if let Some(outlook) = search.outlook() {
            let mut explorer = place.explorer();
            if let Some(state) = outlook.state(&explorer.turns(at)?) {
                here = json!(outlook.future(state));
                let turns = explorer.options(at)?;
                let steps = turns.iter().map(|turn| outlook.graph().find(state, turn));
                options =
                    json!(steps.map(|step| step.map(|step| outlook.future_after(&step))).collect::<Vec<_>>());
            }
        }
        Ok(json!({ "search": search.json(), "here": here, "options": options }))
    })
    .await
}

async fn way(State(server): State<Arc<Server>>, Query(query): Asked) -> Said {
    answer(server, query, |server, place, at, query| {
        let name = query.get("property").map_or("no-deadlock", String::as_str);
        let property = Property::ALL.into_iter().find(|property| property.name() == name);
        let property =
            property.ok_or_else(|| format!("there is no property {name:?}; `lab list` has them all"))?;
        let search = place.search(&server.limits);
        let outlook = search.outlook().ok_or("the search goes on; ask again when it is over")?;
        let mut explorer = place.explorer();
        let state = outlook.state(&explorer.turns(at)?);
        let way = state.and_then(|state| outlook.way(state, property));
        let way = way.ok_or_else(|| match outlook.stopped() {
            None => format!("no way from here breaks {name}"),
            Some(why) => {
                format!("no way from here that was searched breaks {name}; {why} stopped the search")
            }
        })?;
        Ok(json!({ "at": explorer.numbers(at, &way)?, "shortest": outlook.stopped().is_none() }))
    })
    .await
}

/// Answers a question about a moment of a world, where it keeps nobody else waiting.
async fn answer(
    server: Arc<Server>,
    query: BTreeMap<String, String>,
    ask: impl FnOnce(&Server, &Arc<Place>, &[u32], &BTreeMap<String, String>) -> Result<Value, String>
    + Send
    + 'static,
) -> Said {
    let answered = tokio::task::spawn_blocking(move || {
        let scenario = worlds::read(&query, &Scenario::default())?;
        let at = numbers(query.get("at").map_or("", String::as_str))?;
        ask(&server, &server.places.of(&scenario)?, &at, &query)
    });
    let wrong = |status, why: String| (status, Json(json!({ "error": why })));
    match answered.await {
        Ok(answer) => answer.map(Json).map_err(|why| wrong(StatusCode::BAD_REQUEST, why)),
        Err(_) => {
            let why = "the explorer broke here; the terminal says more, and a report would help".to_owned();
            Err(wrong(StatusCode::INTERNAL_SERVER_ERROR, why))
        }
    }
}

/// `0.2.1` as numbers.
fn numbers(text: &str) -> Result<Vec<u32>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let number = |part: &str| {
        part.parse()
            .map_err(|_| format!("at is {text:?}; it is option numbers with points between, as in 0.2.1"))
    };
    text.split('.').map(number).collect()
}
