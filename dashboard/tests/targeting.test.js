// Who gets what, edited by one person and by two at once, and what is told of it afterwards.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { begin } from './begin.js';
import { assertAccessible, assertFits, assertQuiet, inspect, open, shoot, THEMES, WIDTHS } from './browser.js';

let hoist;
let browser;

const page = (flag, tab = 'targeting', environment = 'staging') => `/projects/default/flags/${flag}?environment=${environment}&tab=${tab}`;
const place = (flag, environment = 'staging') => `environments/${environment}/flags/${flag}`;
const stands = (flag) => hoist.send('GET', place(flag));
const put = (flag, settings, environment) => hoist.send('PUT', place(flag, environment), settings);
const make = (key, more = {}) => hoist.send('POST', 'flags', { key, type: 'boolean', purpose: 'release', owner: 'web', ...more });

const beta = { name: 'beta', conditions: [{ attribute: 'plan', operator: 'in', values: ['beta'] }], rollout: 10, serve: 'on' };
const north = { conditions: [{ attribute: 'country', operator: 'in', values: ['NO', 'DK'] }], rollout: 20, serve: 'on' };
const ruled = (more = {}) => ({ enabled: true, rules: [beta, north], default: { serve: 'off' }, off_variant: 'off', ...more });

async function ruledFlag(key) {
  await make(key);
  await put(key, ruled());
}

begin((begun) => ({ hoist, browser } = begun));

const saveButton = (it) => it.getByRole('button', { name: 'Save in Staging' });

/** Waits until the keyboard is somewhere: what leads it there follows what is drawn. */
const waitForFocus = (it, text) =>
  it.waitForFunction(
    (wanted) => {
      const element = document.activeElement;
      const name = element?.getAttribute('aria-label') ?? element?.labels?.[0]?.textContent ?? element?.textContent ?? '';
      return element !== document.body && name.includes(wanted);
    },
    text,
  );

test('who changes something else loses nothing of the other, without a word of a clash', async () => {
  await ruledFlag('quiet');
  const it = await open(browser, hoist, page('quiet'));
  await it.getByLabel('Served when it is off').selectOption('on');
  await put('quiet', ruled({ rules: [{ ...beta, rollout: 11 }, north] }));
  await it.getByText('Somebody else saved meanwhile').waitFor();
  await saveButton(it).click();
  await waitForFocus(it, 'saved version');
  await it.getByText('You changed different things: saving keeps both.').waitFor();
  assert.equal(await saveButton(it).count(), 0, 'the merge has its own buttons');
  assert.doesNotMatch(await it.getByRole('main').innerText(), /token:/);
  await it.getByRole('button', { name: 'Save both' }).click();
  await waitForFocus(it, 'Saved as version');
  const { rules, off_variant: off } = await stands('quiet');
  assert.deepEqual([rules[0].rollout, off], [11, 'on']);
});

test('two people in two rules both win, and where they clash one of them chooses', async () => {
  await ruledFlag('clash');
  const it = await open(browser, hoist, page('clash'));
  await it.getByLabel('Rule 1: rollout').fill('12');
  await it.getByLabel('Rule 2: rollout').fill('22');
  const wider = { ...north, conditions: [{ attribute: 'country', operator: 'in', values: ['NO', 'SE'] }] };
  await put('clash', ruled({ rules: [{ ...beta, rollout: 11 }, wider] }));
  await it.getByRole('button', { name: 'Look at both' }).click();
  const theirs = await it.getByRole('region', { name: 'Theirs' }).innerText();
  assert.match(theirs.replaceAll(/\s+/g, ' '), /Rule 1 \(beta\): rollout was 10 % → , is 11 % Rule 2: country is one of − DK ?\+ SE/);
  const choice = it.getByRole('radiogroup', { name: 'Rule 1 (beta): rollout' });
  await choice.waitFor();
  assert.equal(await it.getByRole('radiogroup').count(), 1, 'only the share of rule 1 clashes');
  assert.equal(await it.getByRole('button', { name: 'Save the merge' }).isDisabled(), true);
  await assertAccessible(it);
  await choice.getByLabel('Yours: 12 %').check();
  await it.getByRole('region', { name: 'What saving changes' }).getByText('Rule 2: rollout').waitFor();
  await shoot(it, 'merge-1440-light');
  await it.getByRole('button', { name: 'Save the merge' }).click();
  await waitForFocus(it, 'Saved as version');
  const { rules } = await stands('clash');
  assert.deepEqual(rules.map(({ rollout }) => rollout), [12, 22]);
  assert.deepEqual(rules[1].conditions[0].values, ['NO', 'SE']);
});

test('a merge looks right everywhere', async () => {
  await ruledFlag('looks');
  const looks = [];
  for (const theme of THEMES) {
    for (const width of WIDTHS) {
      const it = await open(browser, hoist, page('looks'), { width, theme });
      await it.getByLabel('Rule 1: rollout').fill('12');
      looks.push([it, `merge-${width}-${theme}`]);
    }
  }
  await put('looks', ruled({ rules: [{ ...beta, rollout: 11 }, { ...north, serve: 'off' }] }));
  for (const [it, name] of looks) {
    await it.getByRole('button', { name: 'Look at both' }).click();
    await it.getByRole('radiogroup').waitFor();
    await shoot(it, name);
    await assertFits(it);
    await assertAccessible(it);
    assertQuiet(it);
    await it.context().close();
  }
});

test('what was touched and put back follows others again, and says so', async () => {
  await ruledFlag('back');
  const it = await open(browser, hoist, page('back'));
  const share = it.getByLabel('Rule 1: rollout');
  await share.fill('13');
  await put('back', ruled({ rules: [{ ...beta, rollout: 66 }, north] }));
  await it.getByText('Somebody else saved meanwhile').waitFor();
  await share.fill('10');
  await it.getByText('has saved version').waitFor();
  await it.waitForFunction(() => document.querySelector('[aria-label="Rule 1: rollout"]').value === '66');
  await waitForFocus(it, 'Rule 1: rollout');
  assertQuiet(it);
});

test('the keyboard is never lost on the way through the rules', async () => {
  await ruledFlag('keyboard');
  await make('base');
  const it = await open(browser, hoist, page('keyboard'));
  const press = async (name) => {
    await it.getByRole('button', { name, exact: true }).focus();
    await it.keyboard.press('Enter');
  };
  await press('Add a rule');
  await waitForFocus(it, 'Rule 3');
  await it.keyboard.type('late');
  await press('Rule 2: move up');
  await waitForFocus(it, 'Rule 1: move down');
  await press('Rule 3: remove');
  await waitForFocus(it, 'Rule 2');
  await it.getByRole('region', { name: 'Rule 1' }).getByRole('button', { name: 'Add a condition' }).press('Enter');
  await waitForFocus(it, 'Attribute');
  await press('Remove condition 2');
  await waitForFocus(it, 'Attribute');
  await press('Add a prerequisite');
  await waitForFocus(it, 'Prerequisite 1: flag');
  await press('Prerequisite 1: remove');
  await waitForFocus(it, 'Add a prerequisite');
  await it.getByRole('tab', { name: 'History' }).click();
  await it.getByRole('button', { name: 'Stay' }).press('Enter');
  await it.getByRole('dialog').waitFor({ state: 'detached' });
  assert.notEqual(await it.evaluate(() => document.activeElement.tagName), 'BODY');
  await saveButton(it).press('Enter');
  await waitForFocus(it, 'Saved as version');
  assert.deepEqual((await stands('keyboard')).rules.map(({ rollout }) => rollout), [20, 10]);
});

test('what is missing or refused is told at its field, which gets the keyboard', async () => {
  await make('refused');
  const it = await open(browser, hoist, page('refused'));
  await it.getByRole('button', { name: 'Add a rule' }).click();
  await saveButton(it).click();
  const condition = it.getByRole('group', { name: 'Condition 1' });
  await it.waitForFunction(() => document.activeElement?.getAttribute('aria-label') === 'Attribute');
  const told = async (label) => {
    const field = condition.getByLabel(label, { exact: true });
    assert.equal(await field.getAttribute('aria-invalid'), 'true', label);
    return it.evaluate((ids) => ids.split(' ').map((id) => document.getElementById(id)?.textContent).join(), await field.getAttribute('aria-describedby'));
  };
  assert.match(await told('Attribute'), /Name an attribute/);
  const colourOf = (it) => it.evaluate((one) => getComputedStyle(one, '::placeholder').color);
  const usual = await colourOf(it.getByPlaceholder('What people call it'));
  for (const label of ['Attribute', 'Values']) {
    assert.equal(await colourOf(condition.getByLabel(label, { exact: true })), usual, `what stands in ${label} for nothing is no fault`);
  }
  assert.match(await told('Values'), /Give a value/);
  assert.equal((await stands('refused')).rules.length, 0, 'nothing was sent');
  await assertAccessible(it);
  await condition.getByLabel('Attribute').fill('country');
  await condition.getByLabel('Operator').selectOption('matches');
  await condition.getByLabel('Values').fill('(((');
  await saveButton(it).click();
  await it.waitForFunction(() => document.activeElement?.getAttribute('aria-label') === 'Values');
  assert.match(await told('Values'), /This pattern cannot be read: unclosed group\./);
  await assertAccessible(it);
});

test('a share in the editor is typed with a point or a comma, and nothing is bent into one', async () => {
  await ruledFlag('typed');
  const it = await open(browser, hoist, page('typed'));
  const share = it.getByLabel('Rule 1: rollout');
  for (const wrong of ['150', '1e2', '-5', '0.0005', '']) {
    await share.fill(wrong);
    await saveButton(it).click();
    await it.getByText('From 0 to 100, at most three decimals').waitFor();
    await waitForFocus(it, 'Rule 1: rollout');
  }
  assert.equal((await stands('typed')).rules[0].rollout, 10);
  await share.fill('10,5');
  await saveButton(it).click();
  await it.getByText('Saved as version').waitFor();
  assert.equal((await stands('typed')).rules[0].rollout, 10.5);
  assertQuiet(it);
});

test('a split that is no whole is not sent, and says so once', async () => {
  await make('parts', { type: 'string', variants: { a: 'A', b: 'B', c: 'C' } });
  const it = await open(browser, hoist, page('parts'));
  await it.getByRole('button', { name: 'Split' }).click();
  await it.getByLabel('Default: share of a').fill('60');
  await saveButton(it).click();
  await waitForFocus(it, 'Default: share of a');
  assert.equal(await it.getByText('The shares total 60 %, not 100 %', { exact: true }).count(), 1);
  assert.equal(await it.getByText('the weights total').count(), 0);
  assert.equal(typeof (await stands('parts')).default.serve, 'string', 'nothing was sent');
  assertQuiet(it);
  await it.getByLabel('Default: share of b').fill('40');
  await saveButton(it).click();
  await waitForFocus(it, 'Saved as version');
  assert.equal(await it.getByText('of users move').count(), 0, 'nobody is said to move when nothing is changed');
});

test('rules that change places move nobody', async () => {
  await make('places', { type: 'string', variants: { a: 'A', b: 'B' } });
  const split = (a) => ({ split: [{ variant: 'a', weight: a }, { variant: 'b', weight: 100 - a }] });
  const rules = ['one', 'two'].map((plan, at) => ({ conditions: [{ attribute: 'plan', operator: 'in', values: [plan] }], serve: split(at ? 10 : 90) }));
  await put('places', { enabled: true, rules, default: { serve: 'a' }, off_variant: 'a' });
  const buckets = async () => Object.fromEntries((await stands('places')).rules.map(({ conditions, serve }) => [conditions[0].values[0], serve.allocation]));
  const before = await buckets();
  const it = await open(browser, hoist, page('places'));
  await it.getByRole('button', { name: 'Rule 1: move down' }).click();
  assert.equal(await it.getByText('of users move').count(), 0);
  await saveButton(it).click();
  await waitForFocus(it, 'Saved as version');
  assert.deepEqual(await buckets(), before);
});

test('what is not saved stands at the foot of the window', async () => {
  await ruledFlag('foot');
  for (const width of WIDTHS) {
    const it = await open(browser, hoist, page('foot'), { width });
    await it.getByRole('switch', { name: 'On in Staging' }).uncheck({ force: true });
    await saveButton(it).waitFor();
    const { y, height } = await saveButton(it).boundingBox();
    assert.ok(y + height <= 900, `at ${width} the button ends at ${y + height}`);
    assert.equal(await it.evaluate(() => window.scrollY), 0);
    await it.getByLabel('Rule 2: bucket by').focus();
    const field = await it.getByLabel('Rule 2: bucket by').boundingBox();
    const bar = await it.getByRole('region', { name: 'Not saved yet' }).boundingBox();
    assert.ok(field.y + field.height < bar.y, `at ${width} what has the keyboard ends at ${field.y + field.height}, the bar begins at ${bar.y}`);
    await it.context().close();
  }
});

test('a prerequisite is looked for by name, and its variants are chosen', async () => {
  await make('wanted', { type: 'string', variants: { red: 'R', blue: 'B' } });
  await make('wanting');
  const it = await open(browser, hoist, page('wanting'));
  await it.getByRole('button', { name: 'Add a prerequisite' }).click();
  await it.getByRole('combobox', { name: 'Prerequisite 1: flag' }).fill('wanted');
  await it.getByRole('option', { name: 'wanted' }).click();
  await it.getByRole('combobox', { name: 'Prerequisite 1: must serve' }).click();
  await it.getByRole('option', { name: 'blue' }).click();
  await it.keyboard.press('Escape');
  await saveButton(it).click();
  await waitForFocus(it, 'Saved as version');
  assert.deepEqual((await stands('wanting')).prerequisites, [{ flag: 'wanted', variants: ['blue'] }]);
  await assertAccessible(it);
  assertQuiet(it);
});

test('a list of flags that is open is accessible, and the arrow keys move it', async () => {
  await Promise.all(Array.from({ length: 12 }, (_, at) => make(`listed_${String(at).padStart(2, '0')}`)));
  const it = await open(browser, hoist, page('listed_00'));
  await it.getByRole('button', { name: 'Add a prerequisite' }).click();
  const field = it.getByRole('combobox', { name: 'Prerequisite 1: flag' });
  await waitForFocus(it, 'Prerequisite 1: flag');
  await assertAccessible(it);
  await field.press('ArrowDown');
  const list = it.getByRole('listbox');
  await list.waitFor();
  await assertAccessible(it);
  assert.ok(await list.evaluate((it) => it.scrollHeight > it.clientHeight), 'it is longer than what is seen of it');
  await it.keyboard.press('ArrowUp');
  await it.waitForFunction(() => document.querySelector('[role=listbox]').scrollTop > 0);
  assertQuiet(it);
});

test('the history says in words what changed, and a restore what it will change', async () => {
  await ruledFlag('told');
  await put('told', ruled({ rules: [{ ...beta, rollout: 25 }, north], prerequisites: [] }));
  await put('told', ruled({ rules: [{ ...beta, rollout: 25 }] }));
  await hoist.send('POST', `${place('told')}/kill`, { reason: 'a test' });
  const it = await open(browser, hoist, page('told', 'history'));
  const text = (await it.getByRole('main').innerText()).replaceAll(/\s+/g, ' ');
  assert.match(text, /Rollout was 100 % → , is Off/);
  assert.match(text, /Rule 2 was country is one of NO, DK: on, for 20 % is gone/);
  assert.match(text, /Rule 1 \(beta\): rollout was 10 % → , is 25 %/);
  assert.doesNotMatch(text, /[{}[\]]|allocation/);
  const revision = (await stands('told')).revision;
  await it.getByRole('button', { name: `Restore revision ${revision - 2}` }).click();
  const dialog = it.getByRole('dialog');
  await dialog.getByText('Rule 2').waitFor();
  assert.match((await dialog.innerText()).replaceAll(/\s+/g, ' '), /Rollout was Off → , is 100 %/);
  await assertAccessible(it);
  await shoot(it, 'restore-1440-light');
  assertQuiet(it);
  await inspect(browser, hoist, page('told', 'history'), 'told');
});
