// The list of flags, and the form that makes one.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Hoist } from '../../tests/clients/hoist.js';
import { begin } from './begin.js';
import { assertAccessible, assertFits, assertFocus, assertQuiet, inspect, open, Person, settled, shoot } from './browser.js';
import { importFlags } from './many.js';

const LIST = '/projects/default/flags';

const clients = fileURLToPath(new URL('../../tests/clients', import.meta.url));

let hoist;
let browser;

const make = (key, flag = {}) =>
  hoist.send('POST', 'flags', { key, type: 'boolean', purpose: 'release', owner: 'web', ...flag });
const rollout = (environment, key, percentage, reason = 'a test') =>
  hoist.send('PUT', `environments/${environment}/flags/${key}/rollout`, { percentage, enabled: true, reason });

begin(async (begun) => {
  ({ hoist, browser } = begun);
  await make('dashboard_v2', { name: 'The new dashboard', tags: ['ui', 'q4'], description: 'Tabs instead of pages' });
  await make('checkout_copy', {
    type: 'string', purpose: 'experiment', owner: 'shop', tags: ['checkout'],
    variants: { bold: 'BUY NOW', classic: 'Buy' },
  });
  await make('eu_tax_rules', { owner: 'billing', purpose: 'operational' });
  await make('search_beta', { owner: 'search', purpose: 'permission', tags: ['ui'] });
  await make('payments_off', { owner: 'payments', purpose: 'kill_switch', name: 'Take payments out' });
  for (const environment of ['development', 'staging', 'production']) await rollout(environment, 'payments_off', 100);
  await rollout('development', 'dashboard_v2', 100);
  await rollout('staging', 'dashboard_v2', 50);
  await rollout('production', 'dashboard_v2', 10);
  await rollout('development', 'checkout_copy', 100);
});

const keys = (page) => page.getByRole('listitem').getByRole('link').allTextContents();

test('the list looks right everywhere', () => inspect(browser, hoist, LIST, 'flags'));

test('a flag tells its state in each environment, who changed it, and when to the second', async () => {
  const page = await open(browser, hoist, LIST);
  const row = page.getByRole('listitem').filter({ hasText: 'dashboard_v2' });
  const told = (await row.innerText()).replace(/\s+/g, ' ');
  for (const words of ['Development', 'On', 'Staging', '50 %', 'Production', '10 %', 'web', 'just now']) {
    assert.ok(told.includes(words), `“${words}” is not in “${told}”`);
  }
  assert.match((await row.locator('time').getAttribute('title')) ?? '', /\d{1,2}:\d{2}:\d{2}/);
});

test('typing narrows the list at once, and the address keeps it', async () => {
  const page = await open(browser, hoist, LIST);
  await page.keyboard.press('/');
  await page.keyboard.type('dash', { delay: 5 });
  await page.getByText('1 of 5 flags').waitFor();
  assert.deepEqual(await keys(page), ['dashboard_v2']);
  await page.waitForURL('**/flags?q=dash');
  await page.reload();
  await settled(page);
  assert.equal(await page.getByRole('searchbox').inputValue(), 'dash');
  assert.deepEqual(await keys(page), ['dashboard_v2']);
  await page.getByRole('button', { name: 'Clear the search' }).click();
  await page.getByText('5 flags', { exact: true }).waitFor();
  await assertFocus(page, 'Search flags');
  await page.keyboard.type('dash');
  await page.getByText('1 of 5 flags').waitFor();
  await page.keyboard.press('Escape');
  await page.getByText('5 flags', { exact: true }).waitFor();
  await page.waitForURL((url) => url.search === '');
  assertQuiet(page);
});

test('owner, tag, purpose, state and stage are filters that an address can name', async () => {
  const found = async (search) => {
    const page = await open(browser, hoist, LIST + search);
    await page.getByText(/of 5 flags/).waitFor();
    const found = await keys(page);
    await page.context().close();
    return found;
  };
  assert.deepEqual(await found('?owner=billing'), ['eu_tax_rules']);
  assert.deepEqual(await found('?tag=ui'), ['dashboard_v2', 'search_beta']);
  assert.deepEqual(await found('?purpose=experiment'), ['checkout_copy']);
  assert.deepEqual(await found('?state=partial'), ['checkout_copy']);
  assert.deepEqual(await found('?state=off'), ['eu_tax_rules', 'search_beta']);
  assert.ok((await found('?stage=permanent')).includes('payments_off'));

  const page = await open(browser, hoist, LIST);
  await page.getByLabel('Only this owner').selectOption('shop');
  await page.waitForURL('**/flags?owner=shop');
  await page.getByText('1 of 5 flags').waitFor();
  await page.getByLabel('Search flags').fill('nothing like it');
  await page.getByRole('heading', { name: 'No flag fits' }).waitFor();
  await assertAccessible(page);
  await page.getByRole('button', { name: 'Show all flags' }).click();
  await page.getByText('5 flags', { exact: true }).waitFor();
});

test('of many owners one is looked for by typing, by keyboard alone', async (t) => {
  const many = await Hoist.start();
  t.after(() => many.stop());
  await importFlags(many, 120);
  for (const theme of ['light', 'dark']) {
    const page = await open(browser, many, LIST, { theme });
    await page.getByText('120 flags', { exact: true }).waitFor();
    const owner = page.getByRole('combobox', { name: 'Only this owner' });
    await owner.focus();
    await page.keyboard.type('M-3');
    assert.deepEqual(
      await owner.evaluate((it) => [...it.list.options].map(({ value }) => value)),
      ['team-3', ...Array.from({ length: 10 }, (_, last) => `team-3${last}`)],
    );
    // It can mean one thing only.
    await page.keyboard.type('7');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/flags?owner=team-37');
    await page.getByText('3 of 120 flags').waitFor();
    assert.equal(await owner.inputValue(), 'team-37');
    await assertAccessible(page);
    // One whose name others begin with is meant when it is typed to its end.
    await owner.fill('team-3');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/flags?owner=team-3');
    await page.keyboard.press('Tab');
    await assertFocus(page, 'Clear: Only this owner');
    await page.keyboard.press('Enter');
    await page.getByText('120 flags', { exact: true }).waitFor();
    await assertFocus(page, 'Only this owner');
    assertQuiet(page);
    await page.context().close();
  }
});

test('j and k walk through the list, and enter opens', async () => {
  const page = await open(browser, hoist, LIST);
  const here = () => page.evaluate(() => document.activeElement?.textContent);
  await page.keyboard.press('j');
  assert.equal(await here(), 'checkout_copy');
  await page.keyboard.press('j');
  assert.equal(await here(), 'dashboard_v2');
  await page.keyboard.press('k');
  assert.equal(await here(), 'checkout_copy');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/flags/checkout_copy*');
});

test('from the search, enter opens the first that fits, and the arrow leads to it', async () => {
  const page = await open(browser, hoist, LIST);
  await page.keyboard.press('/');
  await page.keyboard.type('ui');
  await page.getByText('2 of 5 flags').waitFor();
  await page.keyboard.press('ArrowDown');
  await assertFocus(page, 'dashboard_v2');
  await page.keyboard.press('/');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/flags/dashboard_v2*');
  assertQuiet(page);
});

test('with six environments each state is told whole, and nothing is cut off', async (t) => {
  const many = await Hoist.start();
  t.after(() => many.stop());
  for (const key of ['preview', 'canary', 'europe']) await many.send('POST', 'environments', { key });
  await many.send('POST', 'flags', { key: 'copy', type: 'string', purpose: 'release', owner: 'web', variants: { classic: 'a', bold: 'b' } });
  await many.send('PUT', 'environments/production/flags/copy', {
    enabled: true, off_variant: 'bold', default: { serve: 'classic', rollout: 10 },
    rules: [{ serve: 'bold', conditions: [{ attribute: 'plan', operator: 'in', values: ['beta'] }] }],
  });
  const page = await open(browser, many, LIST);
  const cut = await page.evaluate(() =>
    [...document.querySelectorAll('[role=listitem] span')].filter((it) => it.title && it.scrollWidth > it.clientWidth + 1).map((it) => it.textContent));
  assert.deepEqual(cut, []);
  const state = page.getByText('classic 10 % · 1 rule');
  assert.equal(await state.getAttribute('title'), 'classic 10 % · 1 rule');
  const [row, last] = await Promise.all([page.getByRole('listitem').boundingBox(), page.getByRole('listitem').locator('time').boundingBox()]);
  assert.ok(last.x + last.width <= row.x + row.width, 'the last column is cut off');
  await assertFits(page);
  await assertAccessible(page);
  await shoot(page, 'flags-six-1440-light');
});

test('what another person changes appears by itself', async () => {
  const page = await open(browser, hoist, LIST);
  const row = page.getByRole('listitem').filter({ hasText: 'search_beta' });
  await row.getByText('Off').first().waitFor();
  await rollout('production', 'search_beta', 42.5);
  await row.getByText('42.5 %').waitFor();
  await make('brand_new');
  await page.getByRole('link', { name: 'brand_new' }).waitFor();
  await hoist.send('POST', 'flags/brand_new/archive');
  await page.getByRole('link', { name: 'brand_new' }).waitFor({ state: 'detached' });
  await hoist.send('DELETE', 'flags/brand_new');
  assertQuiet(page);
});

test('what is no revision appears as well: a new owner', async () => {
  const page = await open(browser, hoist, LIST);
  const row = page.getByRole('listitem').filter({ hasText: 'search_beta' });
  await row.waitFor();
  await hoist.send('PATCH', 'flags/search_beta', { owner: 'discovery' });
  await row.getByText('discovery').waitFor();
  await hoist.send('PATCH', 'flags/search_beta', { owner: 'search' });
  await row.getByText('discovery').waitFor({ state: 'detached' });
  assertQuiet(page);
});

test('archived flags are found, recognised, restored and deleted', async () => {
  for (const key of ['shelved', 'retired']) await make(key, { owner: 'legacy' });
  await hoist.send('POST', 'flags/shelved/archive');
  await rollout('production', 'retired', 40);
  await hoist.send('POST', 'flags/retired/archive');
  const page = await open(browser, hoist, `${LIST}?q=retired`);
  await page.getByRole('heading', { name: 'No flag fits' }).waitFor();
  const person = new Person(page);
  await person.click('button', 'Show 2 archived flags');
  await page.waitForURL('**/flags?state=archived');
  await page.getByText('2 archived flags', { exact: true }).waitFor();
  assert.deepEqual(await keys(page), ['retired', 'shelved']);
  const row = page.getByRole('listitem').filter({ hasText: 'retired' });
  assert.match((await row.innerText()).replace(/\s+/g, ' '), /^retired Archived .*It said 40 %.*by the development token/);
  await assertAccessible(page);
  await person.click('link', 'retired');
  await page.getByRole('alert').getByText('The development token archived it just now').waitFor();
  await shoot(page, 'archived-1440-light');
  await person.click('button', 'Restore');
  await page.getByText('It is served again as it was when it was archived: on in production.').waitFor();
  await assertAccessible(page);
  await person.click('button', 'Restore retired');
  await page.getByRole('alert').waitFor({ state: 'detached' });
  assert.equal(person.actions, 4);
  assert.equal((await hoist.send('GET', 'flags/retired')).archived_at, null);
  await person.click('button', 'Archive');
  await assertAccessible(page);
  await person.click('button', 'Archive retired');
  await person.click('button', 'Delete for ever');
  await assertAccessible(page);
  await person.click('button', 'Delete retired');
  await page.waitForURL('**/flags?state=archived');
  await page.getByText('1 archived flag', { exact: true }).waitFor();
  assert.deepEqual(await keys(page), ['shelved']);
  // Whoever still looks at a flag that was deleted asks for it once more.
  assert.deepEqual(page.complaints.filter((it) => !it.includes('404')), []);
});

test('archived flags look right everywhere', () => inspect(browser, hoist, `${LIST}?state=archived`, 'flags-archived'));

test('a flag is made by typing its key and its owner', async () => {
  const page = await open(browser, hoist, LIST);
  const person = new Person(page);
  await person.click('link', 'New flag');
  await person.type('Key', 'one_form');
  await person.type('Owner', 'web');
  await person.click('button', 'Create flag');
  await page.getByRole('heading', { level: 1, name: 'one_form is made' }).waitFor();
  assert.equal(person.actions, 4);
  await assertAccessible(page);
  assertQuiet(page);
});

const ran = async (program, ...rest) => (await promisify(execFile)(program, rest, { cwd: clients })).stdout.trim();
const RUN = {
  TypeScript: (code) => ran('node', '--input-type=module', '-e', code),
  Python: (code) => ran('.venv/bin/python', '-c', code),
  Rust: async (code) => {
    mkdirSync(join(clients, 'rust/examples'), { recursive: true });
    writeFileSync(join(clients, 'rust/examples/snippet.rs'), code);
    return ran('cargo', 'run', '--quiet', '--locked', '--manifest-path', 'rust/Cargo.toml', '--example', 'snippet');
  },
  curl: async (code) => JSON.stringify(JSON.parse(await ran('sh', '-c', code)).value),
};

test('each snippet runs as it was copied, and reads what the flag serves', async () => {
  await make('page_size', { type: 'number', variants: { long: 50, short: 10 } });
  await rollout('development', 'page_size', 100);
  await make('look', { type: 'object', variants: { loud: { size: 2 }, plain: {} } });
  await rollout('development', 'look', 100);
  for (const [flag, values] of [
    ['payments_off', ['true', 'True', 'true', 'true']],
    ['checkout_copy', ['BUY NOW', 'BUY NOW', 'BUY NOW', '"BUY NOW"']],
    ['page_size', ['50', '50', '50', '50']],
    ['look', ['{ size: 2 }', "{'size': 2}", '{"size":2}', '{"size":2}']],
  ]) {
    const page = await open(browser, hoist, `/projects/default/new-flag?made=${flag}`);
    const told = [];
    for (const language of Object.keys(RUN)) {
      await page.getByRole('tab', { name: language }).click();
      told.push(await RUN[language]((await page.getByLabel(`${language} snippet`, { exact: true }).textContent()) ?? ''));
    }
    assert.deepEqual(told, values);
    await page.context().close();
  }
});

test('what the server refuses is told at its field', async () => {
  const page = await open(browser, hoist, '/projects/default/new-flag');
  await page.getByRole('textbox', { name: 'Key' }).fill('not a key');
  await page.getByRole('combobox', { name: 'Owner' }).fill('web');
  await page.getByRole('button', { name: 'Create flag' }).click();
  const key = page.getByRole('textbox', { name: 'Key' });
  await page.locator('[aria-invalid=true]').and(key).waitFor();
  await assertAccessible(page);
  await key.fill('dashboard_v2');
  await page.getByRole('button', { name: 'Create flag' }).click();
  await page.getByText(/never given out again/).waitFor();
  await assertAccessible(page);
});

test('a key for another environment is made where it is needed, and shown once', async () => {
  const page = await open(browser, hoist, '/projects/default/new-flag?made=checkout_copy&environment=production');
  const snippet = page.getByLabel('Rust snippet', { exact: true });
  assert.match((await snippet.textContent()) ?? '', /YOUR_SDK_KEY/);
  await page.getByRole('button', { name: 'Make an SDK key for it' }).click();
  await page.getByText('shown here only once').waitFor();
  assert.match((await snippet.textContent()) ?? '', /sdk_key\("hoist_sdk_[^"]{20,}"\)/);
  await assertAccessible(page);
  assertQuiet(page);
});

test('the form and the snippets look right everywhere', async () => {
  await inspect(browser, hoist, '/projects/default/new-flag', 'new-flag', async (page) => {
    await page.getByText('Text', { exact: true }).click();
    await page.getByLabel('Variant 1', { exact: true }).waitFor();
  });
  await inspect(browser, hoist, '/projects/default/new-flag?made=dashboard_v2', 'snippets', (page) =>
    page.getByLabel('Rust snippet', { exact: true }).waitFor());
});

test('the walk by j and k loses no key, is never covered, and begins with what is in sight', async (t) => {
  const many = await Hoist.start();
  t.after(() => many.stop());
  await importFlags(many, 2_000);
  const page = await open(browser, many, LIST);
  await page.getByText('2,000 flags').waitFor();
  // Keys that are quicker than the rows are drawn: none is lost, and none leads under what sticks at the top.
  const at = (number) => `flag_${String(number).padStart(5, '0')}`;
  for (let press = 0; press < 60; press += 1) await page.keyboard.press('j');
  await assertFocus(page, at(59));
  for (let press = 0; press < 30; press += 1) await page.keyboard.press('k');
  await assertFocus(page, at(29));
  const hidden = () => page.evaluate(() => {
    const { left, top } = document.activeElement.getBoundingClientRect();
    return document.elementFromPoint(left + 2, top + 2)?.closest('[role=listitem]') === null;
  });
  assert.equal(await hidden(), false, 'the flag that has the keyboard is covered');
  // Far below, the walk begins with what is in sight.
  await page.evaluate(() => window.scrollTo(0, 64_000));
  await page.waitForFunction(() => document.activeElement === document.body);
  await page.keyboard.press('j');
  await page.waitForFunction(() => Number(document.activeElement?.textContent?.slice(5)) > 900);
  assert.equal(await hidden(), false, 'the flag that has the keyboard is covered');
  assertQuiet(page);
});

test('20,000 flags are searched as quickly as five, and only those in sight are drawn', async () => {
  const many = await Hoist.start();
  await importFlags(many, 20_000);
  const page = await open(browser, many, LIST);
  await page.getByText('20,000 flags').waitFor();
  assert.ok((await page.getByRole('listitem').count()) < 60);
  await page.keyboard.press('/');
  await page.keyboard.type('12345');
  await page.getByText('1 of 20,000 flags').waitFor();
  await page.getByRole('searchbox').press('Escape');
  await page.getByText('20,000 flags', { exact: true }).waitFor();
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
  await page.getByRole('link', { name: 'flag_19999' }).waitFor();
  await shoot(page, 'flags-many', { whole: false });
  await assertAccessible(page);
  assertQuiet(page);
  await many.stop();
});
