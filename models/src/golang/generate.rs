//! Small programs at random: small enough for every interleaving, mixed enough to deadlock, to panic and to finish.

use fastrand::Rng;
use turnstile::sync::Case;

use super::{Op, Program};

/// As many programs, always the same for the same seed.
pub fn programs(seed: u64, count: usize) -> Vec<Program> {
    let mut random = Rng::with_seed(seed);
    (0..count).map(|_| program(&mut random)).collect()
}

/// A program. The values it sends are all different.
pub fn program(random: &mut Rng) -> Program {
    let capacities: Vec<usize> =
        (0..random.usize(1..=3)).map(|_| [0, 0, 0, 1, 1, 2][random.usize(..6)]).collect();
    let mutexes = [0, 0, 1, 1, 2][random.usize(..5)];
    let (goroutines, most) = [(2, 4), (3, 4), (3, 3), (4, 3)][random.usize(..4)];
    let mut draw = Draw { random, channels: capacities.len(), mutexes, sent: 0, held: Vec::new() };
    let goroutines = (0..goroutines).map(|_| draw.goroutine(most)).collect();
    Program { capacities, mutexes, goroutines }
}

struct Draw<'a> {
    random: &'a mut Rng,
    channels: usize,
    mutexes: usize,
    sent: u8,
    /// The unlocks that the goroutine at hand owes.
    held: Vec<Op>,
}

impl Draw<'_> {
    fn goroutine(&mut self, most: usize) -> Vec<Op> {
        self.held.clear();
        (0..self.random.usize(1..=most)).map(|_| self.op()).collect()
    }

    fn op(&mut self) -> Op {
        if !self.held.is_empty() && self.random.bool() {
            return self.held.swap_remove(self.random.usize(..self.held.len()));
        }
        match self.random.u8(..20) {
            0..2 => Op::Close(self.channel()),
            2..5 if self.mutexes > 0 => self.lock(),
            2..9 => {
                let cases = (0..self.random.usize(1..=3)).map(|_| self.case()).collect();
                Op::Select { cases, default: self.random.u8(..3) == 0 }
            }
            _ => match self.case() {
                Case::Send(channel, value) => Op::Send { channel, value },
                Case::Receive(channel) => Op::Receive(channel),
            },
        }
    }

    fn lock(&mut self) -> Op {
        let mutex = self.random.usize(..self.mutexes);
        let (lock, unlock) = match self.random.u8(..4) {
            0..2 => (Op::Lock(mutex), Op::Unlock(mutex)),
            2 => (Op::WriteLock(mutex), Op::WriteUnlock(mutex)),
            _ => (Op::ReadLock(mutex), Op::ReadUnlock(mutex)),
        };
        // Locked twice, it is still unlocked once at most: the goroutine never gets there, or has it to spare.
        if !self.held.contains(&unlock) {
            self.held.push(unlock);
        }
        lock
    }

    fn case(&mut self) -> Case<u8> {
        let channel = self.channel();
        if self.random.bool() {
            return Case::Receive(channel);
        }
        self.sent += 1;
        Case::Send(channel, self.sent)
    }

    fn channel(&mut self) -> usize {
        self.random.usize(..self.channels)
    }
}
