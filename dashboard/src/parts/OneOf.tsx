import { NativeSelect } from '@mantine/core';
import { Typed } from './Typed';

/** Of more than so many, one is looked for by typing: a list of them is too long to find anything in. */
const MOST_LISTED = 30;

interface OneOfProps {
  label: string;
  unseen?: boolean;
  /** What it says while none is chosen: `Any owner`. */
  any: string;
  value: string | undefined;
  among: string[];
  change: (value: string | undefined) => void;
  className?: string | undefined;
}

/** One of a few is chosen from a list; one of many is looked for. */
export function OneOf({ any, value, change, among, ...rest }: OneOfProps) {
  if (among.length > MOST_LISTED) {
    return <Typed {...rest} placeholder={any} value={value} among={among} change={(typed) => change(typed || undefined)} />;
  }
  const { label, unseen, className } = rest;
  return (
    <NativeSelect
      {...(unseen ? { 'aria-label': label } : { label })}
      className={className}
      data-chosen={value !== undefined}
      value={value ?? ''}
      onChange={(event) => change(event.currentTarget.value || undefined)}
      data={[{ value: '', label: any }, ...among]}
    />
  );
}
