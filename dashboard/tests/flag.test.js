// A flag's page: ramp, kill, target, look back, ask why. What DESIGN promises is counted in actions.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { Hoist } from '../../tests/clients/hoist.js';
import { assertAccessible, assertFocus, assertQuiet, inspect, launch, open, Person } from './browser.js';

const PAGE = '/projects/default/flags/dashboard_v2';
const IN_PRODUCTION = `${PAGE}?environment=production`;

let hoist;
let browser;
let shop;

const settings = (environment, flag = 'dashboard_v2') => hoist.send('GET', `environments/${environment}/flags/${flag}`);
const rollout = (environment, percentage, flag = 'dashboard_v2') =>
  hoist.send('PUT', `environments/${environment}/flags/${flag}/rollout`, { percentage, enabled: true, reason: 'a test' });

/** What is chosen means, before it is saved. */
const preview = (page, said) => page.locator('[data-preview]', { hasText: said }).waitFor();

before(async () => {
  hoist = await Hoist.start();
  const make = (key, more = {}) =>
    hoist.send('POST', 'flags', { key, type: 'boolean', purpose: 'release', owner: 'web', tags: ['ui'], ...more });
  await make('dashboard_v2', { description: 'Tabs instead of pages' });
  await make('new_nav');
  await make('killed');
  await make('merged');
  await make('checkout_copy', { type: 'string', variants: { a: 'Buy', b: 'Buy now', c: 'Get it' } });
  await rollout('production', 10);
  shop = await application();
  browser = await launch();
});

after(async () => {
  shop?.kill();
  await browser?.close();
  await hoist?.stop();
});

/** A program that links the SDK, connected to development. */
async function application() {
  const example = join(dirname(process.env.TEST_HOIST_BINARY), 'examples/application');
  const program = spawn(example, [hoist.url, mkdtempSync(join(tmpdir(), 'shop-'))], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve, reject) => {
    program.stdout.on('data', (line) => String(line).includes('live at') && resolve());
    program.once('exit', (code) => reject(new Error(`the application ended: ${code}`)));
  });
  return program;
}

test('a flag looks right everywhere, tab by tab', async () => {
  await inspect(browser, hoist, IN_PRODUCTION, 'flag');
  for (const tab of ['targeting', 'history', 'evaluations', 'playground', 'code']) {
    await inspect(browser, hoist, `${IN_PRODUCTION}&tab=${tab}`, `flag-${tab}`);
  }
});

test('the first line says how it stands, who made it so, and when', async () => {
  const page = await open(browser, hoist, PAGE);
  const line = (await page.getByRole('list', { name: 'State in each environment' }).innerText()).replace(/\s+/g, ' ');
  assert.match(line, /Production 10 % by the development token, (just now|\d+ minutes? ago)/);
});

test('10 → 50 → 100 is two clicks and a save, and says what it means before', async () => {
  const page = await open(browser, hoist, IN_PRODUCTION);
  const person = new Person(page);
  await person.click('button', '50 %');
  await preview(page, '10 % → 50 %: everyone who has it keeps it; about 40 % more gain it.');
  await person.click('button', 'Save 50 % in Production');
  await page.getByText('Now 50 %').waitFor();
  assert.equal(person.actions, 2);
  await person.click('button', '100 %');
  await person.type('Reason (optional)', 'looks good');
  await person.click('button', 'Save 100 % in Production');
  await page.getByText('Now 100 %').waitFor();
  assert.equal((await settings('production')).default.rollout ?? 100, 100);
  await page.getByLabel('Percentage', { exact: true }).first().fill('33.333');
  await preview(page, /nobody gains it; about 66\.667 % lose it/);
  assertQuiet(page);
});

test('what another person changes appears, and nothing typed is lost', async () => {
  const page = await open(browser, hoist, `${PAGE}?environment=staging`);
  await rollout('staging', 25);
  await page.getByText('Now 25 %').waitFor();
  await page.getByRole('button', { name: '100 %', exact: true }).click();
  await page.getByLabel('Reason (optional)').fill('all of them');
  await rollout('staging', 30);
  await page.getByText('Now 30 %').waitFor();
  await page.getByText('Somebody else saved meanwhile').waitFor();
  await preview(page, '30 % → 100 %: everyone who has it keeps it; about 70 % more gain it.');
  assert.equal(await page.getByLabel('Reason (optional)').inputValue(), 'all of them');
  await assertAccessible(page);
  // What is chosen and not saved is not left without a question.
  await page.getByRole('link', { name: 'Segments' }).click();
  await page.getByRole('button', { name: 'Stay' }).click();
  // Somebody is first while the request is under way.
  let late = () => rollout('staging', 31).then(() => (late = undefined));
  await page.route('**/rollout', async (route) => {
    await late?.();
    await route.continue();
  });
  await page.getByRole('button', { name: 'Save 100 % in Staging' }).click();
  await page.getByText('Not saved: somebody else was first').waitFor();
  await page.locator('[role=alert]:focus', { hasText: 'somebody else was first' }).waitFor();
  await preview(page, /31 % → 100 %/);
  page.complaints.length = 0;
  await page.getByRole('button', { name: 'Save 100 % in Staging' }).click();
  await page.getByText('Now 100 % · saved').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Rollout');
  assertQuiet(page);
});

test('a percentage is typed with a point or a comma, and nothing is bent into one', async () => {
  const page = await open(browser, hoist, `${PAGE}?environment=staging`);
  const field = page.getByRole('textbox', { name: 'Percentage' });
  await field.fill('10,5');
  await page.getByRole('button', { name: 'Save 10.5 % in Staging' }).waitFor();
  for (const wrong of ['', '150', '1.0001', 'ten']) {
    await field.fill(wrong);
    assert.equal(await page.getByRole('button', { name: 'Save', exact: true }).isDisabled(), true, wrong);
  }
  await page.getByText('From 0 to 100, at most three decimals').waitFor();
  await assertAccessible(page);
  await page.getByRole('button', { name: '50 %', exact: true }).click();
  assert.equal(await field.inputValue(), '50');
});

test('whoever turned it off meanwhile is not overruled by what was chosen before', async () => {
  await rollout('staging', 25);
  const page = await open(browser, hoist, `${PAGE}?environment=staging`);
  await page.getByRole('button', { name: '100 %', exact: true }).click();
  await hoist.send('POST', 'environments/staging/flags/dashboard_v2/kill', { reason: 'fire' });
  await page.getByText('has turned it off. What you chose would turn it on again.').waitFor();
  await page.getByRole('button', { name: 'Turn on again with 100 % in Staging' }).waitFor();
  await page.getByRole('button', { name: 'Leave it' }).click();
  assert.equal((await settings('staging')).enabled, false);
  assertQuiet(page);
});

test('a flag that somebody deletes is gone from its page', async () => {
  await hoist.send('POST', 'flags', { key: 'brief', type: 'boolean', purpose: 'release', owner: 'web' });
  const page = await open(browser, hoist, '/projects/default/flags/brief?environment=staging');
  await hoist.send('POST', 'flags/brief/archive', {});
  await page.getByRole('button', { name: 'Restore' }).waitFor();
  await hoist.send('DELETE', 'flags/brief');
  await page.getByText('There is no').first().waitFor();
  assert.equal(await page.getByRole('button', { name: 'Restore' }).count(), 0);
});

test('a kill is held for a second, asks why afterwards, and counts who has it', async () => {
  await rollout('development', 100, 'killed');
  const page = await open(browser, hoist, '/projects/default/flags/killed?environment=development');
  const button = page.getByRole('button', { name: 'Hold to kill in Development' });
  await button.click();
  assert.equal((await settings('development', 'killed')).enabled, true, 'a click is no kill');
  await button.focus();
  await page.keyboard.down('Enter');
  await page.getByText('It is off.', { exact: true }).waitFor();
  // The key is still down, and repeats.
  const why = page.getByRole('textbox', { name: 'Reason', exact: true });
  await page.locator(':focus').and(why).waitFor();
  await page.keyboard.down('Enter');
  await page.keyboard.up('Enter');
  assert.equal(await why.inputValue(), '');
  await page.getByText('1 of 1 instances have it off').waitFor();
  await page.locator(':focus').and(page.getByRole('textbox', { name: 'Reason', exact: true })).waitFor();
  assert.equal((await settings('development', 'killed')).enabled, false);
  await page.getByRole('textbox', { name: 'Reason', exact: true }).fill('errors at checkout');
  await page.getByRole('button', { name: 'Put it on record' }).click();
  await page.getByText('The reason is on record.').waitFor();
  await assertAccessible(page);
  const { items } = await hoist.send('GET', 'flags/killed/history?environment=development');
  assert.deepEqual([items[0].action, items[0].reason], ['settings.killed', 'errors at checkout']);
  assertQuiet(page);
});

test('why it was turned off can still be said after a look at another tab, as long as it is off by that kill', async () => {
  await rollout('development', 100, 'killed');
  const page = await open(browser, hoist, '/projects/default/flags/killed?environment=development');
  const look = async (tab) => {
    await page.getByRole('tab', { name: tab }).click();
    await page.getByRole('tabpanel', { name: tab }).waitFor();
  };
  await page.getByRole('button', { name: 'Hold to kill in Development' }).focus();
  await page.keyboard.down('Enter');
  await page.getByText('It is off.', { exact: true }).waitFor();
  await page.keyboard.up('Enter');
  const reason = page.getByRole('textbox', { name: 'Reason', exact: true });
  await reason.waitFor();
  await look('History');
  await look('Rollout');
  await page.getByText('1 of 1 instances have it off').waitFor();
  await assertFocus(page, 'Rollout');
  await reason.fill('errors at checkout');
  await page.getByRole('button', { name: 'Put it on record' }).click();
  await page.getByText('The reason is on record.').waitFor();
  await look('History');
  await look('Rollout');
  await page.getByText('It is off.', { exact: true }).waitFor();
  assert.equal(await reason.count(), 0, 'it was said');
  assertQuiet(page);
});

test('what was turned on again after a kill stays on', async () => {
  await rollout('development', 100, 'killed');
  const page = await open(browser, hoist, '/projects/default/flags/killed?environment=development');
  const button = page.getByRole('button', { name: 'Hold to kill in Development' });
  await button.click({ button: 'right', delay: 1_200 });
  assert.equal((await settings('development', 'killed')).enabled, true, 'the other button is no kill');
  await button.evaluate((it) => it.click());
  await page.getByRole('dialog').getByRole('button', { name: 'Kill in Development' }).click();
  await page.getByText('It is off.', { exact: true }).waitFor();
  const reason = page.getByRole('textbox', { name: 'Reason', exact: true });
  await reason.fill('too late');
  // Somebody turns it on while the reason is on its way.
  await page.route('**/kill', async (route) => {
    await rollout('development', 100, 'killed');
    await route.continue();
  });
  await page.getByRole('button', { name: 'Put it on record' }).click();
  await page.getByText(/has changed it since it was turned off/).waitFor();
  assert.equal((await settings('development', 'killed')).enabled, true);
  await reason.waitFor({ state: 'detached' });
});

test('rules are made in a form, and what the server refuses stands at its field', async () => {
  const page = await open(browser, hoist, `${PAGE}?environment=development&tab=targeting`);
  await page.getByRole('button', { name: 'Add a rule' }).click();
  const rule = page.getByRole('region', { name: 'Rule 1', exact: true });
  const condition = rule.getByRole('group', { name: 'Condition 1' });
  await condition.getByLabel('Attribute').fill('country');
  await condition.getByLabel('Operator').selectOption('matches');
  await condition.getByLabel('Values').fill('NO(');
  await page.getByRole('button', { name: 'Save in Development' }).click();
  await rule.getByRole('alert').first().waitFor();
  await assertAccessible(page);
  page.complaints.length = 0;
  await condition.getByLabel('Operator').selectOption('in');
  await condition.getByLabel('Values').fill('NO, 47');
  await page.getByRole('switch', { name: 'On in Development' }).check({ force: true });
  await page.getByRole('button', { name: 'Save in Development' }).click();
  await page.getByRole('button', { name: 'Save in Development' }).waitFor({ state: 'detached' });
  const { rules, enabled } = await settings('development');
  assert.equal(enabled, true);
  assert.deepEqual(rules[0].conditions, [{ attribute: 'country', operator: 'in', values: ['NO', 47] }]);
  assertQuiet(page);
});

test('leaving what is not saved is asked about', async () => {
  const page = await open(browser, hoist, `${PAGE}?environment=staging&tab=targeting`);
  await page.getByRole('button', { name: 'Add a rule' }).click();
  await page.getByRole('tab', { name: 'History' }).click();
  await page.getByRole('dialog', { name: 'Leave what is not saved?' }).waitFor();
  await page.getByRole('button', { name: 'Stay' }).click();
  await page.getByRole('group', { name: 'Condition 1' }).waitFor();
  await page.getByRole('tab', { name: 'History' }).click();
  await page.getByRole('button', { name: 'Leave' }).click();
  await page.getByRole('listitem').first().waitFor();
});

test('two people on one flag lose nothing', async () => {
  const [ada, bob] = [0, 1].map(() => open(browser, hoist, '/projects/default/flags/merged?environment=staging&tab=targeting'));
  const [one, other] = await Promise.all([ada, bob]);
  await one.getByRole('switch', { name: 'On in Staging' }).check({ force: true });
  await other.getByLabel('Default: rollout').fill('25');
  await one.getByRole('button', { name: 'Save in Staging' }).click();
  await one.getByRole('button', { name: 'Save in Staging' }).waitFor({ state: 'detached' });
  await other.getByText('Somebody else saved meanwhile').waitFor();
  await other.getByRole('button', { name: 'Save in Staging' }).click();
  await other.getByText('You changed different things: saving keeps both.').waitFor();
  await assertAccessible(other);
  await other.getByRole('button', { name: 'Save both' }).click();
  await other.getByText('Saved as version').waitFor();
  const stands = await settings('staging', 'merged');
  assert.deepEqual([stands.enabled, stands.default.rollout], [true, 25]);
});

test('a split says how many move', async () => {
  const page = await open(browser, hoist, '/projects/default/flags/checkout_copy?environment=staging&tab=targeting');
  await page.getByRole('button', { name: 'Split' }).click();
  await page.getByText('0 % of users move to another variant').waitFor();
  await page.getByLabel('Default: share of a').fill('60');
  await page.getByText('The shares total 60 %, not 100 %').waitFor();
  await page.getByLabel('Default: share of b').fill('40');
  await page.getByText('40 % of users move to another variant').waitFor();
  await page.getByRole('button', { name: 'Save in Staging' }).click();
  await page.getByRole('button', { name: 'Save in Staging' }).waitFor({ state: 'detached' });
  const { split } = (await settings('staging', 'checkout_copy')).default.serve;
  assert.deepEqual(split, [{ variant: 'a', weight: 60 }, { variant: 'b', weight: 40 }]);
});

test('who turned it on is on the page, and a revision is given back', async () => {
  const page = await open(browser, hoist, `${IN_PRODUCTION}&tab=history`);
  const person = new Person(page);
  await page.getByText('“looks good”').waitFor();
  const before = await settings('production');
  await person.click('button', `Restore revision ${before.revision - 2}`).catch(() => {
    throw new Error('no such revision can be restored');
  });
  await person.click('button', 'Restore in Production');
  await page.getByText('Settings restored').waitFor();
  const now = await settings('production');
  assert.ok(now.revision > before.revision);
  assertQuiet(page);
});
