// Every link of every page: nothing is missing, nothing complains, nothing comes from elsewhere.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { begin } from './begin.js';
import { assertQuiet, open, settled } from './browser.js';

let hoist;
let browser;

begin(async (begun) => {
  ({ hoist, browser } = begun);
  await hoist.send('POST', 'flags', { key: 'dashboard_v2', type: 'boolean', purpose: 'release', owner: 'web' });
  await hoist.send('POST', 'flags', { key: 'retired', type: 'boolean', purpose: 'release', owner: 'web' });
  await hoist.send('POST', 'flags/retired/archive');
  await hoist.send('PUT', 'environments/staging/flags/dashboard_v2/rollout', { percentage: 50, enabled: true });
});

/** Where the page's links lead, one address for each place; files to keep are no pages. */
const links = (page) =>
  page.locator('a[href]:not([download])').evaluateAll((all) =>
    all.map(({ href }) => new URL(href)).filter(({ origin }) => origin === window.location.origin).map(({ pathname }) => pathname));

test('every link of every page, and every tab of a flag, leads somewhere in quiet', async () => {
  const page = await open(browser, hoist, '/');
  const ahead = [new URL(page.url()).pathname];
  const seen = new Set();
  while (ahead.length > 0) {
    const path = ahead.pop();
    if (seen.has(path) || path === '/') continue;
    seen.add(path);
    await page.goto(hoist.url + path);
    await settled(page);
    if (path.startsWith('/docs')) continue;
    ahead.push(...(await links(page)));
    for (const tab of await page.getByRole('tab').all()) {
      await tab.click();
      await settled(page);
      ahead.push(...(await links(page)));
    }
  }
  for (const noun of ['flags', 'new-flag', 'segments', 'environments', 'instances', 'compare', 'audit', 'stale', 'flags/dashboard_v2', 'flags/retired']) {
    assert.ok(seen.has(`/projects/default/${noun}`), `no link leads to ${noun}`);
  }
  assertQuiet(page);
});

test('where the system chooses the colours, what is chosen is told apart by a line', async () => {
  const page = await open(browser, hoist, '/projects/default/flags/dashboard_v2?environment=production');
  await page.emulateMedia({ forcedColors: 'active' });
  await page.getByRole('tab', { name: 'Rollout' }).waitFor();
  const line = (one) => one.evaluate((it) => getComputedStyle(it).outlineStyle);
  assert.equal(await line(page.getByRole('tab', { name: 'Rollout' })), 'solid');
  assert.equal(await line(page.getByRole('tab', { name: 'History' })), 'none');
  await page.goto(`${hoist.url}/projects/default/segments`);
  await settled(page);
  assert.equal(await line(page.getByRole('link', { name: 'Segments' })), 'solid');
  assert.equal(await line(page.getByRole('link', { name: 'Audit' })), 'none');
  const mark = page.getByRole('button', { name: /^Environment:/ }).locator('[aria-hidden]').first();
  assert.equal(await mark.evaluate((it) => getComputedStyle(it).forcedColorAdjust), 'none');
});
