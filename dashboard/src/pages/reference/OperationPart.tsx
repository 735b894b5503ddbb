import { Link } from '@tanstack/react-router';
import { memo } from 'react';
import type { Content, OpenApi, Parameter } from '../../api/openapi';
import { Code } from '../../parts/Code';
import { curlOf, type Place } from './curl';
import { isProblem, type Operation } from './document';
import { Deeper, Named, Values } from './Fields';
import { MethodMark } from './MethodMark';
import { Prose } from './Prose';
import classes from './Reference.module.css';
import { shapeOf } from './shape';

interface OperationProps {
  operation: Operation;
  document: OpenApi;
  place: Place;
  /** Whether what is closed is drawn as well. */
  whole: boolean;
}

/** One operation: what it is called, and when it is opened, all about it. */
export function OperationPart({ operation, whole, ...rest }: OperationProps) {
  const { operationId, name, method, path, summary = '' } = operation;
  return (
    <details id={operationId} className={classes.operation}>
      <summary>
        <h3>{name}</h3>
        <span className={classes.path}>
          <MethodMark method={method} /> <code>{broken(path)}</code>
        </span>
        <span className={classes.short}>{firstSentence(summary)}</span>
      </summary>
      {whole && <About operation={operation} {...rest} />}
    </details>
  );
}

/** A path that may be broken before each of its parts. */
function broken(path: string) {
  return path.split('/').slice(1).map((part) => [<wbr key={part} />, `/${part}`]);
}

function firstSentence(text: string): string {
  return text.replaceAll('`', '').match(/^.*?[.;:](?=\s|$)/s)?.[0].replace(/[;:]$/, '.') ?? text;
}

const About = memo(({ operation, document, place }: Omit<OperationProps, 'whole'>) => {
  const { operationId, name, summary = '', parameters = [], requestBody, responses } = operation;
  const all = Object.entries(responses);
  return (
    <div className={classes.about}>
      <div>
        <Prose text={summary} className={classes.prose} />
        <Taken operation={operation} />
        {parameters.length > 0 && (
          <>
            <h4>Parameters</h4>
            <Parameters parameters={parameters} document={document} />
          </>
        )}
        {requestBody && (
          <>
            <h4>Body</h4>
            <Contained content={requestBody.content} document={document} />
          </>
        )}
        <h4>Responses</h4>
        <ul className={classes.fields}>
          {all.map(([status, response]) => (
            <li key={status}>
              <div className={classes.named}>
                <code>{status}</code>
                {isProblem(response) && (
                  <Link to="/docs" hash="problems">
                    a problem
                  </Link>
                )}
              </div>
              {response.description && <Prose text={response.description} className={classes.prose} />}
              {response.content && !isProblem(response) && <Contained content={response.content} document={document} folded />}
            </li>
          ))}
        </ul>
      </div>
      <div className={classes.line}>
        <Code text={curlOf(operation, document, place)} label={`curl for ${name}`} />
        <p>
          <Link to="/docs" hash={operationId}>
            Link to “{name}”
          </Link>
        </p>
      </div>
    </div>
  );
});

const ROLES: Record<string, string> = { viewer: 'a viewer or more', editor: 'an editor or more', admin: 'an admin' };

/** Which token lets in. */
function Taken({ operation: { security = [] } }: { operation: Operation }) {
  const schemes = security.flatMap((one) => Object.entries(one));
  const [role] = schemes.flatMap(([, roles]) => roles);
  return (
    <p className={classes.taken}>
      {schemes.length === 0 ? (
        'Takes no token in a header.'
      ) : (
        <>
          Takes a token of kind{' '}
          {schemes.map(([name], place) => (
            <span key={name}>
              {place > 0 && ' or '}
              <code>{name}</code>
            </span>
          ))}
          {role && ` whose role is ${ROLES[role] ?? role}`}.{' '}
          <Link to="/docs" hash="authentication">
            Authentication
          </Link>
        </>
      )}
    </p>
  );
}

/** The order in which a request is written. */
const PLACES = ['path', 'query', 'header'];

function Parameters({ parameters, document }: { parameters: Parameter[]; document: OpenApi }) {
  const sorted = parameters.toSorted((a, b) => PLACES.indexOf(a.in) - PLACES.indexOf(b.in));
  return (
    <ul className={classes.fields}>
      {sorted.map((parameter) => {
        const shape = shapeOf(parameter.schema, document);
        // What is left out is not null.
        const type = `${shape.type.replace(/ or null$/, '')} in the ${parameter.in}`;
        return (
          <li key={`${parameter.in} ${parameter.name}`}>
            <Named name={parameter.name} shape={{ ...shape, type }} required={parameter.required ?? false} />
            {parameter.description && <Prose text={parameter.description} className={classes.prose} />}
            <Values shape={shape} />
          </li>
        );
      })}
    </ul>
  );
}

/** What a body or an answer is made of, in each of its forms. */
function Contained({ content, document, folded = false }: { content: Content; document: OpenApi; folded?: boolean }) {
  return Object.entries(content).map(([kind, { schema }]) => {
    const shape = shapeOf(schema, document);
    const deeper = shape.fields.length > 0 || shape.choices.length > 0;
    return (
      <div key={kind}>
        <p className={classes.taken}>
          <code>{kind}</code>, {shape.type}
        </p>
        {deeper && !folded && <Deeper shape={shape} />}
        {deeper && folded && (
          <details className={classes.inner} open>
            <summary>Fields</summary>
            <Deeper shape={shape} />
          </details>
        )}
      </div>
    );
  });
}
