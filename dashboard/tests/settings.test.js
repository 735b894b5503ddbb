// What the page makes of settings without a browser: words for what differs, and the merge of two edits.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { source } from './source.js';

const { changeLines, differences, undone } = await source('parts/differences.ts');
const { draftOf, settingsOf } = await source('pages/flag/draft.ts');
const { alike, merge } = await source('pages/flag/merge.ts');
const { missing } = await source('pages/flag/faults.ts');
const { conditionInWords, plainFault } = await source('parts/conditions.ts');

const beta = { name: 'beta', conditions: [{ attribute: 'plan', operator: 'in', values: ['beta'] }], rollout: 10, serve: 'on' };
const north = { conditions: [{ attribute: 'country', operator: 'in', values: ['NO', 'DK'] }], rollout: 20, serve: 'on' };
const settings = (more = {}) => ({ enabled: true, prerequisites: [], rules: [beta, north], default: { serve: 'off' }, off_variant: 'off', ...more });
const told = (lines) => lines.map(({ name, before, after, went, came }) => (came ? `${name}: -${went} +${came}` : `${name}: ${before} → ${after}`));
const check = (before, after, expected) => assert.deepEqual(told(differences(before, after)), expected);

/** Edits a draft as fields do: what is not touched stays the very same. */
function edited(base, edit) {
  const draft = { ...base, rules: base.rules.map((it) => ({ ...it })), default: { ...base.default } };
  edit(draft);
  return draft;
}

function merged(began, ours, theirs, chosen = {}) {
  const base = draftOf(began);
  const { draft, clashes } = merge(base, edited(base, ours), theirs, chosen);
  return { says: settingsOf(draft), clashes };
}

test('what differs is said in words', () => {
  check(settings(), settings(), []);
  check(settings({ enabled: false }), settings({ default: { rollout: 10, serve: 'off' } }), ['Rollout: Off → 10 %']);
  // A share that sleeps is not told as one that is served.
  const off = (rollout) => settings({ enabled: false, default: { rollout, serve: 'off' } });
  check(off(25), off(100), ['Rollout: Off (25 % when on) → Off (100 % when on)']);
  check(settings(), settings({ rules: [{ ...beta, rollout: 50 }, north] }), ['Rule 1 (beta): rollout: 10 % → 50 %']);
  const wider = { ...north, conditions: [{ attribute: 'country', operator: 'in', values: ['NO', 'SE'] }] };
  check(settings(), settings({ rules: [beta, wider] }), ['Rule 2: country is one of: -DK +SE']);
  check(settings(), settings({ rules: [north] }), ['Rule 1 (beta): plan is one of beta: on, for 10 % → ']);
  check(settings(), settings({ rules: [north, beta] }), [
    'Order of the rules: beta, then country is one of NO, DK → country is one of NO, DK, then beta',
  ]);
  const split = (a, allocation) => ({ split: [{ variant: 'a', weight: a }, { variant: 'b', weight: 100 - a }], allocation });
  check(settings({ default: { serve: split(50, [1]) } }), settings({ default: { serve: split(60, [2]) } }), [
    'Serves: a 50 % · b 50 % → a 60 % · b 40 %',
  ]);
  check(settings(), settings({ prerequisites: [{ flag: 'base', variants: ['on', 'part'] }] }), ['Prerequisite base:  → on or part']);
});

test('changes of an audit are told between the settings around them, or as far as they go', () => {
  const changes = [
    { field: '/rules/0/rollout', before: 10, after: 50 },
    { field: '/default/serve/allocation', before: null, after: [{ end: 3 }] },
    { field: '/default/rollout', before: 100, after: 10 },
    { field: '/enabled', before: false, after: true },
  ];
  assert.deepEqual(told(changeLines(changes)), ['Rule 1: rollout: 10 % → 50 %', 'Rollout: Off → 10 %']);
  const after = settings({ rules: [{ ...beta, rollout: 50 }, north], default: { rollout: 10, serve: 'off' } });
  const before = undone(after, changes.filter(({ field }) => !field.includes('allocation')));
  assert.deepEqual(told(differences(before, after)), ['Rollout: Off → 10 %', 'Rule 1 (beta): rollout: 10 % → 50 %']);
  assert.equal(undone(settings(), changes), undefined);
  // Where they say half of a state, how they left the flag says the rest.
  const asleep = [{ field: '/default/rollout', before: 25, after: 100 }];
  assert.deepEqual(told(changeLines(asleep, { enabled: false, rollout: 100 })), ['Rollout: Off (25 % when on) → Off (100 % when on)']);
  assert.deepEqual(told(changeLines(asleep, { enabled: true, rollout: 100 })), ['Rollout: 25 % → 100 %']);
  const killed = [{ field: '/enabled', before: true, after: false }];
  assert.deepEqual(told(changeLines(killed, { enabled: false, rollout: 25 })), ['Rollout: 25 % → Off']);
  assert.deepEqual(told(changeLines([{ field: '', before: null, after: { key: 'a', tags: [], owner: 'web' } }])), ['Key:  → a', 'Owner:  → web']);
});

test('an editor that changes nothing says what the server said', () => {
  const said = settings({ rules: [{ ...beta, segments: undefined, rollout: undefined }] });
  assert.deepEqual(settingsOf(draftOf(said)).rules, [{ name: 'beta', conditions: beta.conditions, serve: 'on' }]);
  const base = draftOf(said);
  const put = edited(base, (draft) => {
    draft.rules[0].conditions = [{ ...draft.rules[0].conditions[0], negate: false }];
  });
  assert.ok(alike(base, put), 'a box that was ticked and unticked is no change');
});

test('who changes another part keeps both, also in other rules', () => {
  const theirs = settings({ rules: [{ ...beta, rollout: 11 }, north] });
  const off = merged(settings(), (draft) => void (draft.off_variant = 'on'), theirs);
  assert.deepEqual([off.clashes, off.says.rules[0].rollout, off.says.off_variant], [[], 11, 'on']);
  const second = merged(settings(), (draft) => void (draft.rules[1].rollout = 22), theirs);
  assert.deepEqual([second.clashes, second.says.rules.map(({ rollout }) => rollout)], [[], [11, 22]]);
  const same = merged(settings(), (draft) => void (draft.rules[0].name = 'early'), theirs);
  assert.deepEqual([same.clashes, same.says.rules[0].name, same.says.rules[0].rollout], [[], 'early', 11]);
  const named = settings({ rules: [{ ...beta, name: 'early' }, north] });
  const wide = merged(settings(), (draft) => void (draft.rules[0].rollout = 12), named);
  assert.deepEqual([wide.clashes, wide.says.rules.map(({ name, rollout }) => [name, rollout])], [[], [['early', 12], [undefined, 20]]]);
});

test('where both changed the same, a person chooses whose stands', () => {
  const theirs = settings({ rules: [{ ...beta, rollout: 11 }, north] });
  const ours = (draft) => void (draft.rules[0].rollout = 12);
  const { clashes } = merged(settings(), ours, theirs);
  assert.deepEqual(
    clashes.map(({ name, before, theirs, mine }) => [name, before, theirs, mine]),
    [['Rule 1 (beta): rollout', '10 %', '11 %', '12 %']],
  );
  const base = draftOf(settings());
  const mine = edited(base, ours);
  const [{ at }] = merge(base, mine, theirs, {}).clashes;
  assert.equal(merge(base, mine, theirs, { [at]: 'mine' }).draft.rules[0].rollout, 12);
  assert.equal(merge(base, mine, theirs, { [at]: 'theirs' }).draft.rules[0].rollout, 11);
});

test('rules that come, go and move are merged one by one', () => {
  const added = settings({ rules: [{ ...beta, name: 'first' }, beta, north] });
  const both = merged(settings(), (draft) => draft.rules.push({ ...draft.rules[1], id: -1, name: 'last' }), added);
  assert.deepEqual([both.clashes, both.says.rules.map(({ name }) => name)], [[], ['first', 'beta', undefined, 'last']]);
  const gone = settings({ rules: [north] });
  const clash = merged(settings(), (draft) => void (draft.rules[0].rollout = 12), gone);
  assert.deepEqual(
    clash.clashes.map(({ name, theirs, mine }) => [name, theirs, mine]),
    [['Rule 1 (beta)', 'taken out', 'plan is one of beta: on, for 12 %']],
  );
  const moved = merged(settings(), (draft) => draft.rules.reverse(), settings({ rules: [beta, { ...north, rollout: 21 }] }));
  assert.deepEqual([moved.clashes, moved.says.rules.map(({ rollout }) => rollout)], [[], [21, 10]]);
});

test('a rule that moves takes its buckets along, and a merge sends only those that stand', () => {
  const split = (allocation) => ({ ...north, serve: { split: [{ variant: 'on', weight: 90 }, { variant: 'off', weight: 10 }], allocation } });
  const [one, other] = [[{ start: 0, end: 1, variant: 'on' }], [{ start: 0, end: 2, variant: 'on' }]];
  const base = draftOf(settings({ rules: [split(one), beta] }));
  assert.deepEqual(settingsOf({ ...base, rules: base.rules.toReversed() }).rules[1].serve.allocation, one);
  const theirs = settings({ rules: [split(other), beta] });
  const { draft } = merge(base, edited(base, (draft) => void (draft.off_variant = 'on')), theirs, {});
  assert.deepEqual(settingsOf(draft).rules[0].serve.allocation, other);
});

test('what is missing is said before it is sent, each at its field', () => {
  const draft = draftOf(settings({ rules: [{ conditions: [{ attribute: '', operator: 'in' }], serve: { split: [{ variant: 'on', weight: 60 }] } }] }));
  draft.rules[0].weights.push({ variant: 'off', weight: 0 });
  draft.prerequisites.push({ id: 0, flag: 'base', variants: [] });
  assert.deepEqual(
    missing(draft).map(({ pointer }) => pointer),
    ['/prerequisites/0/variants', '/rules/0/conditions/0/attribute', '/rules/0/conditions/0/values', '/rules/0/serve'],
  );
});

test('a pattern that cannot be read is one sentence, and a long list is cut', () => {
  assert.equal(plainFault('regex parse error:\n    (((\n    ^\nerror: unclosed group'), 'This pattern cannot be read: unclosed group.');
  const many = conditionInWords({ attribute: 'id', operator: 'in', values: Array.from({ length: 25 }, (_, at) => at), negate: true });
  assert.match(many, /^id is not one of 0, 1, .* 19 and 5 more$/);
});
