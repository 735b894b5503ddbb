// The Python client, run against a server of its own.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { Hoist } from './hoist.js';

test('the Python client is answered in full', async () => {
  const hoist = await (await Hoist.start()).makeFlags();
  try {
    const env = { PATH: process.env.PATH, HOIST_URL: hoist.url };
    const python = spawn('.venv/bin/python', ['-m', 'unittest', '-v', 'client_test'], { env, stdio: 'inherit' });
    assert.equal(await new Promise((resolve) => python.once('exit', resolve)), 0);
  } finally {
    await hoist.stop();
  }
});
