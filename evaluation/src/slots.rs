//! Flags by their slot, in pages of which a change copies one.

use std::sync::Arc;

use crate::flag::Flag;
use crate::limits::SLOTS;

const PAGE: usize = 64;

type Page = [Option<Arc<Flag>>; PAGE];

/// Flags by their slot. A clone shares all pages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots(Vec<Arc<Page>>);

impl Slots {
    #[inline]
    pub(crate) fn get(&self, slot: u32) -> Option<&Flag> {
        let (page, place) = split(slot)?;
        self.0.get(page)?.get(place)?.as_deref()
    }

    pub(crate) fn put(&mut self, flag: Arc<Flag>) {
        let slot = flag.slot();
        while split(slot).is_some_and(|(page, _)| page < SLOTS / PAGE && page >= self.0.len()) {
            self.0.push(Arc::new([const { None }; PAGE]));
        }
        self.set(slot, Some(flag));
    }

    pub(crate) fn remove(&mut self, slot: u32) {
        self.set(slot, None);
    }

    fn set(&mut self, slot: u32, flag: Option<Arc<Flag>>) {
        let page_and_place = split(slot).and_then(|(page, place)| Some((self.0.get_mut(page)?, place)));
        if let Some((page, place)) = page_and_place
            && let Some(there) = Arc::make_mut(page).get_mut(place)
        {
            *there = flag;
        }
    }
}

/// The page of a slot and its place there.
#[inline]
fn split(slot: u32) -> Option<(usize, usize)> {
    let slot = usize::try_from(slot).ok()?;
    Some((slot / PAGE, slot % PAGE))
}
