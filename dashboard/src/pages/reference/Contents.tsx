import { TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useDeferredValue, useRef, useState } from 'react';
import { useShortcut } from '../../data/shortcuts';
import { IconSearch } from '../../parts/icons';
import { type Chapter, found } from './document';
import { MethodMark } from './MethodMark';
import classes from './Reference.module.css';

/** Where everything is, and a way to find it. `choose` is told what was. */
export function Contents({ all, choose }: { all: Chapter[]; choose: (id: string) => void }) {
  const [search, setSearch] = useState('');
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  useShortcut('/', 'Search the operations', () => field.current?.focus());
  const shown = found(all, useDeferredValue(search));
  const count = shown.reduce((sum, { operations }) => sum + operations.length, 0);
  return (
    <>
      <form
        role="search"
        className={classes.search}
        onSubmit={(event) => {
          event.preventDefault();
          list.current?.querySelector('a')?.click();
        }}
      >
        <TextInput
          ref={field}
          type="search"
          aria-label="Search the operations"
          placeholder="Search"
          leftSection={<IconSearch size={16} />}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        <p role="status">{search !== '' && (count === 1 ? '1 operation' : `${count} operations`)}</p>
      </form>
      <div ref={list} className={classes.contents}>
        {shown.map(({ tag, title, operations }) => (
          <section key={tag}>
            <p id={`in-${tag}`}>{title}</p>
            <ul aria-labelledby={`in-${tag}`}>
              {operations.map(({ operationId, name, method }) => (
                <li key={operationId}>
                  <Link to="/docs" hash={operationId} onClick={() => choose(operationId)}>
                    <span>{name}</span>
                    <MethodMark method={method} />
                  </Link>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </>
  );
}
