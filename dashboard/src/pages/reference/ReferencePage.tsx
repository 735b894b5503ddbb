import { AppShell, Burger, Group } from '@mantine/core';
import { Link, useLocation } from '@tanstack/react-router';
import { useDeferredValue, useEffect, useRef, useState } from 'react';
import type { OpenApi } from '../../api/openapi';
import { useDocument } from '../../data/reference';
import { useSession } from '../../data/session';
import { Failure } from '../../parts/Failure';
import { Loading } from '../../parts/Loading';
import { Page } from '../../parts/Page';
import { Mark } from '../../shell/Mark';
import shell from '../../shell/Shell.module.css';
import { ThemeMenu } from '../../shell/ThemeMenu';
import { useDrawer } from '../../shell/useDrawer';
import { Contents } from './Contents';
import { type Chapter, chapters } from './document';
import { Introduction } from './Introduction';
import { OperationPart } from './OperationPart';
import { Prose } from './Prose';
import classes from './Reference.module.css';

/** What was chosen from the contents last; each choice is another, also of the same operation. */
interface Chosen {
  id: string;
}

/** The API's reference, for anyone: what the OpenAPI document says, to be read. */
export function ReferencePage() {
  const { data: document, error, refetch } = useDocument();
  const burger = useRef<HTMLButtonElement>(null);
  const contents = useRef<HTMLDivElement>(null);
  const { open, toggle, close, away, over } = useDrawer(burger, contents);
  const [chosen, setChosen] = useState<Chosen>();
  const all = document && chapters(document);
  const choose = (id: string) => {
    close();
    setChosen({ id });
  };
  return (
    <AppShell header={{ height: 56 }} navbar={{ width: 300, breakpoint: 'sm', collapsed: { mobile: !open } }} padding="md">
      <Link to="/docs" hash="content" className={shell.skip}>
        Skip to content
      </Link>
      <AppShell.Header className={shell.header}>
        <Group h="100%" px="md" gap="sm" wrap="nowrap">
          <Burger ref={burger} opened={open} onClick={toggle} hiddenFrom="sm" size="sm" aria-expanded={open} aria-label={open ? 'Close contents' : 'Open contents'} />
          <Link to="/" className={shell.home} aria-label="Hoist: all flags">
            <Mark />
          </Link>
          <Group gap="sm" wrap="nowrap" ml="auto">
            <Link to="/" className={classes.out}>
              Dashboard
            </Link>
            <ThemeMenu />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar ref={contents} className={shell.navbar} aria-label="Contents" inert={away}>
        {all && <Contents all={all} choose={choose} />}
      </AppShell.Navbar>
      <AppShell.Main className={shell.main} inert={over}>
        <div id="content" tabIndex={-1}>
          <Page title="API reference" lead={document && <Lead document={document} />}>
            {document && all ? <Text document={document} all={all} chosen={chosen} /> : error ? <Failure error={error} again={() => void refetch()} /> : <Loading rows={12} />}
          </Page>
        </div>
      </AppShell.Main>
    </AppShell>
  );
}

function Lead({ document: { info } }: { document: OpenApi }) {
  return (
    <>
      {info.title} {info.version}. {info.description}
    </>
  );
}

/** Everything stands on the page, so that the browser's own search finds it; what is closed is drawn a moment later. */
function Text({ document, all, chosen }: { document: OpenApi; all: Chapter[]; chosen: Chosen | undefined }) {
  const session = useSession().data;
  const whole = useDeferredValue(true, false);
  useRevealed(whole, chosen);
  const place = { url: session?.url ?? window.location.origin, development: session?.mode === 'development' };
  return (
    <>
      <Introduction document={document} place={place} />
      {all.map(({ tag, title, description, operations }) => (
        <section key={tag} aria-labelledby={tag} className={classes.chapter}>
          <h2 id={tag} tabIndex={-1}>
            {title}
          </h2>
          {description && <Prose text={description} className={classes.prose} />}
          {operations.map((operation) => (
            <OperationPart key={operation.operationId} operation={operation} document={document} place={place} whole={whole} />
          ))}
        </section>
      ))}
    </>
  );
}

/** Shows what the address names, and what was chosen although the address names it already. */
function useRevealed(whole: boolean, chosen: Chosen | undefined) {
  const named = useLocation({ select: ({ hash }) => hash });
  useEffect(() => {
    if (whole) reveal(named);
  }, [named, whole]);
  useEffect(() => {
    if (chosen) reveal(chosen.id);
  }, [chosen]);
}

/** Opens a part of the page, and gives it the keyboard. */
function reveal(id: string) {
  const part = id === '' ? null : document.getElementById(id);
  if (!part) return;
  if (part instanceof HTMLDetailsElement) part.open = true;
  part.scrollIntoView();
  (part.querySelector('summary') ?? part).focus({ preventScroll: true });
}
