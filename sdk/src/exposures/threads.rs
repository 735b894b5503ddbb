//! A small number for each thread, so that threads count in places of their own.
//!
//! A number below [`SHARED`] belongs to one thread at a time: what is written under it has one writer, which needs no
//! locked instruction. A thread gives its number back when it ends; the lock around the free numbers hands what it
//! wrote over to the next owner. Threads beyond the bound share the last number.

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Mutex, PoisonError};

/// How many numbers there are.
pub(crate) const NUMBERS: usize = 64;

/// The number that any number of threads may have at once.
pub(crate) const SHARED: usize = NUMBERS - 1;

const NONE: usize = usize::MAX;

static FREE: Mutex<Free> = Mutex::new(Free { returned: BinaryHeap::new(), next: 0 });

thread_local! {
    static NUMBER: Cell<usize> = const { Cell::new(NONE) };
    static LEASE: Lease = const { Lease(Cell::new(SHARED)) };
}

/// The calling thread's number, below [`NUMBERS`].
#[inline]
pub(crate) fn number() -> usize {
    match NUMBER.get() {
        NONE => take(),
        number => number,
    }
}

#[cold]
fn take() -> usize {
    let number = LEASE.try_with(Lease::take).unwrap_or(SHARED);
    NUMBER.set(number);
    number
}

/// Gives the thread's number back when the thread ends.
struct Lease(Cell<usize>);

impl Lease {
    fn take(&self) -> usize {
        self.0.set(FREE.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.0.get()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Whatever the thread still counts while it ends must not be written under a number that is another's by then.
        NUMBER.set(SHARED);
        FREE.lock().unwrap_or_else(PoisonError::into_inner).put_back(self.0.get());
    }
}

struct Free {
    returned: BinaryHeap<Reverse<usize>>,
    next: usize,
}

impl Free {
    /// The lowest free number, so that few places are touched.
    fn take(&mut self) -> usize {
        if let Some(Reverse(number)) = self.returned.pop() {
            return number;
        }
        let number = self.next.min(SHARED);
        self.next = SHARED.min(number + 1);
        number
    }

    fn put_back(&mut self, number: usize) {
        if number != SHARED {
            self.returned.push(Reverse(number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_given_once_until_they_come_back() {
        let mut free = Free { returned: BinaryHeap::new(), next: 0 };
        let given: Vec<usize> = (0..SHARED).map(|_| free.take()).collect();
        assert_eq!(given, (0..SHARED).collect::<Vec<_>>());
        assert_eq!([free.take(), free.take()], [SHARED, SHARED]);
        for number in [7, SHARED, 3] {
            free.put_back(number);
        }
        assert_eq!([free.take(), free.take(), free.take()], [3, 7, SHARED]);
    }

    #[test]
    fn a_thread_keeps_its_number_and_no_other_thread_has_it() {
        let own = number();
        assert_eq!(number(), own);
        let other = std::thread::spawn(|| (number(), number())).join().unwrap();
        assert_eq!(other.0, other.1);
        assert!(own == SHARED || other.0 != own);
    }
}
