import { ProblemError } from '../../api/problem';

/** What the server found wrong, asked for by place. What no field asked for is told above the form. */
export interface Faults {
  /** What is wrong at a pointer or below it. */
  at: (pointer: string) => string | undefined;
  rest: string[];
}

/** Places that a field of the editor stands for. */
const FIELDS =
  /^\/(off_variant|default(\/|$)|prerequisites\/\d+|rules\/\d+(\/(name|rollout|serve|bucket_by|segments|conditions\/\d+)|$))/;

export function faultsOf(error: unknown): Faults {
  if (error === null || error === undefined) return { at: () => undefined, rest: [] };
  if (!(error instanceof ProblemError)) return { at: () => undefined, rest: [String(error)] };
  const faults = error.problem.errors ?? [];
  const homeless = faults.filter(({ pointer }) => !FIELDS.test(pointer));
  const rest = homeless.map(({ pointer, detail }) => (pointer ? `${pointer}: ${detail}` : detail));
  return {
    at: (place) => {
      const here = faults.filter(({ pointer }) => pointer === place || pointer.startsWith(`${place}/`));
      return here.length === 0 ? undefined : here.map(({ detail }) => detail).join(' ');
    },
    rest: faults.length === 0 ? [error.problem.detail] : rest,
  };
}
