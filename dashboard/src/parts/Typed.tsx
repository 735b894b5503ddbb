import { CloseButton, TextInput } from '@mantine/core';
import { useId, useRef, useState } from 'react';

interface TypedProps {
  label: string;
  /** Whether the label is heard alone, where the placeholder says enough to the eye. */
  unseen?: boolean;
  placeholder: string;
  value: string | undefined;
  /** What may be meant. */
  among: string[];
  change: (value: string) => void;
  className?: string | undefined;
}

/** So many are offered at once. */
const OFFERED = 50;

/** A text that is looked for when it is typed to its end, or as soon as it can mean one thing only: those there are, are offered. */
export function Typed({ label, unseen = false, placeholder, value = '', among, change, className }: TypedProps) {
  const [{ typed, stands }, set] = useState({ typed: value, stands: value });
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  if (stands !== value) set({ typed: value, stands: value });
  const fits = among.filter((one) => one.toLowerCase().includes(typed.trim().toLowerCase()));
  const clear = () => {
    set({ typed: '', stands: value });
    change('');
    field.current?.focus();
  };
  return (
    <>
      <TextInput
        ref={field}
        {...(unseen ? { 'aria-label': label } : { label })}
        className={className}
        data-chosen={value !== ''}
        placeholder={placeholder}
        value={typed}
        list={id}
        rightSection={typed && <CloseButton size="sm" aria-label={`Clear: ${label}`} onClick={clear} />}
        onChange={(event) => {
          const typed = event.currentTarget.value;
          set({ typed, stands: value });
          // Whoever chose from the list has typed to the end.
          if (!('inputType' in event.nativeEvent) && among.includes(typed)) change(typed);
        }}
        onBlur={() => typed.trim() !== value && change(typed.trim())}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return;
          const meant = typed.trim() !== '' && fits.length === 1 && fits[0] ? fits[0] : typed.trim();
          set({ typed: meant, stands: value });
          change(meant);
        }}
        autoComplete="off"
        spellCheck={false}
      />
      <datalist id={id}>
        {fits.slice(0, OFFERED).map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </datalist>
    </>
  );
}
