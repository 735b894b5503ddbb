// Back from a flag one is where one was in the list, with the keyboard and with the window.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Hoist } from '../../tests/clients/hoist.js';
import { assertFocus, assertQuiet, launch, open, settled } from './browser.js';
import { importFlags } from './many.js';

let hoist;
let browser;

before(async () => {
  hoist = await Hoist.start();
  await importFlags(hoist, 300);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await hoist?.stop();
});

async function back(page) {
  await page.goBack();
  await page.getByRole('heading', { level: 1, name: 'Flags' }).waitFor();
}

test('back from a flag, the row that was opened has the keyboard', async () => {
  const page = await open(browser, hoist, '/projects/default/flags');
  for (let step = 0; step < 41; step += 1) await page.keyboard.press('j');
  await assertFocus(page, 'flag_00040');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'flag_00040' }).waitFor();
  await settled(page);
  await back(page);
  await assertFocus(page, 'flag_00040');
  const row = await page.locator(':focus').boundingBox();
  assert.ok(row.y > 56 && row.y < 900, `the row is at ${row.y}`);
  await page.keyboard.press('j');
  await assertFocus(page, 'flag_00041');
  // By mouse, and of a list that was narrowed.
  await page.goto(`${hoist.url}/projects/default/flags?q=0007`);
  await page.getByRole('link', { name: 'flag_00075' }).click();
  await page.getByRole('heading', { level: 1, name: 'flag_00075' }).waitFor();
  await back(page);
  await assertFocus(page, 'flag_00075');
  // Whoever opens the list anew begins at its heading.
  await page.getByRole('link', { name: 'Audit' }).click();
  await page.getByRole('heading', { level: 1, name: 'Audit' }).waitFor();
  await page.getByRole('link', { name: 'Flags', exact: true }).click();
  await page.getByRole('link', { name: 'flag_00000' }).waitFor();
  await assertFocus(page, 'Flags');
  assertQuiet(page);
});
