// A flag's page is of one environment: it is never of another than one asked for, and never left with something chosen.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { begin } from './begin.js';
import { assertAccessible, assertFits, assertFocus, assertQuiet, open, shoot } from './browser.js';

const PAGE = '/projects/default/flags/dashboard_v2';

let hoist;
let browser;

const settings = (environment) => hoist.send('GET', `environments/${environment}/flags/dashboard_v2`);
const rollout = (environment, percentage) =>
  hoist.send('PUT', `environments/${environment}/flags/dashboard_v2/rollout`, { percentage, enabled: true });

async function choose(page, name) {
  await page.getByRole('button', { name: /^Environment:/ }).click();
  await page.getByRole('menuitem', { name }).click();
}

begin(async (begun) => {
  ({ hoist, browser } = begun);
  await hoist.send('POST', 'flags', { key: 'dashboard_v2', type: 'boolean', purpose: 'release', owner: 'web' });
  await hoist.send('POST', 'environments', { key: 'preview' });
});

test('another environment is asked about while a rollout is chosen and not saved', async () => {
  const page = await open(browser, hoist, `${PAGE}?environment=staging`);
  await page.getByRole('button', { name: '50 %', exact: true }).click();
  await page.getByLabel('Reason (optional)').fill('half of them');
  await choose(page, 'Production');
  const question = page.getByRole('dialog', { name: 'Leave what is not saved?' });
  await question.waitFor();
  await assertAccessible(page);
  await question.getByRole('button', { name: 'Stay' }).click();
  await page.getByRole('button', { name: 'Save 50 % in Staging' }).waitFor();
  assert.equal(await page.getByLabel('Reason (optional)').inputValue(), 'half of them');
  assert.match(page.url(), /environment=staging/);
  await assertFocus(page, 'Environment: Staging');
  await choose(page, 'Production');
  await question.waitFor();
  await page.keyboard.press('Escape');
  await assertFocus(page, 'Environment: Staging');
  await choose(page, 'Production');
  await question.getByRole('button', { name: 'Leave' }).click();
  await page.getByRole('button', { name: 'Environment: Production' }).waitFor();
  await page.getByText('Choose a percentage to see what it means.').waitFor();
  // Nothing is chosen any more, so nothing is asked.
  await choose(page, 'Staging');
  await page.getByRole('button', { name: 'Environment: Staging' }).waitFor();
  assert.equal(await question.count(), 0);
  assert.equal((await settings('staging')).enabled, false);
  assertQuiet(page);
});

test('another environment is asked about while the reason of a kill is not on record', async () => {
  await rollout('staging', 100);
  const page = await open(browser, hoist, `${PAGE}?environment=staging`);
  await page.getByRole('button', { name: 'Hold to kill in Staging' }).focus();
  await page.keyboard.down('Enter');
  await page.getByText('It is off.', { exact: true }).waitFor();
  await page.keyboard.up('Enter');
  const reason = page.getByRole('textbox', { name: 'Reason', exact: true });
  await reason.fill('errors at checkout');
  await choose(page, 'Production');
  await page.getByRole('dialog', { name: 'Leave what is not saved?' }).getByRole('button', { name: 'Stay' }).click();
  assert.equal(await reason.inputValue(), 'errors at checkout');
  await page.getByRole('button', { name: 'Put it on record' }).click();
  await page.getByText('The reason is on record.').waitFor();
  await choose(page, 'Production');
  await page.getByRole('button', { name: 'Environment: Production' }).waitFor();
  assertQuiet(page);
});

test('an environment that is deleted under the hands, or never was, leaves nothing to press', async () => {
  const page = await open(browser, hoist, `${PAGE}?environment=preview`);
  await page.getByRole('button', { name: 'Hold to kill' }).or(page.getByText('It is off.', { exact: true })).first().waitFor();
  await hoist.send('DELETE', 'environments/preview');
  await page.getByText('There is no environment “preview” here').waitFor();
  await page.getByRole('heading', { name: 'Take it back' }).waitFor({ state: 'detached' });
  assert.equal(await page.getByRole('tab').count(), 0);
  await shoot(page, 'environment-gone');
  await assertAccessible(page);
  await page.goto(`${hoist.url}${PAGE}?environment=nosuch&tab=targeting`);
  await page.getByText('There is no environment “nosuch” here').waitFor();
  assert.equal(await page.getByRole('tab').count(), 0);
  await page.getByRole('button', { name: 'Environment: none' }).waitFor();
  await choose(page, 'Staging');
  await page.getByRole('switch', { name: 'On in Staging' }).waitFor();
});

test('on a telephone the tabs are one line with the chosen one in sight, and no state is cut', async () => {
  const condition = (country) => ({ attribute: 'country', operator: 'in', values: [country] });
  const rules = Array.from({ length: 100 }, (_, at) => ({ conditions: [condition(`X${at}`)], serve: 'on' }));
  await hoist.send('PUT', 'environments/production/flags/dashboard_v2', {
    enabled: true, rules, default: { rollout: 12.345, serve: 'on' }, off_variant: 'off',
  });
  for (const [tab, name] of [['code', 'Use it in code'], ['history', 'History'], ['rollout', 'Rollout']]) {
    const page = await open(browser, hoist, `${PAGE}?environment=production&tab=${tab}`, { width: 360 });
    const box = await page.getByRole('tablist', { name: 'What to look at' }).boundingBox();
    const chosen = await page.getByRole('tab', { name }).boundingBox();
    assert.ok(box.height < 60, `the tabs are ${box.height} high`);
    assert.ok(chosen.x >= box.x - 1 && chosen.x + chosen.width <= box.x + box.width + 1, `${name} is out of sight`);
    await shoot(page, `tabs-360-${tab}`, { whole: false });
    await assertFits(page);
    await page.context().close();
  }
  const page = await open(browser, hoist, `${PAGE}?environment=production`, { width: 360, theme: 'dark' });
  await assertWhole(page.getByRole('list', { name: 'State in each environment' }));
  await page.goto(`${hoist.url}/projects/default/flags`);
  await page.getByText('12.345 % · 100 rules').waitFor();
  await shoot(page, 'states-360', { whole: false });
  await assertWhole(page.getByRole('listitem').first());
});

/** Nothing in it is wider or higher than the place that it has. */
async function assertWhole(place) {
  const cut = await place.evaluate((root) => {
    const hidden = (it) => getComputedStyle(it).overflow !== 'visible' && it.getBoundingClientRect().width > 1;
    const more = (it) => it.scrollWidth > it.clientWidth + 1 || it.scrollHeight > it.clientHeight + 1;
    return [...root.querySelectorAll('*')].filter((it) => hidden(it) && more(it)).map(({ textContent }) => textContent);
  });
  assert.deepEqual(cut, []);
}
