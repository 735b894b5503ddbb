// A real server of its own for each test file, with a flag for every type and every reason.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const binary = process.env.TEST_HOIST_BINARY;

export const WEB_TOKEN = 'hoist_web_development';
export const SDK_KEY = 'hoist_sdk_development';

const boolean = { on: true, off: false };
const everyone = (variant) => ({ enabled: true, default: { serve: variant }, off_variant: variant });
const rule = (rollout) => ({
  enabled: true,
  rules: [{ conditions: [{ attribute: 'plan', operator: 'in', values: ['beta'] }], rollout, serve: 'on' }],
  default: { serve: 'off' },
  off_variant: 'off',
});

// Key → type, variants, settings.
const FLAGS = {
  dashboard: ['boolean', boolean, everyone('on')],
  copy: ['string', { classic: 'Buy', bold: 'BUY NOW' }, everyone('bold')],
  limit: ['number', { low: 1, high: 10 }, everyone('high')],
  factor: ['number', { one: 1, more: 1.5 }, everyone('one')],
  changing: ['number', { one: 1, more: 1.5 }, everyone('one')],
  look: ['object', { plain: { colour: 'grey' }, loud: { colour: 'red', size: 2 } }, everyone('loud')],
  targeted: ['boolean', boolean, rule(100)],
  split: ['boolean', boolean, { enabled: true, default: { rollout: 50, serve: 'on' }, off_variant: 'off' }],
  disabled: ['boolean', boolean, { ...everyone('on'), enabled: false, off_variant: 'off' }],
  dependent: ['boolean', boolean, { ...everyone('on'), prerequisites: [{ flag: 'disabled', variants: ['on'] }], off_variant: 'off' }],
};

export class Hoist {
  /** Starts a server, with settings of its own, on a port that was used before if one is given. */
  static async start(data = mkdtempSync(join(tmpdir(), 'hoist-')), listen = '127.0.0.1:0', settings = {}) {
    if (!binary) throw new Error('TEST_HOIST_BINARY must name the hoist binary; run tests/clients/run');
    const env = { PATH: process.env.PATH, HOIST_LISTEN: listen, HOIST_DATA_DIR: data, HOIST_LOG: 'warn', ...settings };
    const child = spawn(binary, [], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const hoist = new Hoist();
    Object.assign(hoist, { child, data, settings, gone: new Promise((resolve) => child.once('exit', resolve)) });
    hoist.url = await new Promise((resolve, reject) => {
      hoist.gone.then(() => reject(new Error('the server ended')));
      createInterface({ input: child.stdout }).on('line', (line) => {
        // In production the line is an object, as all of the log.
        const found = line.match(/Hoist serves at (http:\/\/[^\s"]+)/);
        if (found) resolve(found[1]);
      });
    });
    return hoist;
  }

  async makeFlags() {
    for (const [key, [type, variants, settings]] of Object.entries(FLAGS)) {
      await this.send('POST', 'flags', { key, type, variants, purpose: 'permission', owner: 'shop' });
      await this.send('PUT', `environments/development/flags/${key}`, settings);
    }
    return this;
  }

  async send(method, path, body) {
    const answer = await fetch(`${this.url}/api/v1/projects/default/${path}`, {
      method,
      headers: { authorization: 'Bearer hoist_api_development', 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.status === 204 ? null : answer.json();
  }

  serve(key, variant) {
    return this.send('PUT', `environments/development/flags/${key}`, everyone(variant));
  }

  /** Kills the server and starts it again at the same place. */
  async restart() {
    this.child.kill('SIGKILL');
    await this.gone;
    return Hoist.start(this.data, new URL(this.url).host, this.settings);
  }

  async stop() {
    this.child.kill('SIGTERM');
    await this.gone;
    rmSync(this.data, { recursive: true });
  }
}
