//! Worlds as a query says them, and as the page offers them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use turnstile::hub::{Design, Version};
use turnstile::policy::Policy;
use turnstile_models::Property;
use turnstile_models::scenario::{Peers, Platforms, Scenario};

/// More connections are more columns than anybody can follow.
const MOST_CONNECTIONS: u32 = 8;

/// Says whether the world can be shown.
///
/// # Errors
/// What is wrong with it.
pub(super) fn validate(scenario: &Scenario) -> Result<(), String> {
    scenario.validate()?;
    if scenario.connections() > MOST_CONNECTIONS {
        return Err(format!(
            "{} x {} connections are more than the {MOST_CONNECTIONS} that can be shown; take fewer users or logins",
            scenario.users, scenario.logins
        ));
    }
    Ok(())
}

/// Something of a world that can be set.
struct Field {
    name: &'static str,
    label: &'static str,
    about: &'static str,
    kind: Kind,
}

enum Kind {
    OneOf {
        options: Vec<(&'static str, &'static str)>,
        get: fn(&Scenario) -> &'static str,
        set: fn(&mut Scenario, &str) -> bool,
    },
    Count {
        least: u32,
        most: u32,
        at: fn(&mut Scenario) -> &mut u32,
    },
    Switch {
        at: fn(&mut Scenario) -> &mut bool,
    },
}

macro_rules! one_of {
    ($of:ident, $field:ident) => {
        Kind::OneOf {
            options: $of::ALL.iter().map(|it| (it.name(), it.about())).collect(),
            get: |scenario| scenario.$field.name(),
            set: |scenario, name| {
                let found = $of::ALL.into_iter().find(|it| it.name() == name);
                if let Some(found) = found {
                    scenario.$field = found;
                }
                found.is_some()
            },
        }
    };
}

macro_rules! count {
    ($field:ident, $least:literal, $most:literal) => {
        Kind::Count { least: $least, most: $most, at: |scenario| &mut scenario.$field }
    };
}

macro_rules! switch {
    ($field:ident) => {
        Kind::Switch { at: |scenario| &mut scenario.$field }
    };
}

fn fields() -> Vec<Field> {
    let field = |name, label, about, kind| Field { name, label, about, kind };
    vec![
        field("design", "Design", "How the hub is built", one_of!(Design, design)),
        field("version", "OpenIM version", "Whose steps are followed", one_of!(Version, version)),
        field("users", "Users", "", count!(users, 1, 4)),
        field(
            "logins",
            "Logins of each",
            "Connections of each user, all contending at once",
            count!(logins, 1, 4),
        ),
        field(
            "capacity",
            "Capacity",
            "How many events each of the hub's channels holds; OpenIM's hold 1000",
            count!(capacity, 0, 1000),
        ),
        field("policy", "Policy", "Who is kicked when a user logs in again", one_of!(Policy, policy)),
        field("peers", "Peers", "Whether peers may close their sockets", one_of!(Peers, peers)),
        field(
            "platforms",
            "Platforms",
            "From which the logins of a user come",
            one_of!(Platforms, platforms),
        ),
        field("pushers", "Pushers", "Tasks that push a message to user 1", count!(pushers, 0, 2)),
        field("kickers", "Administrators", "Who kick user 1 off Android", count!(kickers, 0, 2)),
        field("nodes", "Nodes", "On which the logins of a user come in turn", count!(nodes, 1, 2)),
        field("lanes", "Lanes", "For the design lanes", count!(lanes, 1, 4)),
        field(
            "same_token",
            "Same token",
            "All logins of a user come with the same token, as those of one client that reconnects",
            switch!(same_token),
        ),
        field(
            "writers",
            "Writers",
            "What is written to a socket goes through a queue, where the version has it so",
            switch!(writers),
        ),
        field("stop", "Stop signal", "It comes at any moment", switch!(stop)),
    ]
}

/// The world that a query's parameters say; what they do not say is as in `usual`. `at` and `property` are no part of it.
///
/// # Errors
/// Which parameter is wrong, and what it could be.
pub(super) fn read(query: &BTreeMap<String, String>, usual: &Scenario) -> Result<Scenario, String> {
    let fields = fields();
    let mut scenario = *usual;
    for (name, text) in query.iter().filter(|(name, _)| !matches!(name.as_str(), "at" | "property")) {
        let Some(field) = fields.iter().find(|field| field.name == *name) else {
            let known: Vec<&str> = fields.iter().map(|field| field.name).collect();
            return Err(format!("a world has no {name:?}; it has {}", known.join(", ")));
        };
        let wrong = |could_be: String| format!("{name} is {text:?}; it can be {could_be}");
        match &field.kind {
            Kind::OneOf { options, set, .. } => {
                if !set(&mut scenario, text) {
                    let names: Vec<&str> = options.iter().map(|(name, _)| *name).collect();
                    return Err(wrong(names.join(", ")));
                }
            }
            Kind::Count { least, most, at } => {
                let count = text.parse().ok().filter(|count| (least..=most).contains(&count));
                *at(&mut scenario) = count.ok_or_else(|| wrong(format!("{least} to {most}")))?;
            }
            Kind::Switch { at } => {
                *at(&mut scenario) = text.parse().map_err(|_| wrong("true or false".to_owned()))?;
            }
        }
    }
    validate(&scenario)?;
    Ok(scenario)
}

/// The parameters of a world, by name: those in which it is not as the default.
pub(super) fn write(scenario: &Scenario) -> Map<String, Value> {
    let value = |scenario: &mut Scenario, kind: &Kind| match kind {
        Kind::OneOf { get, .. } => json!(get(scenario)),
        Kind::Count { at, .. } => json!(*at(scenario)),
        Kind::Switch { at } => json!(*at(scenario)),
    };
    let (mut usual, mut scenario) = (Scenario::default(), *scenario);
    fields()
        .iter()
        .map(|field| {
            (field.name.to_owned(), value(&mut scenario, &field.kind), value(&mut usual, &field.kind))
        })
        .filter(|(_, is, was)| is != was)
        .map(|(name, is, _)| (name, is))
        .collect()
}

/// What the page is to offer. `start` is the world it begins with; with `fixed`, the only one there is.
pub(super) fn settings(start: &Scenario, fixed: bool) -> Value {
    let mut usual = Scenario::default();
    let field = |field: &Field| {
        let mut object = json!({ "name": field.name, "label": field.label, "about": field.about });
        let more = match &field.kind {
            Kind::OneOf { options, get, .. } => {
                let options: Vec<Value> =
                    options.iter().map(|(name, about)| json!({ "name": name, "about": about })).collect();
                json!({ "default": get(&usual), "options": options })
            }
            Kind::Count { least, most, at } => {
                json!({ "default": *at(&mut usual), "least": least, "most": most })
            }
            Kind::Switch { at } => json!({ "default": *at(&mut usual) }),
        };
        if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
            object.extend(more);
        }
        object
    };
    let properties: Vec<Value> =
        Property::ALL.iter().map(|it| json!({ "name": it.name(), "about": it.about() })).collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "fields": fields().iter().map(field).collect::<Vec<_>>(),
        "properties": properties,
        "start": write(start),
        "fixed": fixed.then(|| write(start)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let scenario =
            Scenario { design: Design::Lanes, lanes: 2, stop: true, capacity: 0, ..Scenario::default() };
        let written = write(&scenario);
        assert_eq!(
            Value::Object(written.clone()),
            json!({ "design": "lanes", "lanes": 2, "stop": true, "capacity": 0 })
        );
        let pairs = written.iter().map(|(name, value)| (name.clone(), value.to_string().replace('"', "")));
        assert_eq!(read(&pairs.collect(), &Scenario::default()), Ok(scenario));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let ask = |pairs: &[(&str, &str)]| read(&query(pairs), &Scenario::default()).unwrap_err();
        assert!(
            ask(&[("desing", "lanes")]).starts_with("a world has no \"desing\"; it has design, version,")
        );
        assert!(ask(&[("design", "lames")]).starts_with("design is \"lames\"; it can be single-select, "));
        assert_eq!(ask(&[("users", "0")]), "users is \"0\"; it can be 1 to 4");
        assert_eq!(ask(&[("users", "-1")]), "users is \"-1\"; it can be 1 to 4");
        assert_eq!(ask(&[("stop", "yes")]), "stop is \"yes\"; it can be true or false");
        assert_eq!(
            ask(&[("users", "4"), ("logins", "4")]),
            "4 x 4 connections are more than the 8 that can be shown; take fewer users or logins"
        );
        assert!(ask(&[("policy", "same-class")]).contains("has no policy same-class"));
    }
}
