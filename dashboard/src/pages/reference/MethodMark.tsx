import type { Method } from '../../api/openapi';
import classes from './Reference.module.css';

/** What a method does: it reads, writes, or deletes. */
const KINDS: Partial<Record<Method, string>> = { get: 'reads', delete: 'deletes' };

export function MethodMark({ method }: { method: Method }) {
  return (
    <span className={classes.method} data-kind={KINDS[method] ?? 'writes'}>
      {method.toUpperCase()}
    </span>
  );
}
