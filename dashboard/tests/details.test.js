// What all environments share about a flag, changed on its page: by who may, with nothing of another person's lost.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { begin } from './begin.js';
import { assertAccessible, assertFits, assertFocus, assertQuiet, open, shoot } from './browser.js';
import { source } from './source.js';

const { detailsOf, follow, isGone, updateOf, withPurpose } = await source('pages/flag/details.ts');

let hoist;
let browser;

const page = (flag, more) => open(browser, hoist, `/projects/default/flags/${flag}`, more);
const flagOf = (key) => hoist.send('GET', `flags/${key}`);

async function edit(it) {
  await it.getByRole('button', { name: 'Edit details' }).click();
  const dialog = it.getByRole('dialog', { name: /^Details of/ });
  await dialog.waitFor();
  return dialog;
}

begin(async (begun) => {
  ({ hoist, browser } = begun);
  const make = (key, more = {}) =>
    hoist.send('POST', 'flags', { key, type: 'boolean', purpose: 'release', owner: 'web', tags: ['ui'], ...more });
  for (const key of ['edited', 'refused', 'shared', 'looked', 'told']) await make(key, { description: 'Tabs instead of pages' });
  await make('copy', { type: 'string', variants: { a: 'Buy', b: 'Buy now' } });
});

test('owner, name, description, tags, purpose and day are changed on the page, and the audit says who and why', async () => {
  const one = await page('edited');
  const dialog = await edit(one);
  await assertFocus(one, 'Owner');
  assert.equal(await dialog.getByRole('button', { name: 'Save' }).isDisabled(), true, 'nothing is changed yet');
  await dialog.getByLabel('Owner').fill('shop');
  await dialog.getByLabel('Name').fill('New dashboard');
  await dialog.getByLabel('Tags').fill('ui, tabs');
  await dialog.getByLabel('Purpose').selectOption('permission');
  assert.equal(await dialog.getByLabel('Gone by').inputValue(), '', 'what stays has no day');
  await dialog.getByLabel('Gone by').fill('2031-05-01');
  await dialog.getByLabel('Reason').fill('the team has changed');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  await assertFocus(one, 'Edit details');
  for (const said of ['Owner shop', 'New dashboard', 'Permission', '#tabs']) await one.getByText(said, { exact: true }).waitFor();
  const { owner, name, tags, purpose, description, expires_at: expires } = await flagOf('edited');
  assert.deepEqual([owner, name, tags, purpose, description], ['shop', 'New dashboard', ['ui', 'tabs'], 'permission', 'Tabs instead of pages']);
  assert.match(expires, /^2031-05-0/);
  const { items } = await hoist.send('GET', 'flags/edited/history');
  assert.deepEqual([items[0].action, items[0].reason], ['flag.updated', 'the team has changed']);
  assertQuiet(one);
});

test('the history of each environment tells what was done to the flag itself as well', async () => {
  await hoist.send('PUT', 'environments/staging/flags/told/rollout', { percentage: 10, enabled: true });
  await hoist.send('PUT', 'environments/production/flags/told/rollout', { percentage: 20, enabled: true });
  await hoist.send('POST', 'flags/told/archive');
  await hoist.send('POST', 'flags/told/restore');
  const one = await page('told?environment=staging&tab=history');
  const entries = one.getByRole('tabpanel').getByRole('listitem');
  await entries.nth(3).waitFor();
  const told = (await entries.allTextContents()).map((text) => text.split(' by ')[0]);
  assert.deepEqual(told, ['Flag restored', 'Flag archived', 'Rollout changed', 'Flag created']);
  assert.equal(await one.getByRole('button', { name: /^Restore revision/ }).count(), 0, 'what holds now is not given back');
  await shoot(one, 'history-told-1440-light');
  assertQuiet(one);
});

test('a name that is one long word makes no page wider', async () => {
  await hoist.send('POST', 'flags', { key: 'long', name: 'n'.repeat(120), type: 'boolean', purpose: 'release', owner: 'web' });
  const one = await page('long', { width: 360 });
  await one.getByText('n'.repeat(120)).waitFor();
  assert.equal(await one.evaluate(() => document.documentElement.scrollWidth), 360);
});

test('the dialog is read and used by everyone, in both themes and on a telephone', async () => {
  for (const [theme, width] of [['light', 1440], ['dark', 360], ['light', 768]]) {
    const one = await page('copy', { theme, width });
    await edit(one);
    await shoot(one, `details-${width}-${theme}`, { whole: false });
    await assertFits(one);
    await assertAccessible(one);
    assertQuiet(one);
    await one.context().close();
  }
});

test('what the server refuses stands at its field, and what is typed is not thrown away unasked', async () => {
  const one = await page('refused');
  const dialog = await edit(one);
  await dialog.getByLabel('Name').fill('n'.repeat(300));
  await dialog.getByLabel('Tags').fill(`fine, ${'t'.repeat(60)}`);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('must have 1 to 50 characters; this has 60').waitFor();
  await assertFocus(one, 'Name');
  await assertAccessible(one);
  await one.keyboard.press('Escape');
  await one.getByRole('dialog', { name: 'Leave what is not saved?' }).getByRole('button', { name: 'Stay' }).click();
  assert.equal((await dialog.getByLabel('Name').inputValue()).length, 300);
  await one.keyboard.press('Escape');
  await one.getByRole('button', { name: 'Leave' }).click();
  await dialog.waitFor({ state: 'detached' });
  assert.equal((await flagOf('refused')).name, 'refused');
});

test('a day that has passed is told at its field, and not sent', async () => {
  const one = await page('looked');
  const dialog = await edit(one);
  await dialog.getByLabel('Gone by').fill('2020-01-01');
  await dialog.getByText('This day has passed.', { exact: true }).waitFor();
  await assertAccessible(one);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await assertFocus(one, 'Gone by');
  const [soon, sent] = ['2031-05-01', one.waitForRequest((request) => request.method() === 'PATCH')];
  await dialog.getByLabel('Gone by').fill(soon);
  await dialog.getByRole('button', { name: 'Save' }).click();
  assert.match((await sent).postDataJSON().expires_at, /^2031-05-0/);
  await dialog.waitFor({ state: 'detached' });
  assertQuiet(one);
});

test('what another person changes meanwhile is shown, and neither is lost', async () => {
  const one = await page('shared');
  const dialog = await edit(one);
  await dialog.getByLabel('Owner').fill('mine');
  await dialog.getByLabel('Name').fill('My name');
  // Theirs arrives by itself: what was not touched follows, what was stays.
  await hoist.send('PATCH', 'flags/shared', { owner: 'theirs', description: 'Their words' });
  await dialog.getByText('Somebody else saved meanwhile').waitFor();
  await dialog.getByText('Theirs: theirs').waitFor();
  assert.equal(await dialog.getByLabel('Owner').inputValue(), 'mine');
  assert.equal(await dialog.getByLabel('Description').inputValue(), 'Their words');
  await assertAccessible(one);
  // Theirs is first while the request is under way.
  let late = () => hoist.send('PATCH', 'flags/shared', { name: 'Their name' }).then(() => (late = undefined));
  await one.route('**/flags/shared', async (route) => {
    if (route.request().method() === 'PATCH') await late?.();
    await route.continue();
  });
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('Not saved: somebody else was first').waitFor();
  await dialog.getByText('Theirs: Their name').waitFor();
  assert.deepEqual([(await flagOf('shared')).name, await dialog.getByLabel('Name').inputValue()], ['Their name', 'My name']);
  await dialog.getByRole('button', { name: 'Take theirs' }).last().click();
  assert.equal(await dialog.getByLabel('Name').inputValue(), 'Their name');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  const { owner, name, description } = await flagOf('shared');
  assert.deepEqual([owner, name, description], ['mine', 'Their name', 'Their words']);
});

test('what another person changes appears on the page without a reload', async () => {
  const one = await page('looked');
  await hoist.send('PATCH', 'flags/looked', { owner: 'platform', tags: ['ui', 'core'] });
  await one.getByText('Owner platform').waitFor();
  await one.getByText('#core').waitFor();
  assertQuiet(one);
});

test('a variant gets another value in every environment, and one that is no value is told', async () => {
  const one = await page('copy');
  const dialog = await edit(one);
  await dialog.getByLabel('Value of variant 2').fill('Buy it now');
  await dialog.getByRole('button', { name: 'Add a variant' }).click();
  await dialog.getByLabel('Variant 3', { exact: true }).fill('b');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('Two variants are called b.').waitFor();
  await dialog.getByLabel('Variant 3', { exact: true }).fill('c');
  await dialog.getByLabel('Value of variant 3').fill('Get it');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  assert.deepEqual((await flagOf('copy')).variants, { a: 'Buy', b: 'Buy it now', c: 'Get it' });
  // What an environment serves cannot go.
  await edit(one);
  await dialog.getByRole('button', { name: 'Remove variant 2' }).click();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByRole('alert').waitFor();
  assert.match(await dialog.getByRole('alert').innerText(), /\bb\b/);
  assert.deepEqual(Object.keys((await flagOf('copy')).variants), ['a', 'b', 'c']);
});

test('only what was changed is sent, and a purpose brings its day along', () => {
  const flag = {
    key: 'one', name: 'one', owner: 'web', description: '', tags: ['a'], purpose: 'release', type: 'number',
    variants: { low: 1, high: 2 }, created_at: '2026-11-01T12:00:00Z', expires_at: '2026-12-11T12:00:00Z',
  };
  const began = detailsOf(flag);
  assert.deepEqual(updateOf(flag, began), { update: {} });
  assert.deepEqual(updateOf(flag, { ...began, tags: ' a ', owner: ' shop ' }), { update: { owner: 'shop' } });
  assert.deepEqual(updateOf(flag, { ...began, expires: '' }), { update: { expires_at: null } });
  assert.deepEqual(withPurpose(flag, 'operational'), { purpose: 'operational', expires: '2026-11-08' });
  const at = (expires) => ({ ...began, expires });
  assert.deepEqual([isGone(at('2020-01-01'), at('2020-01-01')), isGone(began, at('2020-01-01')), isGone(began, at(''))], [false, true, false]);
  assert.deepEqual(withPurpose(flag, 'kill_switch'), { purpose: 'kill_switch', expires: '' });
  assert.deepEqual(updateOf(flag, { ...began, purpose: 'experiment' }), {
    update: { purpose: 'experiment', expires_at: '2026-12-11T12:00:00Z' },
  });
  const text = { ...began, variants: [{ id: 0, key: 'low', value: 'x' }] };
  assert.deepEqual(updateOf(flag, text), { error: 'low has no number: x.' });
  const both = follow(began, { ...began, owner: 'mine', name: 'two' }, { ...began, owner: 'theirs', tags: 'b' });
  assert.deepEqual([both.details.owner, both.details.name, both.details.tags, both.both], ['mine', 'two', 'b', ['owner']]);
});
