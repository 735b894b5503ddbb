// The crates open-feature and open-feature-ofrep, and Hoist's own provider; the questions are in rust/src/lib.rs.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { Hoist } from './hoist.js';

test('the Rust clients agree', async () => {
  const hoist = await (await Hoist.start()).makeFlags();
  try {
    const env = { ...process.env, HOIST_URL: hoist.url };
    const child = spawn('cargo', ['test', '--quiet', '--locked', '--manifest-path', 'rust/Cargo.toml'], { env, stdio: 'inherit' });
    const [code] = await once(child, 'exit');
    assert.equal(code, 0);
  } finally {
    await hoist.stop();
  }
});
