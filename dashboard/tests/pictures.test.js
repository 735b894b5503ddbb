// What the documentation shows: a shop at work. `UPDATE_PICTURES=1` keeps the pictures.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { begin } from './begin.js';
import { assertAccessible, assertQuiet, open, settled, SHOWN, shoot } from './browser.js';

const FLAG = '/projects/default/flags/dashboard_v2?environment=production';
const COPY = '/projects/default/flags/checkout_copy?environment=production';
const DAY_MS = 24 * 60 * 60 * 1_000;

let hoist;
let browser;
const streams = [];

async function sent(token, method, path, body, more = {}) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...more };
  const answer = await fetch(hoist.url + path, { method, headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.json();
}

/** What somebody else than the development token writes. */
const as = (token) => (method, path, body) => sent(token, method, `/api/v1/projects/default/${path}`, body);

async function makeFlags(deploy) {
  await deploy('POST', 'flags', { key: 'dashboard_v2', name: 'The new dashboard', description: 'Tabs instead of pages', type: 'boolean', purpose: 'release', owner: 'web', tags: ['ui'] });
  await deploy('POST', 'flags', {
    key: 'checkout_copy', type: 'string', variants: { bold: 'Buy now', classic: 'Buy' }, purpose: 'experiment', owner: 'shop', tags: ['checkout'],
  });
  await deploy('POST', 'flags', { key: 'eu_tax_rules', type: 'boolean', purpose: 'operational', owner: 'billing', expires_at: '2026-01-31T00:00:00Z' });
  await deploy('POST', 'flags', { key: 'payments_off', type: 'boolean', purpose: 'kill_switch', owner: 'payments' });
  await deploy('POST', 'flags', { key: 'search_beta', type: 'boolean', purpose: 'permission', owner: 'search' });
}

const rollout = (person, environment, flag, percentage, reason) =>
  person('PUT', `environments/${environment}/flags/${flag}/rollout`, { percentage, enabled: true, reason });

const copy = (share, values, bold) => ({
  enabled: true,
  rules: [{ name: 'nordics', segments: ['nordics'], conditions: [{ attribute: 'plan', operator: 'in', values }], rollout: share, serve: 'bold' }],
  default: { serve: { split: [{ variant: 'bold', weight: bold }, { variant: 'classic', weight: 100 - bold }] } },
  off_variant: 'classic',
});

/** What an application counted on each of the last days. */
async function evaluated(key, flag, days) {
  for (const [ago, counts] of days.entries()) {
    const until = new Date(Date.now() - ago * DAY_MS);
    const direct = Object.entries(counts).map(([variant, count]) => ({ variant, reason: 'SPLIT', count }));
    const report = {
      instance: `${flag}-${ago}`, sequence: 1, app: 'shop', sdk: 's/1', from: new Date(until.getTime() - 60_000).toISOString(), until: until.toISOString(),
      flags: { [flag]: { direct } },
    };
    await sent(key, 'POST', '/sdk/v1/exposures', report);
  }
}

async function follow(key, app, name, revision) {
  const instance = randomUUID();
  const headers = { 'hoist-instance': instance, 'hoist-instance-name': name, 'hoist-app': app, 'hoist-app-version': '4.2.0', 'user-agent': 'hoist-rust/1.0.0' };
  const stop = new AbortController();
  const answer = await fetch(`${hoist.url}/sdk/v1/stream`, { headers: { ...headers, authorization: `Bearer ${key}` }, signal: stop.signal });
  // Whoever reads no stream has none.
  streams.push({ stop, reading: answer.text().catch(() => undefined) });
  const receipt = await fetch(`${hoist.url}/sdk/v1/receipts`, {
    method: 'POST',
    headers: { ...headers, authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ instance, name, app, revision }),
  });
  assert.equal(receipt.status, 202);
}

begin(async (begun) => {
  ({ hoist, browser } = begun);
  const token = async (name, more) => (await hoist.send('POST', 'tokens', { name, ...more })).token;
  const deploy = as(await token('deploy', { kind: 'api', role: 'editor', expires_at: '2099-01-01T00:00:00Z' }));
  const onCall = as(await token('on-call', { kind: 'api', role: 'editor' }));
  const key = await token('shop-backend', { kind: 'sdk', environment: 'production' });
  await token('shop-page', { kind: 'web', environment: 'production' });
  await deploy('POST', 'segments', { key: 'nordics', description: 'Whoever lives in the north', conditions: [{ attribute: 'country', operator: 'in', values: ['NO', 'SE', 'DK'] }], included: ['user-1', 'user-2'] });
  await makeFlags(deploy);
  for (const environment of ['development', 'staging', 'production']) await rollout(deploy, environment, 'payments_off', 100, 'stands by');
  await rollout(deploy, 'development', 'eu_tax_rules', 100, 'tried with billing');
  await rollout(deploy, 'staging', 'dashboard_v2', 50, 'half of staging');
  await deploy('PUT', 'environments/staging/flags/checkout_copy', copy(50, ['beta', 'pro'], 50));
  await deploy('PUT', 'environments/production/flags/checkout_copy', copy(25, ['beta'], 40));
  await rollout(deploy, 'production', 'dashboard_v2', 25, 'first quarter');
  await onCall('POST', 'environments/production/flags/dashboard_v2/kill', { reason: 'errors went up at the checkout' });
  await rollout(deploy, 'production', 'dashboard_v2', 10, 'mended, again from the start');
  // The server takes no counts that are older than a week.
  const grown = Array.from({ length: 7 }, (_, ago) => (ago === 0 ? 3_100 : 16_000 - ago * 420 + (ago % 3) * 700));
  await evaluated(key, 'dashboard_v2', grown.map((all) => ({ on: Math.round(all / 10), off: all - Math.round(all / 10) })));
  await evaluated(key, 'eu_tax_rules', [{ off: 900 }]);
  const { revision } = (await hoist.send('GET', 'environments')).items.find((it) => it.key === 'production');
  for (const pod of ['k8s2p', 'x2x4q', 'mm7wd']) await follow(key, 'shop', `web-7c9d8f6b5-${pod}`, revision);
  await follow(key, 'search', 'indexer-1', revision - 2);
});

after(() => {
  for (const { stop } of streams) stop.abort();
});

/** Each picture: where it is taken, and what is done there first. */
const PICTURES = {
  rollout: [FLAG, async (page) => {
    await page.getByRole('button', { name: '50 %', exact: true }).click();
    await page.getByLabel('Reason (optional)').fill('Ten percent saw no errors for a week');
  }],
  targeting: [`${COPY}&tab=targeting`, (page) => page.getByRole('region', { name: 'Rule 1' }).waitFor()],
  history: [`${FLAG}&tab=history`, (page) => page.getByText('errors went up at the checkout').first().waitFor()],
  evaluations: [`${FLAG}&tab=evaluations`, (page) => page.locator('.uplot canvas').first().waitFor()],
  playground: [`${COPY}&tab=playground`, async (page) => {
    await page.getByLabel('Attributes').fill('{"country": "NO", "plan": "beta"}');
    await page.getByRole('button', { name: 'Evaluate' }).click();
    await page.getByRole('region', { name: 'The answer' }).waitFor();
  }],
  compare: ['/projects/default/compare', (page) => page.getByText('2 differ').waitFor()],
  audit: ['/projects/default/audit?where=production', (page) => page.getByText('errors went up at the checkout').waitFor()],
  segment: ['/projects/default/segments?segment=nordics', (page) => page.getByLabel('Always in').waitFor()],
  stale: ['/projects/default/stale?verdict=all', (page) => page.getByText('eu_tax_rules').first().waitFor()],
  environments: ['/projects/default/environments?environment=production', (page) => page.getByText('shop-page').waitFor()],
  instances: ['/projects/default/instances?environment=production', (page) => page.getByText('3 of 4 run revision').waitFor()],
};

test('every page that the documentation shows is as it is shown', async () => {
  for (const [name, [path, prepare]] of Object.entries(PICTURES)) {
    const page = await open(browser, hoist, path, { width: 1100 });
    await settled(page);
    await prepare(page);
    await assertAccessible(page);
    assertQuiet(page);
    await page.mouse.move(0, 0);
    await shoot(page, name, { whole: false });
    await page.context().close();
  }
});

test('the documentation shows all pictures that are taken, and no other', () => {
  const docs = fileURLToPath(new URL('../../docs', import.meta.url));
  const shown = [...readFileSync(`${docs}/dashboard.md`, 'utf8').matchAll(/\(pictures\/([\w-]+)\.png\)/g)].map(([, name]) => name);
  assert.deepEqual(shown.toSorted(), SHOWN.toSorted());
  assert.deepEqual(readdirSync(`${docs}/pictures`).toSorted(), SHOWN.map((name) => `${name}.png`).toSorted());
  for (const name of Object.keys(PICTURES)) assert.ok(SHOWN.includes(name), name);
});
