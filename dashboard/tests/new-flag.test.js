// The form that makes a flag: what is missing in it is said before anything is sent.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { begin } from './begin.js';
import { assertAccessible, assertFocus, assertQuiet, open } from './browser.js';

let hoist;
let browser;

begin((begun) => {
  ({ hoist, browser } = begun);
});

test('what is missing is told at its fields, all of it at once, in the words of the page', async () => {
  const page = await open(browser, hoist, '/projects/default/new-flag');
  await page.getByRole('textbox', { name: 'Key' }).fill('Bad Key!');
  await page.getByRole('button', { name: 'Create flag' }).click();
  await page.getByText('A key starts with a letter or digit').waitFor();
  await page.getByText('Name who answers for it.').waitFor();
  await assertFocus(page, 'Key');
  await assertAccessible(page);
  await page.getByRole('textbox', { name: 'Key' }).fill('told_at_once');
  await page.getByText('A key starts with a letter or digit').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Create flag' }).click();
  await assertFocus(page, 'Owner');
  await page.getByRole('combobox', { name: 'Owner' }).fill('web');
  // A day that is typed by half is not lost.
  await page.getByLabel('Gone by').focus();
  await page.keyboard.type('12');
  await page.getByRole('button', { name: 'Create flag' }).click();
  await page.getByText('This is no whole day.').waitFor();
  await page.getByLabel('Gone by').fill('2099-01-01');
  await page.getByText('This is no whole day.').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Create flag' }).click();
  await page.getByRole('heading', { level: 1, name: 'told_at_once is made' }).waitFor();
  assertQuiet(page);
});

test('a day that has passed is no day to be gone by', async () => {
  const page = await open(browser, hoist, '/projects/default/new-flag');
  await page.getByRole('textbox', { name: 'Key' }).fill('too_late');
  await page.getByRole('combobox', { name: 'Owner' }).fill('web');
  await page.getByLabel('Gone by').fill('2020-01-01');
  await page.getByText('This day has passed.').waitFor();
  await assertAccessible(page);
  await page.getByRole('button', { name: 'Create flag' }).click();
  await assert.rejects(hoist.send('GET', 'flags/too_late'), /404/);
  await page.getByLabel('Gone by').fill('2099-01-01');
  await page.getByRole('button', { name: 'Create flag' }).click();
  await page.getByRole('heading', { level: 1, name: 'too_late is made' }).waitFor();
  assertQuiet(page);
});
