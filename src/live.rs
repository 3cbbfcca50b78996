//! The user table as v3.8.3 and main have it: each user's clients in a growing array, which removal filters in place.
//!
//! A listing of all of a user's clients is Go's slice of that array, not a copy: who goes through it sees what later
//! operations put into the same array, and does not see an array that has since been replaced by a longer one.

use std::collections::{BTreeMap, BTreeSet};

use crate::session::User;

/// A user's clients: a Go slice, with the array behind it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Array<C> {
    /// The array as far as anybody could still see it: more than `len` only while somebody has a listing.
    slots: Vec<C>,
    len: usize,
    capacity: usize,
    /// Which array it is, to those that have a listing of it; 0 if nobody has.
    number: u32,
    listings: u32,
}

/// What a listing refers to: an array, and how much of it was the row when it was made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Listing {
    user: User,
    number: u32,
    /// How many clients it has.
    pub len: usize,
}

/// Each user's clients; `userMap` in `user_map.go`, whose operations each hold its lock throughout.
///
/// ```
/// use turnstile::{live::LiveTable, session::User};
/// let mut table = LiveTable::default();
/// ["a", "b", "c"].into_iter().for_each(|c| table.append(User(1), c));
/// let listing = table.list(User(1)).unwrap();
/// assert_eq!(table.at(&listing, 0), "a");
/// table.remove(User(1), |c| *c == "a");
/// // The listing skips b: it has moved to where a was.
/// assert_eq!([table.at(&listing, 1), table.at(&listing, 2)], ["c", "c"]);
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct LiveTable<C> {
    rows: BTreeMap<User, Array<C>>,
    /// Arrays that are no row any more, but that somebody has a listing of.
    replaced: Vec<Array<C>>,
    /// The numbers of the arrays that somebody has a listing of.
    listed: BTreeSet<u32>,
}

impl<C> Default for LiveTable<C> {
    fn default() -> Self {
        LiveTable { rows: BTreeMap::new(), replaced: Vec::new(), listed: BTreeSet::new() }
    }
}

impl<C: Clone> LiveTable<C> {
    /// A user's row, if the user has one; `Get` copies from it.
    pub fn get(&self, user: User) -> Option<&[C]> {
        self.rows.get(&user).map(|row| &row.slots[..row.len])
    }

    /// A listing of a user's row; `GetAll`. It is to be [`released`](LiveTable::release) in the end, as the garbage collector does.
    pub fn list(&mut self, user: User) -> Option<Listing> {
        let row = self.rows.get_mut(&user)?;
        if row.listings == 0 {
            row.number =
                (1..).find(|n| !self.listed.contains(n)).expect("there are more numbers than arrays");
            self.listed.insert(row.number);
        }
        row.listings += 1;
        Some(Listing { user, number: row.number, len: row.len })
    }

    fn array(&self, listing: &Listing) -> &Array<C> {
        self.rows
            .get(&listing.user)
            .into_iter()
            .chain(&self.replaced)
            .find(|array| array.number == listing.number)
            .expect("an array stays while somebody has a listing of it")
    }

    /// What is now at place `at`, from 0, of a listing.
    pub fn at(&self, listing: &Listing, at: usize) -> C {
        self.array(listing).slots[at].clone()
    }

    /// Gives a listing up.
    pub fn release(&mut self, listing: Listing) {
        let row = self.rows.get_mut(&listing.user).into_iter();
        for array in row.chain(&mut self.replaced).filter(|array| array.number == listing.number) {
            array.listings -= 1;
            if array.listings == 0 {
                self.listed.remove(&array.number);
                array.number = 0;
                array.slots.truncate(array.len);
            }
        }
        self.replaced.retain(|array| array.listings > 0);
    }

    /// Adds a client at the end of a user's row; `Set`. Go's `append` writes into the array if it has room, and else makes one
    /// of twice the length.
    pub fn append(&mut self, user: User, client: C) {
        let Some(row) = self.rows.get_mut(&user) else {
            let row = Array { slots: vec![client], len: 1, capacity: 1, number: 0, listings: 0 };
            self.rows.insert(user, row);
            return;
        };
        if row.len == row.capacity {
            let longer = Array {
                slots: row.slots[..row.len].to_vec(),
                len: row.len,
                capacity: row.capacity * 2,
                number: 0,
                listings: 0,
            };
            let replaced = std::mem::replace(row, longer);
            self.replaced.extend(Some(replaced).filter(|array| array.listings > 0));
        }
        let row = self.rows.get_mut(&user).expect("the row is there");
        row.put(client);
    }

    /// Removes the clients that `gone` says, by moving the others up within the array; `DeleteClients`. True if none is left.
    pub fn remove(&mut self, user: User, gone: impl Fn(&C) -> bool) -> bool {
        let Some(row) = self.rows.get_mut(&user) else { return false };
        let before = row.slots.clone();
        let len = std::mem::take(&mut row.len);
        before[..len].iter().filter(|client| !gone(client)).for_each(|client| row.put(client.clone()));
        if row.listings == 0 {
            row.slots.truncate(row.len);
        }
        if row.len > 0 {
            return false;
        }
        let row = self.rows.remove(&user).expect("the row is there");
        self.replaced.extend(Some(row).filter(|array| array.listings > 0));
        true
    }

    /// All rows, by user.
    pub fn rows(&self) -> impl Iterator<Item = (User, &[C])> {
        self.rows.iter().map(|(user, row)| (*user, &row.slots[..row.len]))
    }
}

impl<C> Array<C> {
    fn put(&mut self, client: C) {
        match self.slots.get_mut(self.len) {
            Some(slot) => *slot = client,
            None => self.slots.push(client),
        }
        self.len += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(clients: &[u32]) -> LiveTable<u32> {
        let mut table = LiveTable::default();
        clients.iter().for_each(|c| table.append(User(1), *c));
        table
    }

    #[test]
    fn what_nobody_lists_leaves_no_trace() {
        let mut other = table(&[1, 2]);
        let listing = other.list(User(1)).unwrap();
        other.release(listing);
        assert_eq!(other, table(&[1, 2]));
        other.remove(User(1), |c| *c == 2);
        assert_eq!(other.get(User(1)), Some(&[1][..]));
    }

    #[test]
    fn a_longer_array_is_another_one() {
        let mut table = table(&[1, 2]);
        let listing = table.list(User(1)).unwrap();
        table.append(User(1), 3);
        table.remove(User(1), |c| *c == 1);
        assert_eq!([table.at(&listing, 0), table.at(&listing, 1)], [1, 2], "the old array stays as it was");
        assert_eq!(table.get(User(1)), Some(&[2, 3][..]));
        table.release(listing);
        assert!(table.replaced.is_empty());
    }

    #[test]
    fn who_comes_later_may_be_seen_in_an_old_listing() {
        let mut table = table(&[1, 2]);
        let listing = table.list(User(1)).unwrap();
        assert!(!table.remove(User(1), |c| *c == 2));
        table.append(User(1), 9);
        assert_eq!(table.at(&listing, 1), 9);
    }

    #[test]
    fn an_emptied_row_is_gone_and_its_array_as_it_was() {
        let mut table = table(&[1]);
        let listing = table.list(User(1)).unwrap();
        assert!(table.remove(User(1), |_| true));
        assert_eq!((table.get(User(1)), table.at(&listing, 0)), (None, 1));
        table.append(User(1), 2);
        assert_eq!(table.at(&listing, 0), 1, "a new row has a new array");
    }
}
