//! The committed worlds of the verdict table.

use serde::Deserialize;
use turnstile::hub::{Design, Version};
use turnstile::policy::Policy;

use crate::property::Property;
use crate::scenario::{Platforms, Scenario};

/// How much is searched.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Depth {
    /// What the tests search.
    Quick,
    /// What the table searches.
    Table,
    /// All.
    Deep,
}

/// A world to search, for any design and version that it is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct World {
    /// The world; its design and version are to be replaced.
    pub scenario: Scenario,
    /// What is judged in it.
    pub judges: Vec<Property>,
    /// From which depth on it is searched.
    pub when: Depth,
    designs: Option<Vec<Design>>,
    versions: Option<Vec<Version>>,
}

impl World {
    /// The scenario for a design and a version, if it is for them.
    pub fn of(&self, design: Design, version: Version) -> Option<Scenario> {
        let is_for = self.designs.as_ref().is_none_or(|all| all.contains(&design))
            && self.versions.as_ref().is_none_or(|all| all.contains(&version));
        is_for.then_some(Scenario { design, version, ..self.scenario })
    }
}

impl World {
    /// Says what is wrong with it for a design and version that it is for.
    fn validate(&self) -> Result<(), String> {
        let pairs = Design::ALL.into_iter().flat_map(|d| Version::ALL.into_iter().map(move |v| (d, v)));
        for scenario in pairs.filter_map(|(design, version)| self.of(design, version)) {
            scenario.validate()?;
            self.judges.iter().try_for_each(|property| property.validate(&scenario))?;
        }
        Ok(())
    }
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    lists: std::collections::BTreeMap<String, Vec<String>>,
    world: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    users: u32,
    logins: u32,
    capacity: Vec<u32>,
    judges: Vec<String>,
    when: Depth,
    policy: Option<String>,
    platforms: Option<String>,
    #[serde(default)]
    same_token: bool,
    #[serde(default)]
    pushers: u32,
    #[serde(default)]
    kickers: u32,
    #[serde(default)]
    writers: bool,
    #[serde(default)]
    stop: bool,
    #[serde(default = "one")]
    nodes: u32,
    #[serde(default = "one")]
    lanes: u32,
    designs: Option<Vec<String>>,
    versions: Option<Vec<String>>,
}

fn one() -> u32 {
    1
}

/// The worlds of the committed file `models/worlds.toml`.
pub fn committed() -> Vec<World> {
    read(include_str!("../../worlds.toml")).expect("the committed worlds are read by a test")
}

/// Reads worlds.
///
/// # Errors
/// Says which entry is wrong, and how.
pub fn read(text: &str) -> Result<Vec<World>, String> {
    let file: File = toml::from_str(text).map_err(|e| format!("the worlds cannot be read: {e}"))?;
    let mut worlds = Vec::new();
    for (index, entry) in file.world.iter().enumerate() {
        let of_the_file = |e| format!("world {} of the file: {e}", index + 1);
        let read = entry.read(&file).map_err(of_the_file)?;
        read.iter().try_for_each(World::validate).map_err(of_the_file)?;
        worlds.extend(read);
    }
    Ok(worlds)
}

impl Entry {
    fn read(&self, file: &File) -> Result<Vec<World>, String> {
        let usual = Scenario::default();
        let by_name = |name: &Option<String>| match name {
            None => Ok(usual.policy),
            Some(name) => find("policy", name, &Policy::ALL, Policy::name),
        };
        let platforms = match &self.platforms {
            None => usual.platforms,
            Some(name) => find("platforms", name, &Platforms::ALL, Platforms::name)?,
        };
        let mut judges = Vec::new();
        for name in &self.judges {
            match file.lists.get(name) {
                Some(list) => {
                    for name in list {
                        judges.push(find("property", name, &Property::ALL, Property::name)?);
                    }
                }
                None => judges.push(find("property or list", name, &Property::ALL, Property::name)?),
            }
        }
        let designs = all("design", &self.designs, &Design::ALL, Design::name)?;
        let versions = all("version", &self.versions, &Version::ALL, Version::name)?;
        let policy = by_name(&self.policy)?;
        let world = |capacity: &u32| World {
            scenario: Scenario {
                users: self.users,
                logins: self.logins,
                capacity: *capacity,
                policy,
                platforms,
                same_token: self.same_token,
                pushers: self.pushers,
                kickers: self.kickers,
                nodes: self.nodes,
                writers: self.writers,
                stop: self.stop,
                lanes: self.lanes,
                ..usual
            },
            judges: judges.clone(),
            when: self.when,
            designs: designs.clone(),
            versions: versions.clone(),
        };
        Ok(self.capacity.iter().map(world).collect())
    }
}

fn all<T: Copy>(
    what: &str,
    names: &Option<Vec<String>>,
    among: &[T],
    name_of: fn(T) -> &'static str,
) -> Result<Option<Vec<T>>, String> {
    let Some(names) = names else { return Ok(None) };
    names.iter().map(|name| find(what, name, among, name_of)).collect::<Result<_, _>>().map(Some)
}

fn find<T: Copy>(what: &str, name: &str, among: &[T], name_of: fn(T) -> &'static str) -> Result<T, String> {
    among.iter().copied().find(|one| name_of(*one) == name).ok_or_else(|| {
        let names: Vec<&str> = among.iter().map(|one| name_of(*one)).collect();
        format!("there is no {what} {name}; there are {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_committed_world_can_be_searched() {
        for world in read(include_str!("../../worlds.toml")).unwrap() {
            let mut used = false;
            for (design, version) in Design::ALL.iter().flat_map(|d| Version::ALL.map(|v| (*d, v))) {
                if let Some(scenario) = world.of(design, version) {
                    used = true;
                    let judged = world.judges.iter().map(|p| p.validate(&scenario));
                    assert_eq!(judged.chain([scenario.validate()]).find(Result::is_err), None, "{world:?}");
                }
            }
            assert!(used, "{world:?} is for no design and version");
        }
    }

    #[test]
    fn a_wrong_name_is_named() {
        let text = "[lists]\n[[world]]\nusers = 1\nlogins = 1\ncapacity = [1]\njudges = [\"no-gost\"]\nwhen = \"quick\"\n";
        let wrong = read(text).unwrap_err();
        assert!(
            wrong.starts_with(
                "world 1 of the file: there is no property or list no-gost; there are no-deadlock"
            )
        );
        assert!(read("[lists]\n[[world]]\nuser = 1\n").is_err());
        let nobody = text.replace("users = 1", "users = 0").replace("no-gost", "no-ghost");
        assert_eq!(read(&nobody).unwrap_err(), "world 1 of the file: --users is 0; it can be 1 to 10000");
    }
}
