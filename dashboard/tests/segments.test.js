// Segments: said in words, changed by one, not lost by two.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { begin } from './begin.js';
import { assertAccessible, assertFits, assertFocus, assertQuiet, inspect, open, shoot } from './browser.js';

const PAGE = '/projects/default/segments';

let hoist;
let browser;

begin((begun) => ({ hoist, browser } = begun));

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

const nordics = () => hoist.send('GET', 'segments/nordics');
/** Another person saves the segment with something else in it. */
const another = async (part) => {
  const { name, description, conditions, included, excluded } = await nordics();
  return hoist.send('PUT', 'segments/nordics', { name, description, conditions, included, excluded, ...part });
};
const within = async (place) => (await place.innerText()).replaceAll(/\s+/g, ' ');

test('two who change different things of one segment keep both, key by key', async () => {
  const page = await open(browser, hoist, `${PAGE}?segment=nordics`);
  await page.getByLabel('Description').fill('mine');
  await page.getByLabel('Always in').fill('user-2\nuser-3');
  await another({
    conditions: [{ attribute: 'country', operator: 'in', values: ['NO', 'DK'] }],
    included: ['user-1', 'user-2', 'user-4'],
  });
  const merge = page.getByRole('alert').filter({ hasText: 'Somebody else changed it meanwhile' });
  await merge.getByText('You changed different things, so that both can be kept.').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Save', exact: true }).isDisabled(), true);
  assert.match(await within(merge.getByRole('region', { name: 'Theirs' })), /What the development token changed.*country is one of.*SE.*DK.*Always in.*user-4/);
  assert.match(await within(merge.getByRole('region', { name: 'Yours' })), /Description is mine Always in − user-1 ?\+ user-3/);
  await assertAccessible(page);
  await merge.getByRole('button', { name: 'Keep both' }).click();
  await assertFocus(page, 'Save');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  const { description, conditions, included } = await nordics();
  assert.deepEqual([description, conditions[0].values, included], ['mine', ['NO', 'DK'], ['user-2', 'user-4', 'user-3']]);
  assertQuiet(page);
});

test('where two changed the same of a segment, one says whose stands', async () => {
  const page = await open(browser, hoist, `${PAGE}?segment=nordics`);
  await page.getByLabel('Description').fill('ours');
  await page.getByLabel('Values').fill('NO, IS');
  await another({ description: 'theirs', conditions: [{ attribute: 'country', operator: 'in', values: ['NO', 'FI'] }] });
  const keep = page.getByRole('button', { name: 'Keep what is chosen' });
  await keep.waitFor();
  await page.getByRole('radiogroup', { name: 'Description' }).getByLabel('Theirs: “theirs”').check();
  assert.equal(await keep.isDisabled(), true);
  await page.getByRole('radiogroup', { name: 'country is one of' }).getByLabel('Yours: country is one of NO, IS').check();
  await assertAccessible(page);
  await shoot(page, 'segment-merge-1440-light');
  await keep.click();
  assert.equal(await page.getByLabel('Description').inputValue(), 'theirs');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  const { description, conditions } = await nordics();
  assert.deepEqual([description, conditions[0].values], ['theirs', ['NO', 'IS']]);
  assertQuiet(page);
});

test('a form that nobody touched follows what others save, and the keyboard stays', async () => {
  const page = await open(browser, hoist, `${PAGE}?segment=nordics`);
  await page.getByLabel('Values').focus();
  await another({ description: 'newer', conditions: [{ attribute: 'country', operator: 'in', values: ['NO'] }] });
  await page.waitForFunction(() => document.querySelector('textarea')?.value === 'newer');
  assert.equal(await page.getByLabel('Values').inputValue(), 'NO');
  await assertFocus(page, 'Values');
  assert.equal(await page.getByRole('alert').count(), 0);
  assertQuiet(page);
});

test('a segment that is deleted while it is edited takes nothing along', async () => {
  await hoist.send('POST', 'segments', { key: 'brief', included: ['user-1'] });
  const page = await open(browser, hoist, `${PAGE}?segment=brief`);
  await page.getByLabel('Description').fill('typed for long');
  await hoist.send('DELETE', 'segments/brief');
  await page.getByText('Somebody else deleted it meanwhile').waitFor();
  await assertAccessible(page);
  await page.getByRole('button', { name: 'Make it anew with this' }).click();
  assert.equal(await page.getByRole('textbox', { name: 'Key' }).inputValue(), 'brief');
  await page.getByRole('button', { name: 'Create segment' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  const { description, included } = await hoist.send('GET', 'segments/brief');
  assert.deepEqual([description, included], ['typed for long', ['user-1']]);
  assertQuiet(page);
});

test('a long name of a segment pushes nothing out of its form', async () => {
  const key = `a_${'long_'.repeat(20)}name`;
  await hoist.send('POST', 'segments', { key });
  const page = await open(browser, hoist, `${PAGE}?segment=${key}`, { width: 360 });
  const { x, width } = await page.getByRole('dialog').getByRole('button', { name: 'Close' }).boundingBox();
  assert.ok(x + width <= 360, `the button that closes ends at ${x + width}`);
  await assertFits(page);
  await hoist.send('DELETE', `segments/${key}`);
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
