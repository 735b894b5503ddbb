import type { OpenApi } from '../../api/openapi';
import { Code } from '../../parts/Code';
import type { Place } from './curl';
import { Fields } from './Fields';
import { Prose } from './Prose';
import classes from './Reference.module.css';
import { shapeOf } from './shape';

/** What is the same for all operations: where they are, what lets in, and how a failure is told. */
export function Introduction({ document, place }: { document: OpenApi; place: Place }) {
  const { fields } = shapeOf({ $ref: '#/components/schemas/Problem' }, document);
  return (
    <>
      <p className={classes.prose}>
        Requests go to <code>{place.url}</code>. Bodies are JSON. All that stands here is in the{' '}
        <a href="/openapi.json">OpenAPI document</a>, too.
      </p>
      <section aria-labelledby="authentication" className={classes.chapter}>
        <h2 id="authentication" tabIndex={-1}>
          Authentication
        </h2>
        <p className={classes.prose}>Every request carries a token in a header, unless its operation takes none:</p>
        <div className={classes.line}>
          <Code text={`Authorization: Bearer ${place.development ? 'hoist_api_development' : '$HOIST_TOKEN'}`} label="The header with a token" />
        </div>
        <dl className={classes.schemes}>
          {Object.entries(document.components.securitySchemes).map(([name, { description }]) => (
            <div key={name}>
              <dt>
                <code>{name}</code>
              </dt>
              <dd>{description && <Prose text={description} />}</dd>
            </div>
          ))}
        </dl>
        {place.development && (
          <p className={classes.prose}>
            This server runs for development, on this machine alone: it knows <code>hoist_api_development</code>,{' '}
            <code>hoist_sdk_development</code> and <code>hoist_web_development</code>, so that every line below works as it stands.
          </p>
        )}
      </section>
      <section aria-labelledby="problems" className={classes.chapter}>
        <h2 id="problems" tabIndex={-1}>
          Problems
        </h2>
        <p className={classes.prose}>
          What is not done as asked is answered by <code>application/problem+json</code> (RFC 9457) with a status from 400 on:
        </p>
        <div className={classes.card}>
          <Fields fields={fields} />
        </div>
      </section>
    </>
  );
}
