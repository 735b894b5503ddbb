// What most test files begin with: a server and a browser of their own, started before the tests and stopped after them.

import { after, before } from 'node:test';
import { Hoist } from '../../tests/clients/hoist.js';
import { launch } from './browser.js';

/** Starts both for the file that calls it, and hands them to what prepares its tests. */
export function begin(prepare) {
  let hoist;
  let browser;
  before(async () => {
    hoist = await Hoist.start();
    browser = await launch();
    await prepare({ hoist, browser });
  });
  after(async () => {
    await browser?.close();
    await hoist?.stop();
  });
}
