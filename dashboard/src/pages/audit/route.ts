import { createRoute } from '@tanstack/react-router';
import { page } from '../../chunks';
import type { AuditFilters } from '../../data/audit';
import { projectRoute } from '../../routes';
import { text } from '../../search';

export function readAuditFilters(search: Record<string, unknown>): AuditFilters {
  const day = (value: unknown) => text(value)?.match(/^\d{4}-\d\d-\d\d$/)?.[0];
  return {
    flag: text(search['flag']),
    where: text(search['where']),
    actor: text(search['actor']),
    action: text(search['action']),
    since: day(search['since']),
    until: day(search['until']),
  };
}

export const auditRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: 'audit',
  validateSearch: readAuditFilters,
  component: page(() => import('./AuditPage'), 'AuditPage'),
});
