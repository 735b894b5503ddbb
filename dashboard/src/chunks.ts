import { lazyRouteComponent } from '@tanstack/react-router';
import { type ComponentType, lazy } from 'react';

type Load<Name extends string, Props> = () => Promise<Record<Name, ComponentType<Props>>>;

/** Parts of pages whose code can be read before anyone opens them. */
const parts: Load<string, never>[] = [];

/** A part of a page, whose code is read when it is drawn first, or a while before. */
export function part<Name extends string, Props extends object>(load: Load<Name, Props>, name: Name) {
  parts.push(load as Load<string, never>);
  return lazy(async () => ({ default: (await reached(load))[name] }));
}

/** A page, whose code is read when it is opened first, or a while before. */
export function page<Name extends string>(load: Load<Name, object>, name: Name) {
  return lazyRouteComponent(() => reached(load), name);
}

/** Reads, in quiet, all code that nobody has asked for yet, so that no page waits for a server that is away by then. */
export async function readAhead(pages: () => Promise<unknown>) {
  await pages();
  // One after another: what people ask for meanwhile goes first.
  for (const load of parts) await load().catch(() => undefined);
}

const AGAIN_MS = 1_000;
const RELOADED = 'hoist-reloaded';
/** A second reload so soon after the first would mend no more. */
const SOON_MS = 30_000;

/** Reads code from a server that may be away, or may have been replaced by another whose code has other names. */
async function reached<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch {
    while (!(await answers())) await new Promise((go) => window.setTimeout(go, AGAIN_MS));
  }
  try {
    return await load();
  } catch (error) {
    const last = Number(sessionStorage.getItem(RELOADED) ?? 0);
    if (Date.now() - last < SOON_MS) throw error;
    sessionStorage.setItem(RELOADED, String(Date.now()));
    window.location.reload();
    return new Promise(() => undefined);
  }
}

async function answers(): Promise<boolean> {
  const answer = await fetch('/livez', { cache: 'no-store' }).catch(() => undefined);
  return answer?.ok ?? false;
}
