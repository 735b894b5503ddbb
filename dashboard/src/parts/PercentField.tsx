import { TextInput, type TextInputProps } from '@mantine/core';
import { useState } from 'react';

interface PercentFieldProps extends Omit<TextInputProps, 'value' | 'onChange'> {
  /** Not a number while what is typed is none. */
  value: number;
  onChange: (value: number) => void;
}

/** What is said where no share stands. */
export const NO_SHARE = 'From 0 to 100, at most three decimals';

/** A share of a hundred with at most three decimals, by a point or a comma. What is no share is told, never bent into one. */
export function PercentField({ value, onChange, error, ...rest }: PercentFieldProps) {
  const [text, setText] = useState(() => said(value));
  // Whoever changes the share elsewhere, by a button or a slider, changes what stands here.
  if (!Object.is(read(text), value) && !Number.isNaN(value)) setText(said(value));
  return (
    <TextInput
      inputMode="decimal"
      autoComplete="off"
      w={130}
      rightSection="%"
      rightSectionPointerEvents="none"
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        onChange(read(event.currentTarget.value));
      }}
      error={error ?? (Number.isNaN(read(text)) && text.trim() !== '' ? NO_SHARE : undefined)}
      {...rest}
    />
  );
}

const said = (value: number) => (Number.isNaN(value) ? '' : String(value));

function read(text: string): number {
  const plain = text.replace(',', '.').replace('%', '').trim();
  const value = /^(\d{1,3}(\.\d{0,3})?|\.\d{1,3})$/.test(plain) ? Number(plain) : Number.NaN;
  return value <= 100 ? value : Number.NaN;
}
