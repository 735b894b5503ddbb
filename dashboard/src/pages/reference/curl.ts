import type { OpenApi, Parameter } from '../../api/openapi';
import { type Operation, resolved } from './document';

/** Where a line asks, and by which tokens. */
export interface Place {
  url: string;
  /** On a development server everyone knows the tokens. */
  development: boolean;
}

/** So many characters of JSON stand in a line. */
const WIDE = 48;

/** A line for a shell that does what an operation does, with the document's own examples. */
export function curlOf(operation: Operation, document: OpenApi, { url, development }: Place): string {
  const { method, parameters = [], requestBody } = operation;
  const parts = [['curl', isStream(operation) && '-N', !isDefault(operation) && `-X ${method.toUpperCase()}`].filter(Boolean).join(' ')];
  const scheme = Object.keys(operation.security?.[0] ?? {})[0];
  if (scheme && development) parts.push(`-H ${quoted(`Authorization: Bearer hoist_${scheme}_development`)}`);
  else if (scheme) parts.push('-H "Authorization: Bearer $HOIST_TOKEN"');
  const body = requestBody?.content['application/json'];
  if (body) {
    parts.push(`-H ${quoted('Content-Type: application/json')}`);
    parts.push(`-d ${quoted(written(body.example))}`);
  }
  parts.push(quoted(`${url}${pathOf(operation.path, parameters)}${queryOf(parameters, document)}`));
  return parts.join(' \\\n  ');
}

/** JSON whose parts stand in a line of their own where they fit into one. */
function written(value: unknown, indent = ''): string {
  const short = JSON.stringify(value);
  if (short.length <= WIDE || typeof value !== 'object' || value === null) return short;
  const deeper = `${indent}  `;
  const list = Array.isArray(value);
  const parts = list
    ? value.map((it) => written(it, deeper))
    : Object.entries(value).map(([name, it]) => `${JSON.stringify(name)}: ${written(it, deeper)}`);
  const [first, last] = list ? '[]' : '{}';
  return `${first}\n${parts.map((part) => deeper + part).join(',\n')}\n${indent}${last}`;
}

/** What curl does without being told. */
function isDefault({ method, requestBody }: Operation): boolean {
  return method === (requestBody ? 'post' : 'get');
}

function isStream({ responses }: Operation): boolean {
  return Object.values(responses).some(({ content }) => content && 'text/event-stream' in content);
}

function pathOf(path: string, parameters: Parameter[]): string {
  const example = (name: string) => parameters.find((it) => it.in === 'path' && it.name === name)?.example;
  return path.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(example(name) ?? whole));
}

/** Only what must be said. */
function queryOf(parameters: Parameter[], document: OpenApi): string {
  const wanted = parameters.filter((it) => it.in === 'query' && it.required);
  const value = ({ example, schema }: Parameter) => String(example ?? resolved(schema, document).example ?? '');
  const query = new URLSearchParams(wanted.map((it) => [it.name, value(it)])).toString();
  return query && `?${query}`;
}

/** Text as a shell takes it, whatever stands in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
