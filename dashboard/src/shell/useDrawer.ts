import { useDisclosure, useMediaQuery } from '@mantine/hooks';
import { type RefObject, useEffect } from 'react';

/** Mantine's `sm`, below which the navigation lies over the page. */
const NARROW = '(max-width: 47.99em)';

interface Drawer {
  open: boolean;
  toggle: () => void;
  close: () => void;
  /** Nothing in it can be reached: it is closed, and the page is narrow. */
  away: boolean;
  /** It lies over the page, so that nothing below can be reached. */
  over: boolean;
}

/** The navigation on a narrow page: opened, it has the keyboard; Escape closes it and gives that back to its button. */
export function useDrawer(burger: RefObject<HTMLElement | null>, pages: RefObject<HTMLElement | null>): Drawer {
  const [open, { toggle, close }] = useDisclosure();
  const narrow = useMediaQuery(NARROW, undefined, { getInitialValueInEffect: false });
  const over = open && narrow;
  useEffect(() => {
    if (!over) return undefined;
    pages.current?.querySelector<HTMLElement>('a')?.focus();
    const pressed = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented) return;
      close();
      burger.current?.focus();
    };
    window.addEventListener('keydown', pressed);
    return () => window.removeEventListener('keydown', pressed);
  }, [over, close, burger, pages]);
  return { open, toggle, close, away: narrow && !open, over };
}
