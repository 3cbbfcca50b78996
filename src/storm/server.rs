//! What the server itself says: its count of connections, who it thinks is online, who waits for whom.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::{NAMED, Plan, Storm, Target};
use crate::client::Http;
use crate::client::Place;
use crate::gateway::wire::Secret;

/// How long the server may take to see that all have left.
const ALL_GONE: Duration = Duration::from_secs(3);

/// The admin page of a server, asked as an administrator.
#[derive(Clone)]
pub struct Watch(Http);

impl Watch {
    /// The admin page at a place, asked with an administrator's token.
    pub fn new(place: Place, token: Secret) -> Watch {
        Watch(Http { place, token })
    }

    /// How many connections the server counts: by its metrics, or by what it says beside who waits for whom.
    ///
    /// # Errors
    /// If it says neither.
    pub async fn connections(&self) -> Result<u64, String> {
        if let Ok(count) = self.metric("turnstile_connections").await {
            return Ok(count as u64);
        }
        let waits = self.waits().await?;
        waits["connections"].as_u64().ok_or_else(|| format!("{} counts no connections", self.0.place))
    }

    /// A metric without labels, or the sum of its lines.
    ///
    /// # Errors
    /// If there is no answer, or no such metric.
    pub async fn metric(&self, name: &str) -> Result<f64, String> {
        let text = self.0.text("/metrics").await?;
        metric(&text, name).ok_or_else(|| format!("{}/metrics has no {name}", self.0.place))
    }

    /// Who waits for whom, as JSON.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn waits(&self) -> Result<Value, String> {
        let text = self.0.text("/debug/waits").await?;
        serde_json::from_str(&text).map_err(|why| format!("{}/debug/waits: {why}", self.0.place))
    }

    /// Who waits for whom, as a drawing.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn drawing(&self) -> Result<String, String> {
        self.0.text("/debug/waits?format=svg").await
    }
}

fn metric(text: &str, name: &str) -> Option<f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let values = lines.filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let value = match rest.strip_prefix('{') {
            Some(labels) => labels.rsplit_once('}')?.1,
            None => rest.strip_prefix(' ')?,
        };
        value.split_whitespace().next()?.parse::<f64>().ok()
    });
    values.reduce(|a, b| a + b)
}

/// How many of these users the server says are online; `None` if it does not say.
async fn online_now(api: &Http, users: &[String]) -> Option<u64> {
    let mut online = 0;
    for some in users.chunks(NAMED) {
        let asked = json!({ "userIDs": some });
        let said = api.must("/user/get_users_online_status", asked).await.ok()?;
        online += said.as_array()?.iter().filter(|user| user["status"] == 1).count() as u64;
    }
    Some(online)
}

/// How many of a storm's accounts the server says are online; `None` if it does not say. Its API is asked with an administrator's
/// token.
pub async fn online(target: &Target, token: Secret, plan: &Plan) -> Option<u64> {
    let api = Http { place: target.api.clone(), token };
    let users: Vec<String> = (0..plan.users).map(|n| plan.name("", n)).collect();
    for _ in 0..3 {
        if let Some(online) = online_now(&api, &users).await {
            return Some(online);
        }
        sleep(Duration::from_millis(200)).await;
    }
    None
}

impl Storm {
    /// How many of those who have left the server says are online, after some time to notice; `None` if it does not say.
    pub(super) async fn still_online(&self, users: &[String]) -> Option<u64> {
        let began = Instant::now();
        loop {
            let online = online_now(&self.api, users).await?;
            if online == 0 || began.elapsed() > ALL_GONE {
                return Some(online);
            }
            sleep(Duration::from_millis(200)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::metric;

    #[test]
    fn a_metric_is_the_sum_of_its_lines() {
        let text = "# HELP a b\na 3\na_total 5\nb{x=\"1\"} 2\nb{x=\"}\"} 4.5 1700000000\n";
        let found = ["a", "a_total", "b", "c"].map(|name| metric(text, name));
        assert_eq!(found, [Some(3.0), Some(5.0), Some(6.5), None]);
    }
}
