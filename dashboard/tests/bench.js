// How long people wait for the page, on this machine: `npm run bench`, of a release build (`TEST_HOIST_BINARY`).

import { gunzipSync } from 'node:zlib';
import { request } from 'node:http';
import { Hoist } from '../../tests/clients/hoist.js';
import { launch } from './browser.js';
import { importFlags } from './many.js';

const ROUNDS = 15;
const USABLE_MS = 1_000;
const MOST_BYTES = 250_000;

const browser = await launch();
const missed = [];
for (const flags of [200, 2_000, 20_000]) {
  const hoist = await Hoist.start();
  await importFlags(hoist, flags);
  const answers = [];
  const usable = [];
  const found = [];
  let bytes = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    answers.push(await overview(hoist));
    // A browser that has seen nothing each time: nothing is cached.
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    await page.goto(`${hoist.url}/projects/default/flags`, { waitUntil: 'commit' });
    await page.getByRole('link', { name: 'flag_00000' }).waitFor();
    usable.push(await page.evaluate(() => performance.now()));
    bytes = await page.evaluate(firstLoad);
    found.push(await search(page, `flag_${String(flags - 1).padStart(5, '0')}`));
    await context.close();
  }
  await hoist.stop();
  const [{ sent, plain }] = answers;
  tell(`${flags} flags, first visit, usable after`, usable);
  tell(`${flags} flags, one found by typing after`, found);
  tell(`${flags} flags, the overview (${kilo(sent)} compressed, ${kilo(plain)} plain) answered after`, answers.map(({ ms }) => ms));
  process.stdout.write(`first load: ${kilo(bytes)} compressed\n`);
  if (bytes > MOST_BYTES) missed.push(`the first load has ${bytes} bytes`);
  if (flags === 2_000 && middle(usable) > USABLE_MS) missed.push(`2,000 flags are usable after ${middle(usable)} ms`);
}
await browser.close();
if (missed.length > 0) {
  process.stdout.write(`missed: ${missed.join('; ')}\n`);
  process.exitCode = 1;
}

/** One answer with all flags, from the request to its last byte. */
function overview(hoist) {
  const headers = { authorization: 'Bearer hoist_api_development', 'accept-encoding': 'gzip' };
  const began = performance.now();
  return new Promise((resolve, reject) => {
    request(`${hoist.url}/api/v1/projects/default/overview`, { headers }, async (answer) => {
      const parts = await answer.toArray();
      const ms = performance.now() - began;
      const body = Buffer.concat(parts);
      resolve({ ms, sent: body.length, plain: gunzipSync(body).length });
    })
      .once('error', reject)
      .end();
  });
}

/** From the last key to the list that has nothing but what was looked for. */
async function search(page, key) {
  const field = page.getByRole('searchbox');
  await field.fill(key.slice(0, -1));
  await page.getByText(/^\d+ of /).waitFor();
  const began = performance.now();
  await field.press(key.slice(-1));
  await page.getByText(/^1 of /).waitFor();
  return performance.now() - began;
}

/** What the page itself has, without the answers of the API. */
function firstLoad() {
  const own = ({ entryType, name }) => entryType === 'navigation' || (entryType === 'resource' && !name.includes('/api/'));
  return performance.getEntries().filter(own).reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
}

function tell(what, times) {
  const sorted = times.toSorted((a, b) => a - b);
  const [best, worst] = [sorted[0], sorted.at(-1)].map(Math.round);
  process.stdout.write(`${what}: best ${best} ms, median ${middle(times)} ms, worst ${worst} ms\n`);
}

function middle(times) {
  return Math.round(times.toSorted((a, b) => a - b)[times.length >> 1]);
}

function kilo(count) {
  return `${Math.round(count / 1_000)} kB`;
}
