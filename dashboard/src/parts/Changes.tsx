import { VisuallyHidden } from '@mantine/core';
import type { FieldChange } from '../api/schema';
import classes from './Changes.module.css';

/** Field by field, what it was and what it is. */
export function Changes({ changes }: { changes: FieldChange[] }) {
  if (changes.length === 0) return null;
  return (
    <table className={classes.changes}>
      <thead>
        <tr>
          {['Field', 'Before', 'After'].map((name) => (
            <th key={name} scope="col">
              <VisuallyHidden>{name}</VisuallyHidden>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {changes.map(({ field, before, after }) => (
          <tr key={field}>
            <th scope="row">{field.replace(/^\//, '').replaceAll('/', ' › ') || 'all of it'}</th>
            <td className={classes.before}>{shown(before)}</td>
            <td className={classes.after}>{shown(after)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
