// Segments: said in words, changed by one, not lost by two.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Hoist } from '../../tests/clients/hoist.js';
import { assertAccessible, assertQuiet, inspect, launch, open } from './browser.js';

const PAGE = '/projects/default/segments';

let hoist;
let browser;

before(async () => {
  hoist = await Hoist.start();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await hoist?.stop();
});

test('a segment is made, told in words, and its faults are told at their condition', async () => {
  const page = await open(browser, hoist, PAGE);
  await page.getByText('No segments yet').waitFor();
  await page.getByRole('button', { name: 'New segment' }).click();
  await page.getByRole('textbox', { name: 'Key' }).fill('nordics');
  await page.getByRole('button', { name: 'Add a condition' }).click();
  await page.getByLabel('Attribute').fill('country');
  await page.getByLabel('Operator').selectOption('matches');
  await page.getByLabel('Values').fill('(');
  await page.getByRole('button', { name: 'Create segment' }).click();
  await page.getByRole('group', { name: 'Condition 1' }).getByRole('alert').waitFor();
  await assertAccessible(page);
  assert.ok(page.complaints.every((it) => it.includes('422')), page.complaints.join());
  page.complaints.length = 0;
  await page.getByLabel('Operator').selectOption('in');
  await page.getByLabel('Values').fill('NO, SE, "1"');
  await page.getByLabel('Always in').fill('user-1\nuser-2');
  await page.getByRole('button', { name: 'Create segment' }).click();
  await page.getByText('country is one of NO, SE, 1; 2 included by key').waitFor();
  const { conditions, included } = await hoist.send('GET', 'segments/nordics');
  assert.deepEqual([conditions[0].values, included], [['NO', 'SE', '1'], ['user-1', 'user-2']]);
  assertQuiet(page);
});

test('two who edit one segment see each other, and nothing is lost unseen', async () => {
  const page = await open(browser, hoist, `${PAGE}?segment=nordics`);
  const before = await hoist.send('GET', 'segments/nordics');
  await page.getByLabel('Description').fill('mine');
  await hoist.send('PUT', 'segments/nordics', { description: 'theirs', conditions: before.conditions, included: before.included });
  await page.getByText('Somebody else changed it meanwhile').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Save', exact: true }).isDisabled(), true);
  await assertAccessible(page);
  await page.getByRole('button', { name: 'Keep mine, to save over theirs' }).click();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.equal((await hoist.send('GET', 'segments/nordics')).description, 'mine');
  assertQuiet(page);
});

test('a segment that a flag names is not deleted, and the refusal says so', async () => {
  await hoist.send('POST', 'flags', { key: 'northern', type: 'boolean', purpose: 'release', owner: 'web' });
  await hoist.send('PUT', 'environments/development/flags/northern', {
    enabled: true, rules: [{ segments: ['nordics'], conditions: [], serve: 'on' }], default: { serve: 'off' }, off_variant: 'off',
  });
  const page = await open(browser, hoist, PAGE);
  await page.getByRole('button', { name: 'Delete nordics' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete nordics' }).click();
  await page.getByRole('alert').getByText(/northern/).waitFor();
  await assertAccessible(page);
});

test('the list and the form look right everywhere', async () => {
  await inspect(browser, hoist, PAGE, 'segments', (page) => page.getByText('nordics').first().waitFor());
  await inspect(browser, hoist, `${PAGE}?segment=nordics`, 'segment', (page) => page.getByLabel('Always in').waitFor());
});
