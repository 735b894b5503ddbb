// @openfeature/server-sdk with @openfeature/ofrep-provider, in Node.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { OpenFeature } from '@openfeature/server-sdk';
import { OFREPProvider } from '@openfeature/ofrep-provider';
import { Hoist, SDK_KEY } from './hoist.js';

let hoist;
let flags;

async function client(domain, token) {
  const provider = new OFREPProvider({ baseUrl: hoist.url, headers: [['authorization', `Bearer ${token}`]] });
  await OpenFeature.setProviderAndWait(domain, provider);
  return OpenFeature.getClient(domain);
}

before(async () => {
  hoist = await (await Hoist.start()).makeFlags();
  flags = await client('shop', SDK_KEY);
});

after(async () => {
  await OpenFeature.close();
  await hoist.stop();
});

const user = { targetingKey: 'user-1' };

test('every type is read', async () => {
  assert.equal(await flags.getBooleanValue('dashboard', false, user), true);
  assert.equal(await flags.getStringValue('copy', 'Buy', user), 'BUY NOW');
  assert.equal(await flags.getNumberValue('limit', 1, user), 10);
  assert.equal(await flags.getNumberValue('factor', 9, user), 1);
  assert.deepEqual(await flags.getObjectValue('look', {}, user), { colour: 'red', size: 2 });
});

test('every reason is told, with variant and metadata', async () => {
  const reasons = [
    ['dashboard', {}, 'STATIC', 'on'],
    ['targeted', { plan: 'beta' }, 'TARGETING_MATCH', 'on'],
    ['targeted', { plan: 'free' }, 'DEFAULT', 'off'],
    ['disabled', {}, 'DISABLED', 'off'],
  ];
  for (const [key, attributes, reason, variant] of reasons) {
    const details = await flags.getBooleanDetails(key, true, { ...user, ...attributes });
    assert.equal(details.reason, reason, key);
    assert.equal(details.variant, variant, key);
    assert.equal(details.value, variant === 'on', key);
    assert.equal(details.flagMetadata.environment, 'development', key);
    assert.equal(details.errorCode, undefined, key);
  }
  const split = await flags.getBooleanDetails('split', false, user);
  assert.equal(split.reason, 'SPLIT');
  const values = await Promise.all(
    Array.from({ length: 200 }, (_, user) => flags.getBooleanValue('split', false, { targetingKey: `user-${user}` })),
  );
  const on = values.filter(Boolean).length;
  assert.ok(on > 70 && on < 130, `${on} of 200 are in`);
});

test('the default is served, with its reason, when there is no answer', async () => {
  const unknown = await flags.getBooleanDetails('nope', true, user);
  assert.deepEqual([unknown.value, unknown.errorCode], [true, 'FLAG_NOT_FOUND']);
  const mistyped = await flags.getStringDetails('dashboard', 'mine', user);
  assert.deepEqual([mistyped.value, mistyped.errorCode], ['mine', 'TYPE_MISMATCH']);
  const stranger = await client('stranger', 'hoist_web_wrong');
  const refused = await stranger.getBooleanDetails('dashboard', false, user);
  assert.deepEqual([refused.value, refused.reason], [false, 'ERROR']);
  const odd = await flags.getBooleanDetails('a/b c', true, user);
  assert.deepEqual([odd.value, odd.errorCode], [true, 'FLAG_NOT_FOUND']);
});

test('nobody in particular is answered, and a change is seen', async () => {
  assert.equal(await flags.getStringValue('copy', 'mine'), 'BUY NOW');
  await hoist.serve('copy', 'classic');
  assert.equal(await flags.getStringValue('copy', 'mine', user), 'Buy');
});
