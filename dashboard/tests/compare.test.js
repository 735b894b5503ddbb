// Two environments side by side, in words, and what an audit tells of rules and shares.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { begin } from './begin.js';
import { assertAccessible, assertQuiet, inspect, open, shoot } from './browser.js';

let hoist;
let browser;

const split = (a) => ({ split: [{ variant: 'a', weight: a }, { variant: 'b', weight: 100 - a }] });
const rule = (more = {}) => ({ name: 'beta', conditions: [{ attribute: 'country', operator: 'in', values: ['NO', 'DK'] }], serve: 'a', ...more });
const settings = (more = {}) => ({ enabled: true, rules: [rule()], default: { serve: split(50) }, off_variant: 'a', ...more });

begin(async (begun) => {
  ({ hoist, browser } = begun);
  const make = (key, more = {}) =>
    hoist.send('POST', 'flags', { key, type: 'string', variants: { a: 'A', b: 'B' }, purpose: 'release', owner: 'web', ...more });
  await make('copy');
  await make('alike');
  await hoist.send('PUT', 'environments/production/flags/copy', settings({ enabled: false }));
  await hoist.send('PUT', 'environments/staging/flags/copy', settings());
  await hoist.send('PUT', 'environments/staging/flags/copy', settings({
    rules: [rule({ rollout: 25, conditions: [{ attribute: 'country', operator: 'in', values: ['NO', 'SE'] }] })],
    default: { serve: split(60) },
  }));
});

const words = async (locator) => (await locator.innerText()).replaceAll(/\s+/g, ' ');

test('two environments stand side by side under their names', async () => {
  const page = await open(browser, hoist, '/projects/default/compare');
  const table = page.getByRole('table');
  const heads = await table.getByRole('columnheader').allInnerTexts();
  assert.deepEqual(heads.slice(1), ['Staging', 'Production']);
  await table.getByRole('rowheader', { name: 'Rule 1 (beta): rollout' }).waitFor();
  const rows = await Promise.all((await table.getByRole('row').all()).slice(1).map(words));
  assert.deepEqual(rows.toSorted(), [
    'Rollout 100 % Off',
    'Rule 1 (beta): country is one of NO, SE NO, DK',
    'Rule 1 (beta): rollout 25 % 100 %',
    'Serves a 60 % · b 40 % a 50 % · b 50 %',
  ]);
  assert.equal(await table.locator('del, ins').count(), 0, 'neither is older');
  await page.getByText('1 flag says the same in both').click();
  await page.getByRole('list', { name: 'The same in both' }).getByRole('link', { name: 'alike' }).waitFor();
  await assertAccessible(page);
  assertQuiet(page);
  await inspect(browser, hoist, '/projects/default/compare', 'compare-rules', (it) => it.getByText('Rule 1 (beta): rollout').waitFor());
});

test('before a promotion stands what it will change', async () => {
  const page = await open(browser, hoist, '/projects/default/compare');
  await page.getByRole('checkbox', { name: 'Take over copy' }).check();
  await page.getByRole('button', { name: 'Promote 1 flag to Production' }).click();
  const coming = page.getByRole('dialog').getByRole('region', { name: 'What will change' });
  await coming.getByText('Rule 1 (beta): rollout').waitFor();
  assert.match(await words(coming), /Rollout was Off → , is 100 %.*rollout was 100 % → , is 25 %.*Serves was a 50 % · b 50 % → , is a 60 % · b 40 %/);
  await assertAccessible(page);
  await shoot(page, 'promote-1440-light');
  assertQuiet(page);
});

test('the audit tells rules by their names and shares by their variants', async () => {
  const page = await open(browser, hoist, '/projects/default/audit?flag=copy');
  // The newest entry: three things, told at a glance.
  await page.getByText('Rule 1 (beta): rollout').waitFor();
  const told = await words(page.getByRole('list', { name: 'Audit entries' }).getByRole('listitem').first());
  assert.match(told, /country is one of − DK ?\+ SE/);
  assert.match(told, /Serves was a 50 % · b 50 % → , is a 60 % · b 40 %/);
  assert.doesNotMatch(await words(page.getByRole('main')), /allocation|[{}]/);
  assertQuiet(page);
  await inspect(browser, hoist, '/projects/default/audit?flag=copy', 'audit-rules', (it) => it.getByText('Rule 1 (beta): rollout').waitFor());
});

test('a flag that is off is not told by the share that sleeps in it', async () => {
  await hoist.send('POST', 'flags', { key: 'asleep', type: 'boolean', purpose: 'release', owner: 'web' });
  await hoist.send('PUT', 'environments/staging/flags/asleep/rollout', { percentage: 25, enabled: true });
  await hoist.send('POST', 'environments/staging/flags/asleep/kill', {});
  const page = await open(browser, hoist, '/projects/default/compare');
  const item = page.getByRole('list', { name: 'Differences' }).getByRole('listitem').filter({ hasText: 'asleep' });
  await item.getByRole('row', { name: 'Rollout Off (25 % when on) Off (100 % when on)' }).waitFor();
  assert.equal(await item.getByRole('row').count(), 2);
  await page.getByRole('checkbox', { name: 'Take over asleep' }).check();
  await page.getByRole('button', { name: 'Promote 1 flag to Production' }).click();
  const coming = page.getByRole('dialog').getByRole('region', { name: 'What will change' });
  assert.match(await words(coming), /Rollout was Off \(100 % when on\) → , is Off \(25 % when on\)/);
  await assertAccessible(page);
  assertQuiet(page);
});

test('the audit tells of a kill who lost it, as the history does', async () => {
  const told = /Rollout was 25 % → , is Off/;
  const audit = await open(browser, hoist, '/projects/default/audit?flag=asleep&action=settings.killed');
  const entry = audit.getByRole('list', { name: 'Audit entries' }).getByRole('listitem').first();
  await entry.getByText('25 %').waitFor();
  assert.match(await words(entry), told);
  assertQuiet(audit);
  const history = await open(browser, hoist, '/projects/default/flags/asleep?environment=staging&tab=history');
  await history.getByText('25 %').first().waitFor();
  assert.match(await words(history.getByRole('tabpanel').getByRole('listitem').first()), told);
});
