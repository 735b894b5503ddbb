// How long until the page can be used, with 2,000 flags, on this machine: `npm run bench`, of a release build.

import { Hoist } from '../../tests/clients/hoist.js';
import { launch } from './browser.js';
import { importFlags } from './many.js';

const FLAGS = 2_000;
const ROUNDS = 15;

const hoist = await Hoist.start();
await importFlags(hoist, FLAGS);
const browser = await launch();
const taken = [];
for (let round = 0; round < ROUNDS; round += 1) {
  // A browser that has seen nothing each time: nothing is cached.
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.goto(`${hoist.url}/projects/default/flags`, { waitUntil: 'commit' });
  await page.getByRole('link', { name: 'flag_00000' }).waitFor();
  taken.push(await page.evaluate(() => performance.now()));
  await context.close();
}
taken.sort((a, b) => a - b);
const [best, median, worst] = [0, ROUNDS >> 1, ROUNDS - 1].map((place) => Math.round(taken[place]));
process.stdout.write(`${FLAGS} flags, first visit, usable after: best ${best} ms, median ${median} ms, worst ${worst} ms\n`);
await browser.close();
await hoist.stop();
