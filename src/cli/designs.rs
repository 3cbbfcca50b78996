//! `turnstile designs`.

use turnstile::hub::{Design, Version};

/// The designs and versions there are.
pub(super) fn list(json: bool) -> String {
    let designs = Design::ALL.map(|d| (d.name(), d.about()));
    let versions = Version::ALL.map(|v| (v.name(), v.about()));
    if json {
        let object = |(name, about): &(&str, &str)| serde_json::json!({ "name": name, "about": about });
        let designs: Vec<_> = designs.iter().map(object).collect();
        let versions: Vec<_> = versions.iter().map(object).collect();
        return format!("{:#}\n", serde_json::json!({ "designs": designs, "versions": versions }));
    }
    designs.iter().chain(&versions).map(|(name, about)| format!("{name:<20}{about}\n")).collect()
}
