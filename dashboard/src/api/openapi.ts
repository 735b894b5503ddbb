/** An OpenAPI document, as far as ours goes. */
export interface OpenApi {
  info: { title: string; version: string; description?: string };
  paths: Record<string, Partial<Record<Method, Described>>>;
  tags: { name: string; description?: string }[];
  components: { schemas: Record<string, Schema>; securitySchemes: Record<string, { description?: string }> };
}

export const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;
export type Method = (typeof METHODS)[number];

export interface Described {
  operationId: string;
  tags: [string];
  summary?: string;
  parameters?: Parameter[];
  requestBody?: { content: Content };
  responses: Record<string, Response>;
  /** Any of these lets in; each names the roles that it takes. */
  security?: Record<string, string[]>[];
}

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  description?: string;
  example?: unknown;
  schema: Schema;
}

export interface Response {
  description: string;
  content?: Content;
}

export type Content = Record<string, { schema: Schema; example?: unknown }>;

export interface Schema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  format?: string;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema | false;
  prefixItems?: Schema[];
  additionalProperties?: Schema | boolean;
  oneOf?: Schema[];
  allOf?: Schema[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  multipleOf?: number;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  example?: unknown;
  examples?: unknown[];
}
