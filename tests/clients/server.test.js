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

test('an unknown flag serves the default', async () => {
  for (const key of ['nope', 'a/b c']) {
    for (const value of [true, false]) {
      const unknown = await flags.getBooleanDetails(key, value, user);
      assert.deepEqual([unknown.value, unknown.reason, unknown.errorCode], [value, 'ERROR', 'FLAG_NOT_FOUND'], key);
    }
  }
});

test('a value of another type serves the default', async () => {
  const mistyped = [
    [await flags.getBooleanDetails('copy', true, user), true],
    [await flags.getStringDetails('dashboard', 'mine', user), 'mine'],
    [await flags.getNumberDetails('copy', 7, user), 7],
    [await flags.getObjectDetails('copy', { my: 'own' }, user), { my: 'own' }],
  ];
  for (const [{ value, reason, errorCode }, mine] of mistyped) {
    assert.deepEqual([value, reason, errorCode], [mine, 'ERROR', 'TYPE_MISMATCH']);
  }
});

test('a bad token is an error and serves the default', async () => {
  const stranger = await client('stranger', 'hoist_web_wrong');
  const refused = await stranger.getBooleanDetails('dashboard', false, user);
  assert.deepEqual([refused.value, refused.reason, refused.errorCode], [false, 'ERROR', 'GENERAL']);
  assert.equal(await stranger.getStringValue('copy', 'mine', user), 'mine');
});

test('nobody in particular is answered', async () => {
  assert.equal(await flags.getStringValue('copy', 'mine'), 'BUY NOW');
});

test('a change is seen', async () => {
  const before = await flags.getNumberDetails('changing', 0, user);
  assert.deepEqual([before.value, before.variant], [1, 'one']);
  await hoist.serve('changing', 'more');
  const after = await flags.getNumberDetails('changing', 0, user);
  assert.deepEqual([after.value, after.variant], [1.5, 'more']);
  assert.ok(after.flagMetadata.version > before.flagMetadata.version);
});
