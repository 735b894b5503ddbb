import { Textarea } from '@mantine/core';

interface ReasonProps {
  value: string;
  onChange: (reason: string) => void;
  error?: string | undefined;
  /** Whether it can be left empty. */
  optional?: boolean;
  autoFocus?: boolean;
}

/** The longest reason that the server keeps. */
const LONGEST = 1_000;

/** Why a change is made: every write asks for it, and the audit keeps it. */
export function Reason({ value, onChange, error, optional = true, autoFocus = false }: ReasonProps) {
  return (
    <Textarea
      label={optional ? 'Reason (optional)' : 'Reason'}
      description="Whoever looks later reads it beside the change."
      placeholder="Why?"
      autosize
      autoFocus={autoFocus}
      minRows={1}
      maxRows={5}
      maxLength={LONGEST}
      required={!optional}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      error={error}
    />
  );
}
