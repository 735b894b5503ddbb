// The playground: why somebody got what they got, step by step, and a link that tells it to somebody else.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Hoist } from '../../tests/clients/hoist.js';
import { assertAccessible, assertFits, assertFocus, assertQuiet, launch, open, shoot } from './browser.js';
import { source } from './source.js';

const { stepsOf } = await source('pages/flag/steps.ts');

const at = (flag, more = '') => `/projects/default/flags/${flag}?environment=development&tab=playground${more}`;

let hoist;
let browser;

const put = (flag, settings) => hoist.send('PUT', `environments/development/flags/${flag}`, settings);
const answerOf = (page) => page.getByRole('region', { name: 'The answer' });
const steps = (page) => answerOf(page).getByRole('list').first().locator('> li');

before(async () => {
  hoist = await Hoist.start();
  for (const key of ['ruled', 'base', 'middle', 'top', 'moved']) {
    await hoist.send('POST', 'flags', { key, type: 'boolean', purpose: 'release', owner: 'web' });
  }
  const rule = (country) => ({ conditions: [{ attribute: 'country', operator: 'in', values: [country, 47] }], serve: 'on' });
  await put('ruled', { enabled: true, rules: [rule('SE'), rule('NO')], default: { serve: 'off' }, off_variant: 'off' });
  await put('base', { enabled: true, default: { rollout: 0, serve: 'on' }, off_variant: 'off' });
  const needs = (flag) => ({ enabled: true, prerequisites: [{ flag, variants: ['on'] }], default: { serve: 'on' }, off_variant: 'off' });
  await put('middle', needs('base'));
  await put('top', needs('middle'));
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await hoist?.stop();
});

test('steps are told in percent and in the words of the editor', () => {
  const bucket = { bucket_by: 'targetingKey', unit: 'user-1', bucket: 15_663 };
  const condition = (attribute, operator, values, more = {}) => ({ attribute, operator, values, saw: null, held: false, ...more });
  const rule = {
    step: 'rule', index: 0, outcome: 'outside_rollout', segments: [{ segment: 'beta', held: true, membership: 'included' }],
    conditions: [
      condition('email', 'ends_with', ['@hoist.dev'], { saw: 'ada@hoist.dev', held: true }),
      condition('country', 'in', ['DE', 47], { negate: true, more_values: 3, saw: '47', held: true }),
      condition('plan', 'exists', undefined),
      condition('roles', 'in', ['admin'], { saw: ['editor', 'reader'] }),
    ],
    rollout: { ...bucket, threshold: 11_000, inside: false },
  };
  const split = { step: 'default', outcome: 'served', split: { ...bucket, until: 50_000, variant: 'a' } };
  const [first, second] = stepsOf({ trace: [rule, split] });
  assert.deepEqual(first.lines, [
    '✓ in segment beta',
    '✓ email ends with @hoist.dev: it is ada@hoist.dev',
    '✓ country is not one of DE, 47 and 3 more: it is "47"',
    '✗ plan is there: there is none',
    '✗ roles is one of admin: it is ["editor","reader"]',
    'targetingKey user-1 is at 15.663 %, not within the first 11 %.',
    'The user is outside its rollout.',
  ]);
  assert.deepEqual(second.lines, ["In the split it is at 15.663 %, which is a's.", 'It served.']);
});

test('each step has its mark, and the revision is that of the last change', async () => {
  const { revision } = await hoist.send('GET', 'environments/development/flags/ruled');
  await put('moved', { enabled: true, default: { serve: 'on' }, off_variant: 'off' });
  const page = await open(browser, hoist, at('ruled'));
  await page.getByLabel('Attributes').fill('{"country": "NO"}');
  await page.getByRole('button', { name: 'Evaluate' }).click();
  await answerOf(page).getByRole('heading', { name: 'true' }).waitFor();
  await assertFocus(page, 'Evaluate');
  const told = await answerOf(page).innerText();
  assert.match(told, /because a rule applies\./);
  assert.match(told, new RegExp(`its last change is revision ${revision}, by the development token`));
  assert.match(told, /✓ country is one of NO, 47: it is NO/);
  assert.match(await steps(page).nth(0).innerText(), /^– Passed over\s+Rule 1/);
  assert.match(await steps(page).nth(1).innerText(), /^✓ Serves\s+Rule 2/);
  await assertAccessible(page);
  await page.getByLabel('Attributes').fill('[]');
  await page.getByRole('button', { name: 'Evaluate' }).click();
  await page.getByText('Attributes are an object').waitFor();
  assertQuiet(page);
});

test('what failed is marked by a word and a colour, with the steps that led to it below it', async () => {
  for (const [width, theme] of [[1440, 'light'], [360, 'dark']]) {
    const page = await open(browser, hoist, at('top', '&user=ada&attributes=%7B%7D'), { width, theme });
    await answerOf(page).getByRole('heading', { name: 'false' }).waitFor();
    const [top, middle, base] = [page.getByText('middle must serve on'), page.getByText('base must serve on'), page.getByText('The default', { exact: true })];
    for (const step of [top, middle, base]) await step.waitFor();
    const nested = answerOf(page).locator('ol ol ol');
    assert.match(await nested.innerText(), /targetingKey ada is at [\d.]+ %, not within the first 0 %/);
    const mark = page.getByText('✗ Fails').first();
    const colour = (it) => it.evaluate((one) => getComputedStyle(one).color);
    assert.notEqual(await colour(mark), await colour(top));
    await shoot(page, `playground-${width}-${theme}`);
    await assertFits(page);
    await assertAccessible(page);
    assertQuiet(page);
    await page.context().close();
  }
});

test('the address keeps what was asked, for whoever gets the link', async () => {
  const page = await open(browser, hoist, at('ruled'));
  assert.equal(await answerOf(page).count(), 0, 'nothing is asked unasked');
  await page.getByLabel('User').fill('ada');
  await page.getByLabel('Attributes').fill('{"country": 47}');
  await page.getByRole('button', { name: 'Evaluate' }).click();
  await answerOf(page).waitFor();
  const link = page.url().slice(hoist.url.length);
  const other = await open(browser, hoist, link);
  await answerOf(other).getByRole('heading', { name: 'true' }).waitFor();
  assert.equal(await other.getByLabel('User').inputValue(), 'ada');
  assert.equal(await other.getByLabel('Attributes').inputValue(), '{"country": 47}');
  // What somebody changes meanwhile is in the answer, without asking again.
  await put('ruled', { enabled: false, default: { serve: 'on' }, off_variant: 'off' });
  await answerOf(other).getByRole('heading', { name: 'false' }).waitFor();
  await other.getByRole('tab', { name: 'History' }).click();
  await other.getByRole('tab', { name: 'Playground' }).click();
  await answerOf(other).waitFor();
  assert.equal(await other.getByLabel('User').inputValue(), 'ada');
  assertQuiet(other);
});

test('before it was made there was no such flag, and an address that says nothing readable asks nothing', async () => {
  const page = await open(browser, hoist, at('moved'));
  await page.getByLabel('At', { exact: false }).last().fill('2020-01-01T12:00');
  await page.getByRole('button', { name: 'Evaluate' }).click();
  await answerOf(page).getByRole('heading', { name: 'There was no such flag then' }).waitFor();
  await answerOf(page).getByText('moved was made').waitFor();
  await assertAccessible(page);
  const other = await open(browser, hoist, at('moved', '&user=ada&attributes=oops'));
  await other.getByRole('button', { name: 'Evaluate' }).click();
  await other.getByText(/This is no JSON/).waitFor();
  assert.equal(await answerOf(other).count(), 0);
  for (const one of [page, other]) assertQuiet(one);
});
