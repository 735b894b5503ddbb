// What a rollout means, in words: of a flag that is on or off, of one with values, of one that is split.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SDK_KEY } from '../../tests/clients/hoist.js';
import { begin } from './begin.js';
import { assertAccessible, assertQuiet, open, Person, shoot } from './browser.js';
import { source } from './source.js';

const { meaning, served } = await source('pages/flag/rollout.ts');

let hoist;
let browser;

const page = (flag, more) => open(browser, hoist, `/projects/default/flags/${flag}?environment=production`, more);
const put = (flag, settings) => hoist.send('PUT', `environments/production/flags/${flag}`, settings);
const settings = (served, more = {}) => ({ enabled: true, default: served, off_variant: 'off', ...more });

/** An application asks for a flag that there is not. */
async function askedFor(key) {
  const now = new Date().toISOString();
  const report = { instance: 'i', sequence: 1, app: 'shop', sdk: 's/1', from: now, until: now, flags: {}, unknown: { [key]: 7 } };
  const headers = { authorization: `Bearer ${SDK_KEY}`, 'content-type': 'application/json' };
  const answer = await fetch(`${hoist.url}/sdk/v1/exposures`, { method: 'POST', headers, body: JSON.stringify(report) });
  assert.ok(answer.ok, `${answer.status} ${await answer.text()}`);
}

begin(async (begun) => {
  ({ hoist, browser } = begun);
  const make = (key, more = {}) => hoist.send('POST', 'flags', { key, type: 'boolean', purpose: 'release', owner: 'web', ...more });
  const variants = { a: 'Buy', b: 'Buy now', c: 'Get it' };
  await make('dashboard_v2');
  await make('never_on');
  await make('copy', { type: 'string', variants });
  await put('copy', settings({ rollout: 10, serve: 'a' }, { off_variant: 'c' }));
});

test('what is gained and lost has a name where “it” says too little', () => {
  const on = settings({ serve: 'on' });
  assert.equal(meaning(0, 10, null, on), '0 % → 10 %: about 10 % gain it.');
  assert.equal(meaning(10, 50, 2_000, on), '10 % → 50 %: everyone who has it keeps it; about 40 % more gain it, some 800 of the 2,000 evaluations a day.');
  assert.equal(meaning(50, 10, null, on), '50 % → 10 %: nobody gains it; about 40 % lose it.');
  assert.equal(served('boolean', on), '');
  const copy = settings({ serve: 'a' }, { off_variant: 'c', rules: [{}] });
  assert.equal(meaning(10, 50, null, copy, 'string'), '10 % → 50 %: everyone who gets a keeps it; about 40 % more get a instead of c. That is of those whom no rule serves.');
  assert.equal(meaning(50, 0, null, copy, 'string'), '50 % → 0 %: about 50 % get c instead of a. That is of those whom no rule serves.');
  assert.equal(served('string', copy), ' get a, the others c');
  const split = settings({ serve: { split: [{ variant: 'on', weight: 50 }, { variant: 'off', weight: 50 }] } });
  assert.equal(meaning(100, 50, null, split), '100 % → 50 %: everyone else in the split keeps their variant; about 50 % leave the split on 50 % · off 50 % and get off.');
  assert.equal(meaning(0, 50, null, split), '0 % → 50 %: about 50 % come into the split on 50 % · off 50 % instead of off.');
  assert.equal(served('boolean', split), ' get a part of on 50 % · off 50 %, the others off');
  const same = settings({ serve: 'c' }, { off_variant: 'c' });
  assert.equal(meaning(10, 50, null, same, 'string'), '10 % → 50 %: nothing changes for anyone, everyone gets c either way.');
});

test('a flag of values names what it serves, also while it is off', async () => {
  const one = await page('copy');
  const line = one.getByRole('list', { name: 'State in each environment' });
  await line.getByText('Off, serves “c”').first().waitFor();
  await line.getByText('a 10 %').waitFor();
  await one.getByText('Now 10 % get a, the others c').waitFor();
  await one.getByRole('button', { name: '50 %', exact: true }).click();
  await one.locator('[data-preview]', { hasText: 'about 40 % more get a instead of c' }).waitFor();
  await shoot(one, 'flag-values', { whole: false });
  await assertAccessible(one);
  assertQuiet(one);
});

test('what a flag that is off would serve is told as what is to come, also where it never was on', async () => {
  const one = await page('never_on');
  await one.getByText('Now 0 % (off; 100 % once it is on)').waitFor();
  assertQuiet(one);
});

test('the slider says percent, and what it means is said once it stands still', async () => {
  await put('dashboard_v2', settings({ rollout: 10, serve: 'on' }));
  const one = await page('dashboard_v2');
  const slider = one.getByRole('slider', { name: 'Percentage' });
  assert.equal(await slider.getAttribute('aria-valuetext'), '10 %');
  await one.clock.install();
  await one.clock.pauseAt(Date.now() + 60_000);
  await one.evaluate(() => {
    window.said = [];
    const hear = () => {
      const texts = [...document.querySelectorAll('[role=status]')].map((it) => it.textContent).filter((it) => it.includes('→'));
      for (const text of texts) if (text !== window.said.at(-1)) window.said.push(text);
    };
    new MutationObserver(hear).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  await slider.focus();
  for (let step = 0; step < 5; step += 1) await one.keyboard.press('ArrowRight');
  await one.locator('[data-preview]', { hasText: '10 % → 15 %' }).waitFor();
  assert.equal(await slider.getAttribute('aria-valuetext'), '15 %');
  assert.deepEqual(await one.evaluate(() => window.said), []);
  await one.clock.runFor(1_000);
  await one.getByRole('status').filter({ hasText: '10 % → 15 %' }).waitFor();
  assert.deepEqual(await one.evaluate(() => window.said), ['10 % → 15 %: everyone who has it keeps it; about 5 % more gain it.']);
});

test('where the system chooses the colours, the slider and the usual steps can be told apart', async () => {
  await put('dashboard_v2', settings({ rollout: 10, serve: 'on' }));
  const one = await page('dashboard_v2');
  await one.emulateMedia({ forcedColors: 'active' });
  const line = (it) => it.evaluate((one) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(one);
    return outlineStyle === 'none' ? 0 : Number.parseFloat(outlineWidth);
  });
  const [ten, fifty] = ['10 %', '50 %'].map((name) => one.getByRole('button', { name, exact: true }));
  assert.ok((await line(ten)) >= 2, 'what stands is marked');
  assert.equal(await line(fifty), 0);
  await fifty.click();
  await one.mouse.move(0, 0);
  assert.ok((await line(fifty)) >= 2, 'what is chosen is marked');
  assert.equal(await line(ten), 0);
  const drawn = await one.evaluate(() => {
    const style = (name, part) => getComputedStyle(document.querySelector(`.mantine-Slider-${name}`), part);
    return {
      thumb: Number.parseFloat(style('thumb').borderTopWidth),
      track: Number.parseFloat(style('track', '::before').borderTopWidth),
      bar: style('bar').backgroundColor !== getComputedStyle(document.body).backgroundColor,
    };
  });
  assert.deepEqual([drawn.thumb >= 2, drawn.track >= 1, drawn.bar], [true, true, true]);
  await shoot(one, 'flag-forced', { whole: false });
});

test('what DESIGN promises is counted: a kill is one action, 50 → 100 two', async () => {
  await put('dashboard_v2', settings({ rollout: 50, serve: 'on' }));
  const one = await page('dashboard_v2');
  const ramp = new Person(one);
  await ramp.click('button', '100 %');
  await ramp.click('button', 'Save 100 % in Production');
  await one.getByText('Now 100 % · saved').waitFor();
  assert.equal(ramp.actions, 2);
  const kill = new Person(one);
  await kill.hold('button', 'Hold to kill in Production', one.getByText('It is off.', { exact: true }));
  assert.equal(kill.actions, 1);
  assert.equal((await hoist.send('GET', 'environments/production/flags/dashboard_v2')).enabled, false);
});

test('what DESIGN promises is counted: who turned it on is read, what is stale is one action', async () => {
  await askedFor('forgotten');
  await put('dashboard_v2', settings({ serve: 'on' }));
  const one = await page('dashboard_v2');
  const auditor = new Person(one);
  const line = await one.getByRole('list', { name: 'State in each environment' }).innerText();
  assert.match(line.replaceAll(/\s+/g, ' '), /Production On by [^,]+, (just now|\d+ minutes? ago)/);
  assert.equal(auditor.actions, 0);
  const owner = new Person(one);
  await owner.click('link', 'Stale');
  await one.getByRole('list', { name: 'Findings' }).getByText(/there is no such flag; asked for 7 times, last by shop/).waitFor();
  assert.equal(owner.actions, 1);
  assertQuiet(one);
});
