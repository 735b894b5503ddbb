// Dialogs: they have the keyboard while they stand, give it back, and throw nothing away unasked.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { begin } from './begin.js';
import { assertAccessible, assertFocus, assertQuiet, open, settled, shoot, THEMES, WIDTHS } from './browser.js';

const KEYS = '/projects/default/environments';
const SEGMENTS = '/projects/default/segments';

let hoist;
let browser;

begin(async (begun) => {
  ({ hoist, browser } = begun);
  await hoist.send('POST', 'flags', { key: 'dashboard_v2', type: 'boolean', purpose: 'release', owner: 'web' });
  await hoist.send('POST', 'segments', { key: 'nordics', conditions: [{ attribute: 'country', operator: 'in', values: ['NO'] }] });
  await hoist.send('POST', 'tokens', { name: 'shop-backend', kind: 'sdk', environment: 'production' });
});

const dialog = (page) => page.getByRole('dialog');

for (const [path, button, first] of [
  [KEYS, 'New environment', 'Key'],
  [KEYS, 'Edit Production', 'Name'],
  [KEYS, 'Delete Production', 'Cancel'],
  [KEYS, 'New key', 'Name'],
  [KEYS, 'Revoke shop-backend', 'Cancel'],
  [SEGMENTS, 'New segment', 'Key'],
  [SEGMENTS, 'Open nordics', 'Name'],
  [SEGMENTS, 'Delete nordics', 'Cancel'],
  ['/projects/default/flags/dashboard_v2', 'Archive', 'Cancel'],
]) {
  test(`“${button}” begins in its first field, and gives the keyboard back`, async () => {
    const page = await open(browser, hoist, path);
    const opener = page.getByRole('button', { name: button, exact: true }).first();
    await opener.focus();
    await page.keyboard.press('Enter');
    await dialog(page).waitFor();
    await assertFocus(page, first);
    await page.keyboard.press('Escape');
    await dialog(page).waitFor({ state: 'detached' });
    await assertFocus(page, button);
    assertQuiet(page);
  });
}

test('the keyboard goes to the heading when what opened a dialog went with it', async () => {
  await hoist.send('POST', 'segments', { key: 'passing', conditions: [] });
  const page = await open(browser, hoist, SEGMENTS);
  await page.getByRole('button', { name: 'Delete passing' }).click();
  await dialog(page).getByRole('button', { name: 'Delete passing' }).click();
  await dialog(page).waitFor({ state: 'detached' });
  await assertFocus(page, 'Segments');
  assertQuiet(page);
});

test('a form that is refused leads the keyboard to what was refused', async () => {
  const page = await open(browser, hoist, KEYS);
  await page.getByRole('button', { name: 'New environment' }).click();
  await page.getByRole('textbox', { name: 'Key' }).fill('not a key');
  await page.getByRole('button', { name: 'Create environment' }).click();
  await assertFocus(page, 'Key');
  await page.goto(`${hoist.url}${KEYS}`);
  await page.getByRole('button', { name: 'Delete Production' }).click();
  // Nothing is refused at a field there.
  await page.route('**/environments/production', (route) => route.fulfill({ status: 409, contentType: 'application/problem+json', body: JSON.stringify({ type: 'about:blank', title: 'Conflict', status: 409, detail: 'a flag is on there' }) }));
  await dialog(page).getByRole('button', { name: 'Delete Production' }).click();
  await page.getByText('a flag is on there').waitFor();
  await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'alert');
});

test('a key that is shown once is lost to no slip of the hand', async () => {
  const page = await open(browser, hoist, SEGMENTS, { width: 360 });
  await page.getByRole('button', { name: 'Open navigation' }).click();
  await page.getByRole('link', { name: 'Environments & keys' }).click();
  await page.getByRole('button', { name: 'New key' }).click();
  await page.getByLabel('Name').fill('worker');
  await page.getByRole('button', { name: 'Create key' }).click();
  await page.getByText('shown here only once').waitFor();
  await assertFocus(page, 'key');
  const key = page.getByLabel('key', { exact: true });
  const secret = await key.textContent();
  await page.keyboard.press('Escape');
  await page.mouse.click(5, 5);
  assert.equal(await key.textContent(), secret);
  const [text, button] = await Promise.all([key.boundingBox(), page.getByRole('button', { name: 'Copy key' }).boundingBox()]);
  assert.ok(button.x >= text.x + text.width, 'the button lies over the key');
  await shoot(page, 'key-360-light');
  await page.evaluate(() => window.history.back());
  await page.getByRole('dialog', { name: 'Leave without the key?' }).getByRole('button', { name: 'Stay' }).click();
  assert.equal(await key.textContent(), secret);
  await page.getByRole('button', { name: 'I have copied it' }).click();
  await dialog(page).first().waitFor({ state: 'detached' });
  await assertFocus(page, 'New key');
});

test('a segment that is not saved is closed only after a question', async () => {
  const page = await open(browser, hoist, SEGMENTS);
  await page.getByRole('button', { name: 'New segment' }).click();
  await page.getByRole('textbox', { name: 'Key' }).fill('testers');
  await page.keyboard.press('Escape');
  const question = page.getByRole('dialog', { name: 'Leave what is not saved?' });
  await assertFocus(page, 'Stay');
  await assertAccessible(page);
  await page.keyboard.press('Enter');
  await question.waitFor({ state: 'detached' });
  assert.equal(await page.getByRole('textbox', { name: 'Key' }).inputValue(), 'testers');
  await page.mouse.click(5, 5);
  await question.getByRole('button', { name: 'Leave' }).click();
  await page.getByRole('dialog').first().waitFor({ state: 'detached' });

  // The browser's own way back asks as well; what is untouched goes without a question.
  await page.getByRole('button', { name: 'Open nordics' }).click();
  await page.getByLabel('Description').fill('from the north');
  await page.goBack();
  await question.getByRole('button', { name: 'Leave' }).click();
  await page.getByRole('dialog').first().waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Open nordics' }).click();
  assert.equal(await page.getByLabel('Description').inputValue(), '');
  await page.keyboard.press('Escape');
  await dialog(page).waitFor({ state: 'detached' });
  assertQuiet(page);
});

test('a new flag that is not made is left only after a question', async () => {
  const page = await open(browser, hoist, '/projects/default/new-flag');
  await page.getByRole('textbox', { name: 'Key' }).fill('half_typed');
  await page.getByRole('link', { name: 'Segments' }).click();
  const question = page.getByRole('dialog', { name: 'Leave what is not saved?' });
  await question.getByRole('button', { name: 'Stay' }).click();
  assert.equal(await page.getByRole('textbox', { name: 'Key' }).inputValue(), 'half_typed');
  // Another environment is no other form.
  await page.getByRole('button', { name: 'Environment: Development' }).click();
  await page.getByRole('menuitem', { name: 'Production' }).click();
  await page.waitForURL('**/new-flag?environment=production');
  assert.equal(await page.getByRole('textbox', { name: 'Key' }).inputValue(), 'half_typed');
  await page.getByRole('link', { name: 'Segments' }).click();
  await question.getByRole('button', { name: 'Leave' }).click();
  await page.getByRole('heading', { level: 1, name: 'Segments' }).waitFor();
  assertQuiet(page);
});

test('what opens is accessible while it is open, in both themes', async () => {
  for (const theme of THEMES) {
    const page = await open(browser, hoist, KEYS, { theme });
    for (const name of ['Environment: Development', 'Theme', /Signed in as/]) {
      await page.getByRole('button', { name }).first().click();
      await page.getByRole('menu').waitFor();
      await assertAccessible(page);
      await shoot(page, `menu-${theme}`);
      await page.keyboard.press('Escape');
      await page.getByRole('menu').waitFor({ state: 'detached' });
    }
    for (const name of ['Edit Production', 'Delete Production', 'Revoke shop-backend', 'New key', 'Keyboard shortcuts']) {
      await page.getByRole('button', { name }).first().click();
      await dialog(page).waitFor();
      await assertAccessible(page);
      await shoot(page, `dialog-${name.split(' ')[0].toLowerCase()}-${theme}`);
      await page.keyboard.press('Escape');
      await dialog(page).waitFor({ state: 'hidden' });
    }
    assertQuiet(page);
    await page.context().close();
  }
});

test('each list that opens is accessible while it is open, in both themes', async () => {
  await hoist.send('POST', 'flags', { key: 'copy', type: 'string', variants: { a: 'A', b: 'B' }, purpose: 'release', owner: 'web' });
  for (const theme of THEMES) {
    const page = await open(browser, hoist, '/projects/default/flags/dashboard_v2?tab=targeting', { theme });
    await page.getByRole('button', { name: 'Add a rule' }).click();
    await page.getByRole('button', { name: 'Add a prerequisite' }).click();
    const choose = async (name, option) => {
      await page.getByRole('combobox', { name }).click();
      const found = page.getByRole('option', { name: option, exact: true });
      await found.waitFor();
      await assertAccessible(page);
      await shoot(page, `list-${name.split(': ')[1].replace(' ', '-')}-${theme}`);
      await found.click();
      await page.keyboard.press('Escape');
      await page.getByRole('listbox').waitFor({ state: 'hidden' });
    };
    await choose('Rule 1: segments', 'nordics');
    await choose('Prerequisite 1: flag', 'copy');
    await choose('Prerequisite 1: must serve', 'b');
    await assertAccessible(page);
    assertQuiet(page);
    await page.context().close();
  }
});

test('what is narrow opens its filters accessibly, in both themes', async () => {
  for (const theme of THEMES) {
    const page = await open(browser, hoist, '/projects/default/flags', { theme, width: Math.min(...WIDTHS) });
    await page.getByRole('button', { name: 'Filters', exact: true }).click();
    await page.getByLabel('Only this owner').waitFor();
    await assertAccessible(page);
    await shoot(page, `filters-360-${theme}`);
    assertQuiet(page);
    await page.context().close();
  }
});

test('on a narrow page the navigation is reached when it is open, and only then', async () => {
  const page = await open(browser, hoist, SEGMENTS, { width: Math.min(...WIDTHS) });
  const burger = page.getByRole('button', { name: 'Open navigation' });
  const seen = () => page.evaluate(() => {
    const { left, right } = document.activeElement.getBoundingClientRect();
    return left >= 0 && right <= window.innerWidth;
  });
  await burger.focus();
  for (let press = 0; press < 12; press += 1) {
    await page.keyboard.press('Tab');
    assert.ok(await seen(), 'what has the keyboard is out of sight');
  }
  await burger.click();
  await assertFocus(page, 'Flags');
  await assertAccessible(page);
  await shoot(page, 'navigation-360-light');
  await page.keyboard.press('Escape');
  await assertFocus(page, 'Open navigation');
  await burger.click();
  await page.getByRole('link', { name: 'Audit' }).click();
  await page.getByRole('heading', { level: 1, name: 'Audit' }).waitFor();
  await settled(page);
  await assertFocus(page, 'Audit');
  assertQuiet(page);
});
