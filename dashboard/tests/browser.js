// Debian's Chromium on the pages of a real server: what goes wrong on a page is kept, and asked for at the end.

import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { serveBundle } from './bundle.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const screenshots = fileURLToPath(new URL('screenshots', import.meta.url));
const pictures = fileURLToPath(new URL('../../docs/pictures', import.meta.url));

/** The pictures that the documentation shows; `UPDATE_PICTURES=1 npm test` takes them anew. */
export const SHOWN = [
  'flags-1440-light', 'flags-1440-dark', 'flags-360-dark', 'snippets-900-light',
  'rollout', 'targeting', 'history', 'evaluations', 'playground', 'compare', 'audit', 'segment', 'stale', 'environments', 'instances',
];

export const WIDTHS = [360, 900, 1440];
export const THEMES = ['light', 'dark'];

export function launch() {
  return chromium.launch({
    executablePath: process.env.TEST_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
}

/** Opens an address of a server in a browser that has seen nothing, and waits until the page stands. */
export async function open(browser, hoist, path, { width = 1440, theme = 'light', ahead = true } = {}) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: theme, reducedMotion: 'reduce' });
  await serveBundle(context);
  if (!ahead) await context.addInitScript(readNothingAhead);
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.complaints = [];
  const complain = (text) => page.complaints.push(text);
  page.on('pageerror', (error) => complain(`error: ${error}`));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complain(`console: ${message.text()}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) complain(`${response.status()}: ${response.url()}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(hoist.url) && !request.url().startsWith('data:')) complain(`foreign: ${request.url()}`);
  });
  page.on('requestfailed', (request) => {
    // A page that is left gives up what it asked for.
    if (request.failure()?.errorText !== 'net::ERR_ABORTED') complain(`failed: ${request.url()}`);
  });
  await page.goto(hoist.url + path);
  await settled(page);
  return page;
}

/** A page is never idle, so that it reads nothing but what it needs. */
export function readNothingAhead() {
  window.requestIdleCallback = () => 0;
}

/** Waits until the page has its heading and nothing on it is loading. */
export async function settled(page) {
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.waitForFunction(() => ![...document.querySelectorAll('[role=status]')].some((it) => it.textContent === 'Loading'));
}

/** Nothing went wrong on the page since it was opened. */
export function assertQuiet(page) {
  assert.deepEqual(page.complaints, []);
}

/** Waits until something has the keyboard: what a reader would call it. */
export async function assertFocus(page, name) {
  const named = () => {
    const it = document.activeElement;
    const label = it?.labels?.[0]?.textContent ?? it?.getAttribute('aria-label') ?? it?.textContent ?? '';
    return it === document.body ? 'nothing' : label.replace(/\s*\*$/, '').trim();
  };
  const reached = page.waitForFunction(`(${named})() === ${JSON.stringify(name)}`, undefined, { timeout: 10_000 });
  await reached.catch(async () => assert.equal(await page.evaluate(named), name, 'what has the keyboard'));
}

/** axe-core finds nothing against WCAG 2.2 A and AA, nor against what it calls best practice. */
export async function assertAccessible(page) {
  await page.evaluate(axe);
  const violations = await page.evaluate(async () => {
    const runOnly = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const told = (node) => `${node.html} ${node.failureSummary}`;
    return (await window.axe.run(document, { runOnly })).violations.map(({ id, nodes }) => `${id}: ${nodes.map(told).join(' | ')}`);
  });
  assert.deepEqual(violations, []);
}

/** Nothing is wider than the window. */
export async function assertFits(page) {
  const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  assert.ok(inner <= outer, `the page is ${inner} wide in a window of ${outer}`);
}

/** A picture of the page for the eye, in a folder that is not kept. */
export async function shoot(page, name, { whole = !SHOWN.includes(name) } = {}) {
  mkdirSync(screenshots, { recursive: true });
  const path = join(screenshots, `${name}.png`);
  // What the documentation shows is a window; what is looked at is all of the page.
  await page.screenshot({ path, fullPage: whole });
  if (process.env.UPDATE_PICTURES && SHOWN.includes(name)) copyFileSync(path, join(pictures, `${name}.png`));
}

/** Looks at a page in both themes at every width: axe, no complaint, nothing too wide, and a picture of each. */
export async function inspect(browser, hoist, path, name, prepare = async () => {}) {
  for (const theme of THEMES) {
    for (const width of WIDTHS) {
      const page = await open(browser, hoist, path, { width, theme });
      await prepare(page);
      await shoot(page, `${name}-${width}-${theme}`);
      await assertFits(page);
      await assertAccessible(page);
      assertQuiet(page);
      await page.context().close();
    }
  }
}

/** Uses a page as a person does, and counts: a click, a text typed, a key pressed are one action each. */
export class Person {
  actions = 0;

  constructor(page) {
    this.page = page;
  }

  async click(role, name) {
    this.actions += 1;
    await this.page.getByRole(role, { name, exact: true }).click();
  }

  /** Presses a button and lets go once something is there. */
  async hold(role, name, until) {
    this.actions += 1;
    await this.page.getByRole(role, { name, exact: true }).hover();
    await this.page.mouse.down();
    await until.waitFor();
    await this.page.mouse.up();
  }

  async type(label, text) {
    this.actions += 1;
    await this.page.locator('input, textarea').and(this.page.getByLabel(label)).fill(text);
  }

  async press(key) {
    this.actions += 1;
    await this.page.keyboard.press(key);
  }
}
