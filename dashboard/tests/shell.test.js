// What stands around every page: the address, the navigation, the themes, the first load.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hoist } from '../../tests/clients/hoist.js';
import { begin } from './begin.js';
import { assertAccessible, assertQuiet, inspect, open, settled, shoot } from './browser.js';

const MOST_BYTES = 250_000;

let hoist;
let browser;

begin((begun) => ({ hoist, browser } = begun));

// A bundle that was put in place of the server's own is not compressed.
const bundled = Boolean(process.env.TEST_DASHBOARD);

test('the first load is at most 250 kB compressed', { skip: bundled }, async () => {
  const page = await open(browser, hoist, '/');
  assert.equal(new URL(page.url()).pathname, '/projects/default/flags');
  const bytes = await page.evaluate(() =>
    performance
      .getEntries()
      .filter(({ entryType, name }) => entryType === 'navigation' || (entryType === 'resource' && !name.includes('/api/')))
      .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
  );
  assert.ok(bytes > 50_000 && bytes <= MOST_BYTES, `the first load has ${bytes} bytes`);
  assertQuiet(page);
});

test('every page of the navigation is reached, named, and takes the keyboard', async () => {
  const page = await open(browser, hoist, '/projects/default/flags');
  const links = page.getByRole('navigation', { name: 'Pages' }).getByRole('link');
  for (const label of await links.allTextContents()) {
    await links.filter({ hasText: label }).click();
    await page.getByRole('heading', { level: 1, name: label, exact: true }).waitFor();
    await settled(page);
    assert.equal(await page.title(), `${label} · Hoist`);
    if (label !== 'Flags') assert.equal(await page.evaluate(() => document.activeElement?.textContent), label);
    await page.reload();
    await page.getByRole('heading', { level: 1, name: label, exact: true }).waitFor();
  }
  assertQuiet(page);
});

test('the navigation looks right everywhere', () => inspect(browser, hoist, '/projects/default/segments', 'shell'));

test('the environment stays from page to page, and production looks like production', async () => {
  const page = await open(browser, hoist, '/projects/default/flags');
  await page.getByRole('button', { name: 'Environment: development' }).click();
  await page.getByRole('menuitem', { name: 'production' }).click();
  await page.getByRole('button', { name: 'Environment: production' }).waitFor();
  assert.equal(await page.getByRole('banner').getAttribute('data-tone'), 'production');
  await page.getByRole('link', { name: 'Stale' }).click();
  await page.waitForURL('**/stale?environment=production');
  await assertAccessible(page);
  assertQuiet(page);
});

test('the theme that was chosen stays', async () => {
  const page = await open(browser, hoist, '/projects/default/flags');
  await page.getByRole('button', { name: 'Theme' }).click();
  await page.getByRole('menuitem', { name: 'Dark' }).click();
  await page.reload();
  await settled(page);
  assert.equal(await page.locator('html').getAttribute('data-mantine-color-scheme'), 'dark');
});

test('`?` tells what the keyboard can do, and single keys can be turned off', async () => {
  const page = await open(browser, hoist, '/projects/default/flags');
  await page.keyboard.press('?');
  const help = page.getByRole('dialog', { name: 'Keyboard' });
  await help.getByText('Show this help').waitFor();
  await assertAccessible(page);
  await help.getByRole('switch').click();
  await page.keyboard.press('Escape');
  await help.waitFor({ state: 'hidden' });
  await page.keyboard.press('?');
  assert.equal(await help.isVisible(), false);
  assertQuiet(page);
});

test('an address that leads nowhere says so, and what no person opens stays a problem', async () => {
  const page = await open(browser, hoist, '/projects/default/nowhere');
  assert.match((await page.getByRole('heading', { level: 1 }).textContent()) ?? '', /Nothing here/);
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  const asked = (path, accept, encoding = 'identity') =>
    fetch(hoist.url + path, { headers: { accept, 'accept-encoding': encoding } });
  for (const path of ['/api/v1/nowhere', '/assets/nowhere.js', '/sdk/v1/nowhere', '/ofrep/v1/nowhere']) {
    const answer = await asked(path, '*/*');
    assert.equal(answer.status, 404, path);
    assert.match(answer.headers.get('content-type') ?? '', /json/, path);
  }
  // A person who opens such an address is told on a page.
  const told = await asked('/api/v1/nowhere', 'text/html');
  assert.equal(told.status, 404);
  assert.match(told.headers.get('content-type') ?? '', /html/);
  assert.equal((await asked('/projects/default/flags', 'application/json')).status, 404);
  assert.equal((await asked('/projects/default/flags', 'text/html')).status, 200);
});

test('the page is asked for anew each time, and its assets are kept for ever', { skip: bundled }, async () => {
  const page = await fetch(hoist.url);
  assert.equal(page.headers.get('cache-control'), 'no-store');
  const [script] = (await page.text()).match(/\/assets\/[\w-]+\.js/) ?? [];
  for (const encoding of ['br', 'gzip']) {
    const asset = await fetch(hoist.url + script, { headers: { 'accept-encoding': encoding } });
    assert.equal(asset.headers.get('content-encoding'), encoding);
    assert.equal(asset.headers.get('vary'), 'accept-encoding');
    assert.match(asset.headers.get('cache-control') ?? '', /max-age=31536000, immutable/);
    assert.match(await asset.text(), /import|export/);
  }
});

test('a project that is not there is no dead end', async () => {
  const page = await open(browser, hoist, '/projects/nobody/flags');
  await page.getByText('Not found').waitFor();
  await assertAccessible(page);
  await page.goto(hoist.url);
  await page.waitForURL('**/projects/default/flags');
  await settled(page);
});

test('after a while every page is drawn without the server, and says that it is away', async (t) => {
  const own = await Hoist.start();
  t.after(() => own.stop());
  const page = await open(browser, own, '/projects/default/flags');
  const known = (name) => page.waitForFunction((name) => performance.getEntriesByType('resource').some((it) => it.name.includes(name)), name);
  for (const name of ['SegmentsPage', 'AuditPage', 'NewFlagPage', 'Targeting']) await known(name);
  assertQuiet(page);
  own.child.kill('SIGKILL');
  await page.getByText('The server cannot be reached').first().waitFor();
  for (const name of ['Segments', 'Audit']) {
    await page.getByRole('link', { name }).click();
    await page.getByRole('heading', { level: 1, name }).waitFor();
    await page.getByText('is shown as soon as the server can be reached').waitFor();
  }
  await page.getByText('The server cannot be reached').first().waitFor();
});

test('code that is gone with the server that had it is read by one reload', async () => {
  const page = await open(browser, hoist, '/projects/default/flags');
  await page.route('**/assets/StalePage-*', (route) => route.fulfill({ status: 404, body: 'gone' }), { times: 2 });
  await page.getByRole('link', { name: 'Stale' }).click();
  await page.getByRole('heading', { level: 1, name: 'Stale' }).waitFor({ timeout: 30_000 });
  assert.equal(await page.evaluate(() => performance.getEntriesByType('navigation')[0].type), 'reload');
});

test('an environment that is not there is said to be none', async () => {
  const page = await open(browser, hoist, '/projects/default/flags?environment=nosuch');
  await page.getByText('There is no environment “nosuch” here').waitFor();
  await page.getByRole('button', { name: 'Environment: none' }).waitFor();
  await assertAccessible(page);
  assertQuiet(page);
});

test('a flag that is not there is asked for once, and leads to the list', async () => {
  const page = await open(browser, hoist, '/projects/default/flags/nosuch');
  await page.getByText('Not found').waitFor();
  const asked = () => page.complaints.filter((it) => it.startsWith('404'));
  const stream = page.waitForResponse('**/overview*');
  await page.getByRole('link', { name: 'Go to the flags' }).click();
  await page.getByRole('heading', { level: 1, name: 'Flags' }).waitFor();
  await stream;
  assert.equal(asked().length, 1);
});

test('an address outside of every project has a way home', async () => {
  const page = await open(browser, hoist, '/nowhere');
  await assertAccessible(page);
  await page.getByRole('banner').getByRole('link', { name: 'Hoist: all flags' }).click();
  await page.getByRole('heading', { level: 1, name: 'Flags' }).waitFor();
  assertQuiet(page);
});

test('a server that goes away is told, and followed again when it is back', async (t) => {
  let own = await Hoist.start();
  t.after(() => own.stop());
  const page = await open(browser, own, '/projects/default/flags');
  const away = page.getByText('The server cannot be reached').first();
  const make = (key) => own.send('POST', 'flags', { key, type: 'boolean', purpose: 'release', owner: 'web' });
  const { data, settings } = own;
  const address = new URL(own.url).host;
  // Code that is not there yet, as when the server goes right after the first page: nothing is read ahead.
  await page.route('**/assets/SegmentsPage-*', (route) => route.abort('connectionrefused'));
  own.child.kill('SIGKILL');
  await away.waitFor();
  await page.getByRole('link', { name: 'Segments' }).click();
  await page.getByText('This page opens by itself').waitFor();
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  await assertAccessible(page);
  await shoot(page, 'shell-away');
  own = await Hoist.start(data, address, settings);
  await make('meanwhile');
  await page.unroute('**/assets/SegmentsPage-*');
  await page.getByRole('heading', { level: 1, name: 'Segments' }).waitFor({ timeout: 30_000 });
  await away.waitFor({ state: 'hidden', timeout: 15_000 });
  // What was changed meanwhile, and what is from now on, is seen.
  await page.getByRole('link', { name: 'Flags', exact: true }).click();
  await page.getByRole('link', { name: 'meanwhile' }).waitFor();
  await make('after_all');
  await page.getByRole('link', { name: 'after_all' }).waitFor();
  // Nothing broke but what asked a server that was not there.
  assert.deepEqual(page.complaints.filter((it) => !/^failed: |net::ERR_/.test(it)), []);
});
