import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';
import { type Filters, readFilters } from './filters';

/** The filters in the address, and a way to change them that leaves no trail in the history. */
export function useFilters(): [Filters, (filters: Filters) => void] {
  const filters = useSearch({ from: '/projects/$project/flags', select: readFilters });
  const navigate = useNavigate();
  const change = useCallback(
    (next: Filters) =>
      void navigate({
        from: '/projects/$project/flags',
        to: '.',
        search: ({ environment }) => ({ environment, ...next }),
        replace: true,
        resetScroll: false,
      }),
    [navigate],
  );
  return [filters, change];
}
