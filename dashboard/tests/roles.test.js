// Who may do what: nobody is offered what the server refuses, and nothing is asked for that it would refuse.

import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Hoist } from '../../tests/clients/hoist.js';
import { assertAccessible, assertFocus, assertQuiet, launch, open, settled, shoot } from './browser.js';

const ADMIN = 'hoist_api_a-token-of-this-test-alone-0123456789';
const FLAG = '/projects/default/flags/dashboard_v2';

let hoist;
let browser;

async function send(method, path, body) {
  const headers = { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' };
  const answer = await fetch(`${hoist.url}/api/v1/projects/default/${path}`, { method, headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.status === 204 ? null : answer.json();
}

const token = (name, more) => send('POST', 'tokens', { name, kind: 'api', ...more });

/** Opens a page and signs in there. */
async function signedIn(secret, path) {
  const page = await open(browser, hoist, path);
  await page.getByLabel('API token').fill(secret);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor({ state: 'detached' });
  await settled(page);
  return page;
}

async function go(page, path) {
  await page.goto(hoist.url + path);
  await settled(page);
}

before(async () => {
  const data = mkdtempSync(join(tmpdir(), 'hoist-'));
  hoist = await Hoist.start(data, '127.0.0.1:0', {
    HOIST_MODE: 'production',
    HOIST_DATABASE_URL: `sqlite://${join(data, 'hoist.db')}?mode=rwc`,
    HOIST_ADMIN_TOKEN: ADMIN,
  });
  await send('POST', 'flags', { key: 'dashboard_v2', type: 'boolean', purpose: 'release', owner: 'web' });
  await send('POST', 'segments', { key: 'nordics', conditions: [{ attribute: 'country', operator: 'in', values: ['NO'] }] });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await hoist?.stop();
});

test('a viewer sees everything, is offered nothing that is refused, and asks for nothing that is', async () => {
  const { token: secret } = await token('auditor', { role: 'viewer' });
  const page = await signedIn(secret, '/projects/default/flags');
  await page.getByRole('link', { name: 'dashboard_v2' }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'New flag' }).count(), 0);
  await go(page, '/projects/default/new-flag');
  await page.getByRole('heading', { name: 'Editors of the project make flags' }).waitFor();
  assert.equal(await page.getByRole('textbox').count(), 0);
  await assertAccessible(page);
  await go(page, '/projects/default/segments?segment=nordics');
  await page.getByText('You may look at it.').waitFor();
  const fields = await page.getByRole('dialog').locator('input, select, textarea').all();
  for (const field of fields) assert.equal(await field.isDisabled(), true);
  assert.ok(fields.length > 4);
  await assertAccessible(page);
  await shoot(page, 'segment-viewer');
  await go(page, '/projects/default/environments');
  await page.getByText('Keys are shown to administrators').waitFor();
  assert.equal(await page.getByRole('button', { name: /New|Edit|Delete|Revoke/ }).count(), 0);
  for (const noun of ['stale', 'audit', 'instances', 'compare']) await go(page, `/projects/default/${noun}`);
  await go(page, FLAG);
  assert.equal(await page.getByRole('button', { name: /Archive|Edit details/ }).count(), 0);
  assertQuiet(page);
});

test('an editor of one environment has that one, and no page of all of them', async () => {
  const { token: secret } = await token('staging-only', { role: 'editor', environment: 'staging' });
  const page = await signedIn(secret, '/projects/default/flags');
  await page.getByRole('link', { name: 'dashboard_v2' }).waitFor();
  await page.getByRole('button', { name: 'Environment: Staging' }).waitFor();
  assert.equal(await page.getByRole('link', { name: /New flag|Stale|Compare/ }).count(), 0);
  assert.equal(await page.getByLabel('Only this stage').count(), 0);
  assert.equal(await page.getByText('Production').count(), 0);
  await go(page, `${FLAG}?environment=production`);
  await page.getByText('There is no environment “production” here').waitFor();
  await assertAccessible(page);
  for (const noun of ['new-flag', 'segments', 'environments', 'stale', 'audit', 'instances']) await go(page, `/projects/default/${noun}`);
  assertQuiet(page);
});

test('a key that is no api token lets nobody in, and the field has the keyboard', async () => {
  const { token: secret } = await send('POST', 'tokens', { name: 'shop', kind: 'sdk', environment: 'staging' });
  const page = await open(browser, hoist, '/');
  await page.getByLabel('API token').fill(secret);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('[aria-invalid=true]').waitFor();
  await assertFocus(page, 'API token');
  await assertAccessible(page);
  assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), 'Sign in');
});

test('a session that ends leaves what was typed, says that it ended, and goes on where it was', async () => {
  const made = await token('short', { role: 'editor' });
  const page = await signedIn(made.token, '/projects/default/new-flag');
  await page.getByRole('textbox', { name: 'Key' }).fill('half_typed');
  await send('DELETE', `tokens/${made.id}`);
  const ended = page.getByRole('dialog', { name: 'Your session has ended' });
  await ended.waitFor();
  await assertFocus(page, 'API token');
  await assertAccessible(page);
  await shoot(page, 'session-ended');
  await page.keyboard.press('Escape');
  await ended.getByLabel('API token').fill(ADMIN);
  await ended.getByRole('button', { name: 'Sign in' }).click();
  await ended.waitFor({ state: 'detached' });
  await assertFocus(page, 'Key');
  assert.equal(await page.getByRole('textbox', { name: 'Key' }).inputValue(), 'half_typed');
  // Nothing but the refusals that told of the end.
  assert.deepEqual(page.complaints.filter((it) => !it.includes('401')), []);
  page.complaints.length = 0;
  await page.getByRole('combobox', { name: 'Owner' }).fill('web');
  await page.getByRole('button', { name: 'Create flag' }).click();
  await page.getByRole('heading', { level: 1, name: 'half_typed is made' }).waitFor();
  assertQuiet(page);
});

test('a page that asks again by itself stops with the session, and goes on with the next', async () => {
  const made = await token('watcher', { role: 'viewer' });
  const page = await signedIn(made.token, '/projects/default/flags');
  await page.clock.install();
  const asks = (request) => request.url().includes('/environments/development/instances');
  let asked = 0;
  page.on('request', (request) => {
    if (asks(request)) asked += 1;
  });
  await go(page, '/projects/default/instances?environment=development');
  await page.getByText('Nobody is connected').waitFor();
  await Promise.all([page.waitForRequest(asks), page.clock.runFor(10_000)]);
  await send('DELETE', `tokens/${made.id}`);
  const ended = page.getByRole('dialog', { name: 'Your session has ended' });
  await ended.waitFor();
  const last = asked;
  for (let minute = 0; minute < 2; minute += 1) await page.clock.runFor(60_000);
  assert.equal(asked, last);
  await ended.getByLabel('API token').fill(ADMIN);
  await ended.getByRole('button', { name: 'Sign in' }).click();
  await ended.waitFor({ state: 'detached' });
  await Promise.all([page.waitForRequest(asks), page.clock.runFor(10_000)]);
});
