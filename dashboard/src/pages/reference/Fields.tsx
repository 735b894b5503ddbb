import { Prose } from './Prose';
import classes from './Reference.module.css';
import type { Field, Shape } from './shape';

/** What an object has, field by field. */
export function Fields({ fields }: { fields: Field[] }) {
  return (
    <ul className={classes.fields}>
      {fields.map(({ name, required, shape }) => (
        <li key={name}>
          <Named name={name} shape={shape} required={required} />
          {shape.description && <Prose text={shape.description} className={classes.prose} />}
          <Values shape={shape} />
          <Inner name={name} shape={shape} />
        </li>
      ))}
    </ul>
  );
}

/** A name, what stands behind it, and whether it must. */
export function Named({ name, shape, required }: { name: string; shape: Shape; required: boolean }) {
  return (
    <div className={classes.named}>
      <code>{name}</code>
      <span>{[shape.type, ...shape.bounds.filter((it) => !it.startsWith('fits'))].join(', ')}</span>
      {required && <b>required</b>}
    </div>
  );
}

/** The few values that something may have, and the pattern that texts must fit. */
export function Values({ shape: { values, bounds } }: { shape: Shape }) {
  const pattern = bounds.find((it) => it.startsWith('fits'))?.slice('fits '.length);
  return (
    <>
      {values.length > 0 && (
        <p className={classes.values}>
          {values.length > 1 && 'one of '}
          {values.map((value, place) => (
            <span key={value}>
              <code>{value}</code>
              {place < values.length - 1 && ', '}
            </span>
          ))}
        </p>
      )}
      {pattern && (
        <p className={classes.values}>
          fits <code>{pattern}</code>
        </p>
      )}
    </>
  );
}

/** What lies deeper: it opens when somebody looks for it, also by the browser's own search. */
function Inner({ name, shape }: { name: string; shape: Shape }) {
  if (shape.fields.length === 0 && shape.choices.length === 0) return null;
  return (
    <details className={classes.inner}>
      <summary>
        {shape.choices.length > 0 ? 'Kinds of' : 'Fields of'} <span className={classes.mono}>{name}</span>
      </summary>
      <Deeper shape={shape} />
    </details>
  );
}

/** The fields of something, or those of each of its kinds. */
export function Deeper({ shape }: { shape: Shape }) {
  return (
    <>
      {shape.fields.length > 0 && <Fields fields={shape.fields} />}
      {shape.choices.length > 0 && (
        <ul className={classes.fields}>
          {shape.choices.map((choice, place) => (
            <li key={place}>
              <div className={classes.named}>
                <span>{choice.type}</span>
              </div>
              {choice.description && <Prose text={choice.description} className={classes.prose} />}
              <Values shape={choice} />
              <Deeper shape={choice} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
