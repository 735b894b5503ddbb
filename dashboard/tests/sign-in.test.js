// A server for others: nobody is let in without a token.

import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Hoist } from '../../tests/clients/hoist.js';
import { assertAccessible, assertQuiet, inspect, launch, open } from './browser.js';

const TOKEN = 'hoist_api_a-token-of-this-test-alone-0123456789';

let hoist;
let browser;

before(async () => {
  const data = mkdtempSync(join(tmpdir(), 'hoist-'));
  const settings = {
    HOIST_MODE: 'production',
    HOIST_DATABASE_URL: `sqlite://${join(data, 'hoist.db')}?mode=rwc`,
    HOIST_ADMIN_TOKEN: TOKEN,
  };
  hoist = await Hoist.start(data, '127.0.0.1:0', settings);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await hoist?.stop();
});

test('the way in looks right everywhere', () => inspect(browser, hoist, '/', 'sign-in'));

test('a bad token is refused in words, a good one opens the page that was asked for', async () => {
  const page = await open(browser, hoist, '/projects/default/stale');
  await page.getByLabel('API token').fill('hoist_api_wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('The server does not know this token').waitFor();
  await assertAccessible(page);
  assert.equal(page.complaints.filter((it) => !it.includes('401')).length, 0);
  page.complaints.length = 0;
  await page.getByLabel('API token').fill(TOKEN);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { level: 1, name: 'Stale' }).waitFor();
  assert.equal(await page.getByText('Development mode').count(), 0);
  await page.getByRole('button', { name: /Signed in as/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
  assertQuiet(page);
});
