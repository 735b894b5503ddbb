/** The API's types, made anew out of `openapi/openapi.json` by every check. */
export type * from '../../generated/api';
