import { Alert, List } from '@mantine/core';
import { UNKNOWN } from '../api/problem';

/** What the server refused and no field of the form stands for. */
export function FormProblems({ problems }: { problems: string[] }) {
  if (problems.length === 0) return null;
  const title = problems.includes(UNKNOWN) ? 'The server did not answer' : 'This was not saved';
  return (
    <Alert color="ember" variant="light" title={title} role="alert" tabIndex={-1}>
      {problems.length === 1 ? problems[0] : <List size="sm">{problems.map((it) => <List.Item key={it}>{it}</List.Item>)}</List>}
    </Alert>
  );
}
