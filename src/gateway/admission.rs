//! How many may be here at once: in all, from one address, of one user.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Who is here.
#[derive(Default)]
pub(super) struct Admission(Arc<Mutex<Present>>);

#[derive(Default)]
struct Present {
    all: usize,
    addresses: BTreeMap<IpAddr, usize>,
    users: BTreeMap<Arc<str>, usize>,
}

/// Why somebody has no place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Full {
    All,
    Address,
}

/// A place, given up when it is dropped.
pub(super) struct Seat {
    present: Arc<Mutex<Present>>,
    whose: Whose,
}

enum Whose {
    Address(IpAddr),
    User(Arc<str>),
}

fn lock(present: &Mutex<Present>) -> MutexGuard<'_, Present> {
    present.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Admission {
    /// A place for a socket from an address.
    pub(super) fn socket(&self, from: IpAddr, all: usize, per_ip: usize) -> Result<Seat, Full> {
        let mut present = lock(&self.0);
        if present.all >= all {
            return Err(Full::All);
        }
        let here = present.addresses.entry(from).or_default();
        if *here >= per_ip {
            return Err(Full::Address);
        }
        *here += 1;
        present.all += 1;
        Ok(Seat { present: self.0.clone(), whose: Whose::Address(from) })
    }

    /// How many sockets there are.
    pub(super) fn sockets(&self) -> usize {
        lock(&self.0).all
    }

    /// A place for one more connection of a user, if there is one.
    pub(super) fn user(&self, user: &Arc<str>, at_most: usize) -> Option<Seat> {
        let mut present = lock(&self.0);
        let here = present.users.entry(user.clone()).or_default();
        if *here >= at_most {
            return None;
        }
        *here += 1;
        Some(Seat { present: self.0.clone(), whose: Whose::User(user.clone()) })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut present = lock(&self.present);
        match &self.whose {
            Whose::Address(from) => {
                present.all -= 1;
                one_less(&mut present.addresses, from);
            }
            Whose::User(user) => one_less(&mut present.users, user),
        }
    }
}

fn one_less<K: Ord>(counts: &mut BTreeMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_it_is_given_up() {
        let admission = Admission::default();
        let from = IpAddr::from([127, 0, 0, 1]);
        let first = admission.socket(from, 2, 1).ok();
        assert!(first.is_some());
        assert_eq!(admission.socket(from, 2, 1).err(), Some(Full::Address));
        assert_eq!(admission.socket(from, 1, 1).err(), Some(Full::All));
        drop(first);
        assert_eq!(admission.sockets(), 0);
        assert!(admission.socket(from, 1, 1).is_ok());
        let user: Arc<str> = "u".into();
        let seat = admission.user(&user, 1);
        assert!(seat.is_some() && admission.user(&user, 1).is_none());
    }
}
