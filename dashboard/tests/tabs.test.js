// What many pages of one browser hear of the server, and what they say when it stands still.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { begin } from './begin.js';
import { assertQuiet, open, settled } from './browser.js';

const FLAG = '/projects/default/flags/dashboard_v2';
const AWAY = 'The server cannot be reached';

let hoist;
let browser;

begin(async (begun) => {
  ({ hoist, browser } = begun);
  await hoist.send('POST', 'flags', { key: 'dashboard_v2', type: 'boolean', purpose: 'release', owner: 'web' });
});

const rollout = (percentage) =>
  hoist.send('PUT', 'environments/production/flags/dashboard_v2/rollout', { percentage, enabled: true, reason: 'a test' });

const shows = (page, percentage) => page.getByText(`${percentage} %`, { exact: true }).first().waitFor();

test('eight tabs have one stream, and it outlives the tab that opened it', async () => {
  const first = await open(browser, hoist, FLAG);
  const context = first.context();
  let streams = 0;
  context.on('request', (request) => {
    if (request.url().endsWith('/events')) streams += 1;
  });
  const tabs = [];
  for (let number = 2; number <= 8; number += 1) {
    const tab = await context.newPage();
    tab.setDefaultTimeout(10_000);
    await tab.goto(hoist.url + FLAG);
    await settled(tab);
    tabs.push(tab);
  }
  await rollout(37);
  for (const tab of [first, ...tabs]) await shows(tab, 37);
  assert.equal(streams, 0, 'the first tab hears for all');
  assertQuiet(first);
  await first.close();
  await rollout(38);
  for (const tab of tabs) await shows(tab, 38);
  assert.equal(streams, 1, 'one of them took over');
  await context.close();
});

test('a server that stands still is told, and followed when it goes on', async () => {
  const context = (await open(browser, hoist, FLAG)).context();
  const [before] = context.pages();
  const page = await context.newPage();
  await before.close();
  await page.clock.install();
  await page.goto(hoist.url + FLAG);
  await settled(page);
  hoist.child.kill('SIGSTOP');
  try {
    await page.clock.fastForward(30_000);
    assert.equal(await page.getByText(AWAY).count(), 0, 'two signs of life may be missed');
    await page.clock.fastForward(30_000);
    await page.getByText(AWAY).waitFor();
  } finally {
    hoist.child.kill('SIGCONT');
  }
  await page.getByText(AWAY).waitFor({ state: 'hidden' });
  await rollout(39);
  await shows(page, 39);
  await context.close();
});
