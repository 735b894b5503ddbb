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

/** A page that has the client loaded, and has not asked for anything. */
async function blank() {
  const page = await (await browser.newContext()).newPage();
  page.errors = [];
  page.on('pageerror', (error) => page.errors.push(String(error)));
  await page.goto(`http://127.0.0.1:${site.address().port}/page.html`);
  await page.waitForFunction('window.loaded');
  return page;
}

function begin(page, token, context) {
  return page.evaluate(([url, token, context]) => window.begin(url, token, context), [hoist.url, token, context]);
}

async function page(context = { targetingKey: 'user-1' }) {
  const page = await blank();
  await begin(page, WEB_TOKEN, context);
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

test('every type is read in a browser', async () => {
  const opened = await page();
  const read = await opened.evaluate(() => [
    window.flags.getBooleanValue('dashboard', false),
    window.flags.getStringValue('copy', ''),
    window.flags.getNumberValue('limit', 0),
    window.flags.getNumberValue('factor', 0),
    window.flags.getObjectValue('look', {}),
  ]);
  assert.deepEqual(read, [true, 'BUY NOW', 10, 1, { colour: 'red', size: 2 }]);
  assert.deepEqual(opened.errors, []);
});

test('every reason is told, with variant and metadata', async () => {
  const told = async (opened, key) => {
    const details = await opened.evaluate((key) => window.flags.getBooleanDetails(key, true), key);
    assert.equal(details.flagMetadata.environment, 'development', key);
    assert.equal(details.errorCode, undefined, key);
    assert.equal(details.value, details.variant === 'on', key);
    return [details.reason, details.variant];
  };
  const free = await page();
  assert.deepEqual(await told(free, 'dashboard'), ['STATIC', 'on']);
  assert.deepEqual(await told(free, 'targeted'), ['DEFAULT', 'off']);
  assert.deepEqual(await told(free, 'disabled'), ['DISABLED', 'off']);
  const [reason, variant] = await told(free, 'split');
  assert.equal(reason, 'SPLIT');
  assert.ok(['on', 'off'].includes(variant), variant);
  const beta = await page({ targetingKey: 'user-1', plan: 'beta' });
  assert.deepEqual(await told(beta, 'targeted'), ['TARGETING_MATCH', 'on']);
});

test('an unknown flag and a value of another type serve the default', async () => {
  const opened = await page();
  const read = await opened.evaluate(() =>
    [
      window.flags.getBooleanDetails('nope', true),
      window.flags.getBooleanDetails('nope', false),
      window.flags.getBooleanDetails('copy', true),
      window.flags.getStringDetails('dashboard', 'mine'),
      window.flags.getNumberDetails('copy', 7),
      window.flags.getObjectDetails('copy', { my: 'own' }),
    ].map(({ value, reason, errorCode }) => [value, reason, errorCode]),
  );
  assert.deepEqual(read, [
    [true, 'ERROR', 'FLAG_NOT_FOUND'],
    [false, 'ERROR', 'FLAG_NOT_FOUND'],
    [true, 'ERROR', 'TYPE_MISMATCH'],
    ['mine', 'ERROR', 'TYPE_MISMATCH'],
    [7, 'ERROR', 'TYPE_MISMATCH'],
    [{ my: 'own' }, 'ERROR', 'TYPE_MISMATCH'],
  ]);
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

test('a bad token is an error and serves the default', async () => {
  const opened = await blank();
  const error = await begin(opened, 'hoist_web_wrong', { targetingKey: 'user-1' }).then(() => null, String);
  assert.match(error ?? '', /unauthorized|fatal/i);
  const read = await opened.evaluate(() => {
    const { value, reason, errorCode } = window.flags.getBooleanDetails('dashboard', false);
    return [value, reason, errorCode, window.flags.getStringValue('copy', 'mine')];
  });
  assert.deepEqual(read, [false, 'ERROR', 'PROVIDER_FATAL', 'mine']);
});
