// Environments and keys: make, show once, revoke.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { begin } from './begin.js';
import { assertAccessible, assertFits, assertQuiet, inspect, open } from './browser.js';

const PAGE = '/projects/default/environments';

let hoist;
let browser;

begin(async (begun) => {
  ({ hoist, browser } = begun);
  await hoist.send('POST', 'tokens', { name: 'shop-backend', kind: 'sdk', environment: 'production' });
  await hoist.send('POST', 'tokens', { name: 'deploy', kind: 'api', role: 'editor', expires_at: '2099-01-01T00:00:00Z' });
});

test('environments and keys look right everywhere', () =>
  inspect(browser, hoist, PAGE, 'environments', (page) => page.getByText('shop-backend').waitFor()));

test('a key is made, shown once, works, and stops working when it is revoked', async () => {
  const page = await open(browser, hoist, PAGE);
  await page.getByRole('region', { name: 'Keys' }).getByText('hoist_sdk_development').waitFor();
  await page.getByRole('button', { name: 'New key' }).click();
  await page.getByLabel('Name').fill('worker');
  await page.getByLabel('Environment', { exact: true }).selectOption('staging');
  await assertAccessible(page);
  await page.getByRole('button', { name: 'Create key' }).click();
  await page.getByText('shown here only once').waitFor();
  const key = (await page.getByLabel('key', { exact: true }).textContent()) ?? '';
  await assertAccessible(page);
  const snapshot = () => fetch(`${hoist.url}/sdk/v1/snapshot`, { headers: { authorization: `Bearer ${key}` } });
  assert.equal((await snapshot()).status, 200);
  await page.getByRole('button', { name: 'I have copied it' }).click();
  const revoke = page.getByRole('region', { name: 'Keys' }).getByRole('button', { name: 'Revoke worker' });
  await revoke.waitFor();
  assert.ok(!(await page.content()).includes(key));

  await revoke.click();
  await page.getByLabel('Reason').fill('it was only a test');
  await assertAccessible(page);
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke worker' }).click();
  await revoke.waitFor({ state: 'detached' });
  assert.equal((await snapshot()).status, 401);
  const audit = await fetch(`${hoist.url}/api/v1/audit?project=default&limit=1`, {
    headers: { authorization: 'Bearer hoist_api_development' },
  });
  assert.equal((await audit.json()).items[0].reason, 'it was only a test');
  assertQuiet(page);
});

test('a key that is asked for twice at once is made once, and shown', async () => {
  const page = await open(browser, hoist, PAGE);
  const asked = [];
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().endsWith('/tokens')) asked.push(request.url());
  });
  await page.getByRole('button', { name: 'New key' }).click();
  await page.getByLabel('Name').fill('twice');
  await page.getByRole('button', { name: 'Create key' }).dblclick();
  await page.getByText('shown here only once').waitFor();
  assert.equal(asked.length, 1);
  assertQuiet(page);
});

test('a long name of an environment leaves a telephone its width', async () => {
  await hoist.send('POST', 'environments', { key: 'branch', name: 'Preview of the branch with a very long name indeed' });
  await hoist.send('POST', 'flags', { key: 'narrow', type: 'boolean', purpose: 'release', owner: 'web' });
  const page = await open(browser, hoist, '/projects/default/flags/narrow', { width: 360 });
  await page.getByText('Preview of the branch').first().waitFor();
  await assertFits(page);
  await hoist.send('DELETE', 'environments/branch');
  await page.context().close();
});

test('an environment is made, renamed and deleted', async () => {
  const page = await open(browser, hoist, PAGE);
  await page.getByRole('button', { name: 'New environment' }).click();
  await page.getByRole('textbox', { name: 'Key' }).fill('preview');
  await page.getByRole('button', { name: 'Create environment' }).click();
  await page.getByRole('button', { name: 'Edit preview' }).click();
  await page.getByLabel('Name').fill('Preview for all');
  await page.getByLabel('Protected').check();
  await assertAccessible(page);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('button', { name: 'Delete Preview for all' }).click();
  await assertAccessible(page);
  await page.getByRole('dialog').getByRole('button', { name: 'Delete Preview for all' }).click();
  await page.getByText('Preview for all').first().waitFor({ state: 'detached' });
  assertQuiet(page);
});
