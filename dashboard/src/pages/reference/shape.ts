import type { OpenApi, Schema } from '../../api/openapi';
import { resolved } from './document';

/** What a reader wants to know of a schema. */
export interface Shape {
  /** What it is, in words: `list of text`. */
  type: string;
  description?: string;
  /** What bounds it, each in a few words. */
  bounds: string[];
  /** The values that it may have, if they are few. */
  values: string[];
  /** What an object has; for a list or a map, what each of its objects has. */
  fields: Field[];
  /** It is one of these. */
  choices: Shape[];
}

export interface Field {
  name: string;
  required: boolean;
  shape: Shape;
}

/** Reads a schema, and all that it leads to. */
export function shapeOf(written: Schema, document: OpenApi): Shape {
  const schema = merged(resolved(written, document), document);
  const nothing = (it: Schema) => it.type === 'null';
  const choices = (schema.oneOf ?? []).filter((it) => !nothing(it));
  const [only] = choices;
  if (only && choices.length === 1) {
    const shape = shapeOf(only, document);
    const description = schema.description ?? shape.description;
    return { ...shape, description, type: orNull(shape.type, schema.oneOf?.some(nothing)) };
  }
  const types = [schema.type ?? []].flat();
  const each = innerOf(schema);
  const inner = each && shapeOf(each, document);
  const { fields = [], values = [], choices: kinds = [], bounds = [] } = inner ?? {};
  return {
    type: orNull(inWords(schema, types.filter((it) => it !== 'null'), inner, document), types.includes('null')),
    description: schema.description,
    bounds: [...boundsOf(schema), ...bounds],
    values: [...(schema.enum ?? []).map((value) => (typeof value === 'string' ? value : JSON.stringify(value))), ...values],
    fields: [...fieldsOf(schema, document), ...fields],
    choices: [...choices.map((it) => shapeOf(it, document)), ...kinds],
  };
}

/** Parts that hold together are one. */
function merged(schema: Schema, document: OpenApi): Schema {
  if (!schema.allOf) return schema;
  const parts = schema.allOf.map((part) => merged(resolved(part, document), document));
  return {
    ...schema,
    type: 'object',
    properties: Object.assign({}, ...parts.map(({ properties }) => properties)) as Record<string, Schema>,
    required: parts.flatMap(({ required }) => required ?? []),
    oneOf: schema.oneOf ?? parts.find(({ oneOf }) => oneOf)?.oneOf,
  };
}

/** What a list or a map is made of. */
function innerOf(schema: Schema): Schema | undefined {
  if (schema.items) return schema.items;
  const values = schema.additionalProperties;
  return typeof values === 'object' ? values : undefined;
}

function fieldsOf({ properties = {}, required = [] }: Schema, document: OpenApi): Field[] {
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    required: required.includes(name),
    shape: shapeOf(schema, document),
  }));
}

/** Those that say more than how many bits a number has. */
const FORMATS = ['date-time'];

function inWords(schema: Schema, types: string[], inner: Shape | undefined, document: OpenApi): string {
  if (schema.prefixItems) return `array of ${schema.prefixItems.map((it) => shapeOf(it, document).type).join(' and ')}`;
  if (types.includes('array')) return `array of ${inner?.type ?? 'anything'}`;
  if (inner) return `map of ${inner.type}`;
  if (schema.oneOf) return 'one of several';
  if (schema.format && FORMATS.includes(schema.format)) return schema.format;
  return types.join(' or ') || 'anything';
}

function orNull(type: string, nullable = false): string {
  return nullable ? `${type} or null` : type;
}

function boundsOf({ minimum, maximum, multipleOf, minItems, maxItems, minLength, maxLength, pattern }: Schema): string[] {
  return [
    range(minimum, maximum, ''),
    range(minItems, maxItems, ' items'),
    range(minLength, maxLength, ' characters'),
    multipleOf === undefined ? '' : `in steps of ${multipleOf}`,
    pattern === undefined ? '' : `fits ${pattern}`,
  ].filter(Boolean);
}

function range(from: number | undefined, to: number | undefined, unit: string): string {
  if (from !== undefined && to !== undefined) return `${from} to ${to}${unit}`;
  if (from !== undefined) return `at least ${from}${unit}`;
  return to === undefined ? '' : `at most ${to}${unit}`;
}
