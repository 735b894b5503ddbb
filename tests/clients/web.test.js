// @openfeature/web-sdk with @openfeature/ofrep-web-provider, in Chromium, on a page of another origin.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, extname, join, normalize } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { Hoist, WEB_TOKEN } from './hoist.js';

const here = dirname(fileURLToPath(import.meta.url));
const types = { '.html': 'text/html', '.js': 'text/javascript' };

let hoist;
let site;
let browser;

/** Serves this folder. */
function serve() {
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://site').pathname));
    try {
      const body = await readFile(join(here, path));
      response.writeHead(200, { 'content-type': types[extname(path)] ?? 'application/octet-stream' }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

async function page(token = WEB_TOKEN, context = { targetingKey: 'user-1' }) {
  const page = await (await browser.newContext()).newPage();
  page.errors = [];
  page.on('pageerror', (error) => page.errors.push(String(error)));
  await page.goto(`http://127.0.0.1:${site.address().port}/page.html`);
  await page.waitForFunction('window.loaded');
  await page.evaluate(([url, token, context]) => window.begin(url, token, context), [hoist.url, token, context]);
  return page;
}

before(async () => {
  hoist = await (await Hoist.start()).makeFlags();
  site = await serve();
  browser = await chromium.launch({
    executablePath: process.env.TEST_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
});

after(async () => {
  await browser?.close();
  site?.close();
  await hoist?.stop();
});

test('every type and reason is read in a browser', async () => {
  const opened = await page();
  const read = await opened.evaluate(() => [
    window.flags.getBooleanValue('dashboard', false),
    window.flags.getStringValue('copy', ''),
    window.flags.getNumberValue('limit', 0),
    window.flags.getNumberValue('factor', 0),
    window.flags.getObjectValue('look', {}),
    window.flags.getBooleanDetails('dashboard', false).reason,
    window.flags.getBooleanDetails('targeted', false).reason,
    window.flags.getBooleanDetails('split', false).reason,
    window.flags.getBooleanDetails('disabled', true).reason,
    window.flags.getBooleanDetails('nope', true).errorCode,
    window.flags.getStringDetails('dashboard', 'mine').errorCode,
  ]);
  const expected = [true, 'BUY NOW', 10, 1, { colour: 'red', size: 2 }, 'STATIC', 'DEFAULT', 'SPLIT', 'DISABLED',
    'FLAG_NOT_FOUND', 'TYPE_MISMATCH'];
  assert.deepEqual(read, expected);
  assert.deepEqual(opened.errors, []);
});

test('another context never gets the answers of the last one', async () => {
  const opened = await page();
  const targeted = 'window.flags.getBooleanValue("targeted", false)';
  assert.equal(await opened.evaluate(targeted), false);
  await opened.evaluate(() => window.change({ targetingKey: 'user-1', plan: 'beta' }));
  await opened.waitForFunction(`${targeted} === true`);
  await opened.evaluate(() => window.change({ targetingKey: 'user-1', plan: 'free' }));
  await opened.waitForFunction(`${targeted} === false`);
});

test('a change arrives by itself, also after the server was killed and came back', async () => {
  const opened = await page();
  const copy = (text) => opened.waitForFunction((text) => window.flags.getStringValue('copy', '') === text, text);
  await copy('BUY NOW');
  await hoist.serve('copy', 'classic');
  await copy('Buy');
  hoist = await hoist.restart();
  await hoist.serve('copy', 'bold');
  await copy('BUY NOW');
  assert.deepEqual(opened.errors, []);
});

test('a bad token is an error and serves defaults', async () => {
  const error = await page('hoist_web_wrong').then(() => null, String);
  assert.match(error ?? '', /unauthorized|fatal/i);
});
