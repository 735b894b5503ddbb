// Who runs which revision: programs that follow an environment come, hear of changes, and go.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Hoist } from '../../tests/clients/hoist.js';
import { assertFits, assertQuiet, inspect, launch, open } from './browser.js';

const PAGE = '/projects/default/instances';

let hoist;
let browser;
const streams = [];

/** A program's stream, as an SDK opens it, and the receipt that an SDK sends. */
async function follow(name, app, revision) {
  const headers = {
    authorization: 'Bearer hoist_sdk_development',
    'hoist-instance': crypto.randomUUID(), 'hoist-instance-name': name, 'hoist-app': app, 'hoist-app-version': '1.4.0',
  };
  const stop = new AbortController();
  const stream = await fetch(`${hoist.url}/sdk/v1/stream`, { headers, signal: stop.signal });
  assert.equal(stream.status, 200);
  streams.push(stop);
  if (revision !== undefined) await receipt(headers, revision);
  return { stop, receipt: (revision) => receipt(headers, revision) };
}

async function receipt(headers, revision) {
  const answer = await fetch(`${hoist.url}/sdk/v1/receipts`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ instance: headers['hoist-instance'], name: headers['hoist-instance-name'], app: headers['hoist-app'], revision }),
  });
  assert.equal(answer.status, 202, await answer.text());
}

before(async () => {
  hoist = await Hoist.start();
  browser = await launch();
});

after(async () => {
  for (const stop of streams) stop.abort();
  await browser?.close();
  await hoist?.stop();
});

test('nobody is a state of its own', () => inspect(browser, hoist, PAGE, 'instances-none'));

test('a program that connects appears, and says what it runs', async () => {
  const page = await open(browser, hoist, PAGE);
  await page.getByText('No program yet').waitFor();
  const worker = await follow('worker-1', 'shop', 0);
  await page.getByText('1 of 1 run revision 0').waitFor();
  assert.match(await page.getByRole('row').nth(1).innerText(), /worker-1[\s\S]*\b[0-9a-f]{8} · [\s\S]*none/);
  await hoist.send('POST', 'flags', { key: 'dashboard_v2', type: 'boolean', purpose: 'release', owner: 'web' });
  await page.getByText('0 of 1 run revision 1').waitFor();
  await page.getByText('1 behind').waitFor();
  await worker.receipt(1);
  await page.getByText('1 of 1 run revision 1').waitFor();
  await follow('worker-2', 'search', 0);
  await page.getByText('1 of 2 run revision 1').waitFor();
  await page.getByLabel('Only those behind').check();
  await page.waitForURL('**/instances?behind=true');
  await page.getByText('worker-1').waitFor({ state: 'detached' });
  await page.getByText('worker-2').waitFor();
  assertQuiet(page);
});

test('programs look right everywhere', () =>
  inspect(browser, hoist, PAGE, 'instances', (page) => page.getByText('worker-2').waitFor()));

test('long names break, and leave what is short whole', async () => {
  await follow('worker-of-all-the-invoices-7c9d8f6b5-k8s2p', 'nightly-batch-of-the-invoices-of-all-countries', 1);
  const page = await open(browser, hoist, PAGE, { width: 900 });
  const row = page.getByRole('row').filter({ hasText: 'nightly-batch' });
  const { height } = await row.getByText('none', { exact: true }).boundingBox();
  assert.ok(height < 30, `“none” is ${height} tall`);
  await assertFits(page);
});
