// The editor stays quick however much there is: 100 rules, the most that a flag may have, and thousands of flags.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { begin } from './begin.js';
import { assertAccessible, assertFits, assertQuiet, open } from './browser.js';
import { importFlags } from './many.js';
import { typingTime, withRules } from './typing.js';

let hoist;
let browser;

const page = (flag, more) => open(browser, hoist, `/projects/default/flags/${flag}?environment=staging&tab=targeting`, more);

begin(async (begun) => {
  ({ hoist, browser } = begun);
  await withRules(hoist, 'one', 1);
  await withRules(hoist, 'many', 100);
});

test('a key draws the rule that it is typed in, and not the 99 others', async () => {
  const times = [];
  for (const flag of ['one', 'many']) {
    const it = await page(flag);
    await it.getByLabel('Rule 1: bucket by').waitFor({ timeout: 60_000 });
    times.push(await typingTime(it, 'Rule 1: bucket by'));
    await it.context().close();
  }
  const [one, many] = times;
  // Drawing them all took 33 times as long.
  assert.ok(many < 10 * one + 50, `${many} ms a key with 100 rules, ${one} ms with one`);
});

test('what is typed in one rule, what is moved and what is refused stays with its rule', async () => {
  const it = await page('many');
  await it.getByLabel('Rule 2: bucket by').fill('organization');
  await it.getByLabel('Rule 3: rollout').fill('30');
  await it.getByRole('button', { name: 'Rule 2: move down' }).click();
  assert.equal(await it.getByLabel('Rule 3: bucket by').inputValue(), 'organization');
  assert.equal(await it.getByLabel('Rule 2: rollout').inputValue(), '30');
  await it.getByRole('button', { name: 'Rule 1: remove' }).click();
  const rule = it.getByRole('region', { name: 'Rule 2', exact: true });
  await rule.getByLabel('Attribute').first().fill('');
  await it.getByRole('button', { name: 'Save in Staging' }).click();
  await rule.getByText('Name an attribute.').waitFor();
  assert.equal(await it.getByText('Name an attribute.').count(), 1);
  await rule.getByLabel('Attribute').first().fill('region');
  await it.getByText('Name an attribute.').waitFor({ state: 'detached' });
  await it.getByRole('button', { name: 'Save in Staging' }).click();
  await it.getByText(/^Saved as version/).waitFor();
  const { rules } = await hoist.send('GET', 'environments/staging/flags/many');
  assert.equal(rules.length, 99);
  assert.deepEqual(rules.slice(0, 2).map(({ name, rollout, bucket_by: unit }) => [name, rollout, unit]), [
    ['rule 2', 30, undefined],
    ['rule 1', 10, 'organization'],
  ]);
  assert.equal(rules[1].conditions[0].attribute, 'region');
  assertQuiet(it);
});

test('a prerequisite is found among 2,000 flags by typing', async () => {
  await importFlags(hoist, 2_000);
  const it = await page('one', { width: 360 });
  await it.getByRole('button', { name: 'Add a prerequisite' }).click();
  const flag = it.getByRole('combobox', { name: 'Prerequisite 1: flag' }).or(it.getByLabel('Prerequisite 1: flag')).first();
  await flag.fill('1734');
  await it.getByRole('option', { name: 'flag_01734' }).waitFor();
  assert.ok((await it.getByRole('option').count()) <= 50);
  await assertAccessible(it);
  await it.keyboard.press('ArrowDown');
  await it.keyboard.press('Enter');
  assert.equal(await flag.inputValue(), 'flag_01734');
  await assertFits(it);
  assertQuiet(it);
});
