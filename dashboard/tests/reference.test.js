// The API's reference, and what the server shows by itself: both look like the dashboard, and take nobody signed in.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Hoist } from '../../tests/clients/hoist.js';
import { assertAccessible, assertFits, assertFocus, assertQuiet, inspect, launch, open, settled, shoot, THEMES } from './browser.js';

const shell = (line) => promisify(execFile)('sh', ['-c', line], { timeout: 30_000 });

let hoist;
let browser;
let document;

before(async () => {
  hoist = await Hoist.start();
  browser = await launch();
  document = await (await fetch(`${hoist.url}/openapi.json`)).json();
});

after(async () => {
  await browser?.close();
  await hoist?.stop();
});

/** Everything is there, also what is closed. */
const whole = (page) => page.locator('#get_metrics pre').waitFor({ state: 'attached' });
const read = async (options) => {
  const page = await open(browser, hoist, '/docs', options);
  await whole(page);
  return page;
};
/** Takes away what is closed: axe passes it over, and takes minutes to find that out. */
const thin = (page) =>
  page.locator('details[id]:not([open]) > div').evaluateAll((all) => all.forEach((it) => it.remove()));
const lineOf = (page, operation) => page.locator(`#${operation} pre`).textContent();

test('it looks right everywhere, closed and opened', () =>
  inspect(browser, hoist, '/docs#put_settings', 'reference', async (page) => {
    await whole(page);
    await page.locator('#put_settings[open]').waitFor();
    for (const inner of await page.locator('#put_settings details').all()) await inner.evaluate((it) => (it.open = true));
    await thin(page);
  }));

test('every operation of the document is on it, with its path, its parameters, its fields and its answers', async () => {
  const page = await read();
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, { operationId, parameters = [], responses, requestBody }] of Object.entries(item)) {
      const text = await page.locator(`#${operationId}`).textContent();
      const schema = requestBody?.content['application/json'].schema.$ref?.split('/').at(-1);
      const fields = Object.keys(document.components.schemas[schema]?.properties ?? {});
      for (const told of [method.toUpperCase(), path, ...parameters.map(({ name }) => name), ...Object.keys(responses), ...fields]) {
        assert.ok(text.includes(told), `${operationId} does not tell ${told}`);
      }
    }
  }
  const linked = await page.getByRole('navigation', { name: 'Contents' }).getByRole('link').count();
  assert.equal(linked, Object.values(document.paths).flatMap(Object.keys).length);
  await page.getByText('whose role is an admin').first().waitFor({ state: 'attached' });
  assertQuiet(page);
});

test('headings follow each other in order, and the policy is as strict as anywhere', async () => {
  const page = await read();
  const levels = await page.evaluate(() => [...window.document.querySelectorAll('h1, h2, h3, h4')].map((it) => Number(it.tagName[1])));
  levels.forEach((level, place) => assert.ok(level <= (levels[place - 1] ?? 0) + 1, `heading ${place}`));
  const answer = await fetch(`${hoist.url}/docs`);
  assert.doesNotMatch(answer.headers.get('content-security-policy'), /unsafe/);
});

test('an operation is found by a search and opened by keys alone', async () => {
  const page = await read();
  await page.keyboard.press('/');
  await assertFocus(page, 'Search the operations');
  await page.keyboard.type('KILL off');
  await page.getByText('1 operation', { exact: true }).waitFor();
  await page.keyboard.press('Enter');
  await page.waitForURL('**/docs#kill_flag');
  await page.locator('#kill_flag[open]').waitFor();
  await page.waitForFunction(() => window.document.activeElement?.matches('#kill_flag > summary'));
  await page.keyboard.press('Enter');
  await page.locator('#kill_flag:not([open])').waitFor();
  await page.getByRole('link', { name: /^Kill flag/ }).click();
  await page.locator('#kill_flag[open]').waitFor();
  await page.getByRole('searchbox').fill('nothing like it');
  await page.getByText('0 operations', { exact: true }).waitFor();
  await thin(page);
  await assertAccessible(page);
  assertQuiet(page);
});

test('an address that names an operation opens it, and a narrow page has its contents in a drawer', async () => {
  const page = await open(browser, hoist, '/docs#delete_segment', { width: 360 });
  await page.locator('#delete_segment[open]').waitFor();
  await page.waitForFunction(() => window.document.activeElement?.matches('#delete_segment > summary'));
  await page.getByRole('button', { name: 'Open contents' }).click();
  await shoot(page, 'reference-contents-360', { whole: false });
  await page.getByRole('link', { name: /^Put rollout/ }).click();
  await page.locator('#put_rollout[open]').waitFor();
  await page.waitForFunction(() => {
    const { top } = window.document.querySelector('#put_rollout').getBoundingClientRect();
    return top >= 0 && top < 200;
  });
  await assertFits(page);
  await page.getByRole('button', { name: 'Open contents' }).click();
  await thin(page);
  await assertAccessible(page);
  assertQuiet(page);
});

test('the lines for a shell do what they say', async () => {
  const page = await read();
  for (const operation of ['list_projects', 'post_flag', 'get_flag', 'put_settings', 'put_rollout', 'evaluate', 'post_segment',
    'get_segment', 'put_segment', 'patch_flag', 'get_difference', 'get_audit_verification', 'get_stale_report', 'kill_flag',
    'post_token', 'post_environment', 'post_project', 'export_project', 'get_snapshot', 'post_exposures', 'evaluate_flag',
    'evaluate_flags', 'get_liveness', 'get_metrics']) {
    const line = await lineOf(page, operation);
    const { stdout } = await shell(`${line} --silent --show-error --fail-with-body`).catch((error) => assert.fail(`${line}\n${error.stdout}${error.stderr}`));
    assert.notEqual(stdout, '', operation);
  }
  assert.equal(JSON.parse((await shell(`${await lineOf(page, 'get_flag')} --silent`)).stdout).owner, 'shop');
  assertQuiet(page);
});

test('a line is copied, and the page leads back to the dashboard', async () => {
  const page = await open(browser, hoist, '/docs#get_flag');
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.locator('#get_flag[open] pre').waitFor();
  await page.getByRole('button', { name: 'Copy curl for Get flag' }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await lineOf(page, 'get_flag'));
  await page.getByRole('link', { name: 'Dashboard' }).click();
  await page.getByRole('heading', { level: 1, name: 'Flags' }).waitFor();
  await page.getByRole('button', { name: /Signed in as/ }).click();
  await page.getByRole('menuitem', { name: 'API reference' }).click();
  await page.getByRole('heading', { level: 1, name: 'API reference' }).waitFor();
  await assertFocus(page, 'API reference');
  assertQuiet(page);
});

test('failures that the server shows by itself look right', async () => {
  for (const theme of THEMES) {
    for (const width of [360, 1440]) {
      for (const [path, title] of [['/api/v1/projects', 'Who are you?'], ['/ofrep/v1/evaluate/flags', 'Not with this method']]) {
        const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: theme });
        const page = await context.newPage();
        await page.goto(hoist.url + path);
        await page.getByRole('heading', { level: 1, name: title }).waitFor();
        await shoot(page, `failure-${path.split('/')[1]}-${width}-${theme}`);
        await assertFits(page);
        await assertAccessible(page);
        await context.close();
      }
    }
  }
});

test('a server for others puts no token into its lines, and shows the reference to who is not signed in', async () => {
  const settings = { HOIST_MODE: 'production', HOIST_ADMIN_TOKEN: 'hoist_api_a-token-of-this-test-alone-0123456789' };
  const data = hoist.data;
  settings.HOIST_DATABASE_URL = `sqlite://${data}/other.db?mode=rwc`;
  const other = await Hoist.start(data, '127.0.0.1:0', settings);
  try {
    const page = await open(browser, other, '/docs#get_flag');
    await settled(page);
    await page.locator('#get_flag[open] pre').waitFor();
    assert.match(await lineOf(page, 'get_flag'), /"Authorization: Bearer \$HOIST_TOKEN"/);
    assert.equal(await page.getByText('hoist_api_development').count(), 0);
    assertQuiet(page);
  } finally {
    other.child.kill('SIGTERM');
    await other.gone;
  }
});
