// The page's own modules, for tests that need no browser.

import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

/** What a module below `src` exports. */
export async function source(path) {
  const file = fileURLToPath(new URL(`../src/${path}`, import.meta.url));
  return (await runnerImport(file, { configFile: false, logLevel: 'error' })).module;
}
