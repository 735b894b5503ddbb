// How long a key takes in the targeting editor, by how many rules there are: `node tests/typing.js`.

import { Hoist } from '../../tests/clients/hoist.js';
import { launch, open } from './browser.js';

const KEYS = 12;

/** The page's own time from a key to what it draws, in ms: the middle one of so many. */
export async function typingTime(page, label) {
  await page.getByLabel(label).focus();
  const times = [];
  for (let key = 0; key < KEYS; key += 1) {
    await page.evaluate(() => {
      const begun = performance.now();
      window.drawn = new Promise((resolve) => {
        addEventListener('input', () => requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - begun))), { once: true, capture: true });
      });
    });
    await page.keyboard.type('x');
    times.push(await page.evaluate(() => window.drawn));
  }
  return times.toSorted((a, b) => a - b)[KEYS / 2];
}

/** A flag with so many rules. */
export async function withRules(hoist, key, count) {
  await hoist.send('POST', 'flags', { key, type: 'boolean', purpose: 'release', owner: 'web' });
  const rules = Array.from({ length: count }, (_, at) => ({
    name: `rule ${at}`,
    conditions: [{ attribute: 'country', operator: 'in', values: [`X${at}`, `Y${at}`] }, { attribute: 'plan', operator: 'in', values: ['beta'] }],
    rollout: 10,
    serve: 'on',
  }));
  await hoist.send('PUT', `environments/staging/flags/${key}`, { enabled: true, rules, default: { serve: 'off' }, off_variant: 'off' });
}

if (import.meta.filename === process.argv[1]) {
  const hoist = await Hoist.start();
  const browser = await launch();
  try {
    for (const count of [1, 10, 30, 100]) {
      await withRules(hoist, `rules_${count}`, count);
      const page = await open(browser, hoist, `/projects/default/flags/rules_${count}?environment=staging&tab=targeting`);
      await page.getByLabel('Rule 1', { exact: true }).first().waitFor({ timeout: 60_000 });
      process.stdout.write(`${count} rules: ${(await typingTime(page, 'Rule 1: bucket by')).toFixed(1)} ms a key\n`);
      await page.context().close();
    }
  } finally {
    await browser.close();
    await hoist.stop();
  }
}
