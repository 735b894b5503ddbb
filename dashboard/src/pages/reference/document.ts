import { METHODS, type Described, type Method, type OpenApi, type Response, type Schema } from '../../api/openapi';

export interface Operation extends Described {
  method: Method;
  path: string;
  /** What people call it. */
  name: string;
  /** What a search looks through. */
  words: string;
}

export interface Chapter {
  tag: string;
  title: string;
  description?: string;
  operations: Operation[];
}

/** All operations, in the document's order, under their tags. */
export function chapters(document: OpenApi): Chapter[] {
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const described = item[method];
      return described ? [named(method, path, described)] : [];
    }),
  );
  return document.tags.map(({ name: tag, description }) => ({
    tag,
    title: TITLES[tag] ?? inWords(tag),
    description,
    operations: operations.filter(({ tags }) => tags.includes(tag)),
  }));
}

/** Tags that are no words. */
const TITLES: Record<string, string> = { ofrep: 'OFREP', sdk: 'SDK' };

function named(method: Method, path: string, described: Described): Operation {
  const name = inWords(described.operationId);
  const words = `${name} ${described.operationId} ${method} ${path} ${described.summary ?? ''}`.toLowerCase();
  return { ...described, method, path, name, words };
}

function inWords(id: string): string {
  const words = id.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Those that have every word of a search, whatever its case. */
export function found(all: Chapter[], search: string): Chapter[] {
  const wanted = search.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = ({ words }: Operation) => wanted.every((word) => words.includes(word));
  return all
    .map((chapter) => ({ ...chapter, operations: chapter.operations.filter(fits) }))
    .filter(({ operations }) => operations.length > 0);
}

/** The schema that a reference leads to; what stands beside the reference goes first. */
export function resolved(schema: Schema, document: OpenApi): Schema {
  if (schema.$ref === undefined) return schema;
  const { $ref, ...beside } = schema;
  return { ...document.components.schemas[$ref.split('/').at(-1) ?? ''], ...beside };
}

/** Whether a response is told by the problem that all of the API tells. */
export function isProblem({ content }: Response): boolean {
  return Object.keys(content ?? {}).includes('application/problem+json');
}
