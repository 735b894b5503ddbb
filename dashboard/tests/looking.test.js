// Where auditors look: the audit, what is stale, and two environments side by side.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SDK_KEY } from '../../tests/clients/hoist.js';
import { begin } from './begin.js';
import { assertAccessible, assertQuiet, inspect, open, Person, settled } from './browser.js';

let hoist;
let browser;

const make = (key, flag = {}) =>
  hoist.send('POST', 'flags', { key, type: 'boolean', purpose: 'release', owner: 'web', ...flag });
const rollout = (environment, key, percentage, reason) =>
  hoist.send('PUT', `environments/${environment}/flags/${key}/rollout`, { percentage, enabled: true, reason });

begin(async (begun) => {
  ({ hoist, browser } = begun);
  await make('dashboard_v2', { tags: ['ui'] });
  await make('checkout', { owner: 'shop' });
  await make('gone', { owner: 'shop' });
  await hoist.send('POST', 'flags/gone/archive');
  await rollout('staging', 'dashboard_v2', 50, 'half of staging');
  await rollout('staging', 'checkout', 100, 'it works');
});

test('the three pages look right everywhere', async () => {
  await inspect(browser, hoist, '/projects/default/audit', 'audit');
  await inspect(browser, hoist, '/projects/default/stale?verdict=all', 'stale');
  await inspect(browser, hoist, '/projects/default/compare', 'compare', (page) => page.getByText('2 differ').waitFor());
});

test('the audit is narrowed by fields that stand in the address, and hears of what is new', async () => {
  const page = await open(browser, hoist, '/projects/default/audit');
  const entries = page.getByRole('list', { name: 'Audit entries' }).locator('> li');
  assert.equal(await entries.count(), 6);
  await page.getByText('“half of staging”').waitFor();
  await page.getByLabel('What was done').selectOption('flag.archived');
  await page.waitForURL('**/audit?action=flag.archived');
  await page.waitForFunction(() => document.querySelectorAll('[aria-label="Audit entries"] > li').length === 1);
  await page.reload();
  await settled(page);
  assert.equal(await entries.count(), 1);
  await page.getByLabel('What was done').selectOption('');
  await page.getByLabel('Flag', { exact: true }).fill('checkout');
  await page.getByLabel('Flag', { exact: true }).press('Enter');
  await page.waitForFunction(() => document.querySelectorAll('[aria-label="Audit entries"] > li').length === 2);
  await rollout('development', 'checkout', 25, 'seen at once');
  await page.getByText('“seen at once”').waitFor();
  await page.getByLabel('Flag', { exact: true }).fill('nothing');
  await page.getByLabel('Flag', { exact: true }).press('Enter');
  await page.getByRole('heading', { name: 'No entry fits' }).waitFor();
  await assertAccessible(page);
  assertQuiet(page);
});

test('whoever the audit names is found by that name, and so is a flag', async () => {
  const page = await open(browser, hoist, '/projects/default/audit');
  const entries = page.getByRole('list', { name: 'Audit entries' }).locator('> li');
  await entries.first().waitFor();
  const who = page.getByLabel('Who', { exact: true });
  const offered = (field) => field.evaluate((it) => [...it.list.options].map(({ value }) => value));
  assert.deepEqual(await offered(who), ['the development token']);
  await who.fill('the development token');
  await who.press('Enter');
  await page.waitForURL('**/audit?actor=token%3Adevelopment');
  await entries.first().waitFor();
  assert.equal(await who.inputValue(), 'the development token');
  await page.getByLabel('Flag', { exact: true }).fill('check');
  assert.deepEqual(await offered(page.getByLabel('Flag', { exact: true })), ['checkout']);
  await assertAccessible(page);
  assertQuiet(page);
});

test('no instant is told as the server writes it', async () => {
  for (const noun of ['audit', 'stale?verdict=all']) {
    const page = await open(browser, hoist, `/projects/default/${noun}`);
    await page.getByRole('listitem').first().waitFor();
    // What is folded away is no text on the page until it is unfolded.
    for (const folded of await page.locator('main summary').all()) await folded.click();
    if (noun === 'audit') await page.getByText('Gone by').first().waitFor();
    assert.doesNotMatch(await page.locator('main').innerText(), /\d{4}-\d\d-\d\dT\d\d/);
    await page.context().close();
  }
});

/** An application tells what it evaluated, as an SDK does. */
async function evaluated(flag, variant) {
  const [from, until] = [new Date(Date.now() - 60_000), new Date()].map((it) => it.toISOString());
  const flags = { [flag]: { direct: [{ variant, reason: variant ? 'STATIC' : 'ERROR', count: 3 }] } };
  const answer = await fetch(`${hoist.url}/sdk/v1/exposures`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SDK_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ instance: flag, sequence: 1, app: 'shop', sdk: 's/1', from, until, flags }),
  });
  assert.equal(answer.status, 202, await answer.text());
}

test('the stale report tells what to do with each flag, why, and how sure that is', async () => {
  await make('overdue', { expires_at: '2020-01-01T00:00:00Z' });
  await rollout('development', 'overdue', 100, 'it works');
  await evaluated('overdue', 'on');
  await evaluated('misspelt', null);
  const page = await open(browser, hoist, '/projects/default/stale');
  const findings = page.getByRole('list', { name: 'Findings' }).locator('> li');
  await page.getByText('2 of 4 flags need attention').waitFor();
  const said = async (flag) => (await findings.filter({ hasText: flag }).innerText()).replaceAll(/\s+/g, ' ');
  // How sure it is, is the sum that it is.
  const [, total, sum] = (await said('overdue')).match(/should have been gone by .* (\d+) % sure: (\d+ .*?) Last asked/) ?? [];
  const points = sum.split(/[+−]/).map((part) => Number.parseInt(part, 10));
  assert.equal(points[0] - points.slice(1).reduce((all, one) => all + one, 0), Number(total), sum);
  assert.match(await said('misspelt'), /^misspelt Decide No such flag there is no such flag; asked for 3 times/);
  // What is kept says why.
  await page.getByLabel('What to do').selectOption('keep');
  await page.getByText('3 findings', { exact: true }).waitFor();
  assert.match(await said('gone'), /^gone Keep Archived · shop Archived not long ago, and nobody asks for it\.$/);
  assert.match(await said('checkout'), /^checkout Keep New · shop Made not long ago, and not evaluated yet\.$/);
  await page.getByLabel('Owner').selectOption('web');
  await page.getByText('1 finding', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'dashboard_v2' }).waitFor();
  await assertAccessible(page);
  assertQuiet(page);
});

test('what differs is shown, chosen and taken over, and nothing that has changed since', async () => {
  const page = await open(browser, hoist, '/projects/default/compare');
  const person = new Person(page);
  await page.getByText('2 differ').waitFor();
  await person.click('checkbox', 'Take over dashboard_v2');
  await person.click('button', 'Promote 1 flag to Production');
  await person.type('Reason', 'it holds');
  await person.click('button', 'Promote to Production');
  await page.getByText('1 differ').waitFor();
  assert.equal(person.actions, 4);
  const production = await hoist.send('GET', 'environments/production/flags/dashboard_v2');
  assert.deepEqual([production.enabled, production.default.rollout], [true, 50]);
  await assertAccessible(page);
  assertQuiet(page);
});
