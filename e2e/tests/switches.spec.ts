import { expect, test, type Page } from '@playwright/test';
import { expectNoAxeViolation, started, watch } from './page';
import { daxscope, open, position, SIZES, type Lecture } from './lectures';

const CRASH = (JSON.parse(daxscope('list', '--json')) as Lecture[]).find(({ id }) => id === 'S04')!;

/** One switch of the panel, and one of its values. */
const group = (page: Page, name: string) => page.locator('.switches').getByRole('group', { name });
const value = (page: Page, name: string, of: string) => group(page, name).getByRole('button', { name: of, exact: true });

test('the switches that the lecture is about come first, the rest on request', async ({ page }) => {
  await open(page, CRASH);
  const groups = page.locator('.switches').getByRole('group');
  const first = await groups.count();
  expect(first).toBeGreaterThan(2);
  await expect(group(page, 'lock-fences-clwb')).toBeVisible();
  await expect(group(page, 'undo-log')).toHaveCount(0);
  const all = page.getByRole('button', { name: `All switches (` });
  await expect(all).toHaveAttribute('aria-expanded', 'false');
  const more = Number((await all.innerText()).match(/\d+/)![0]);
  await all.click();
  await expect(groups).toHaveCount(first + more);
  await expect(page.locator('.switches h3')).toHaveText(['history', 'setting', 'what if']);
  const without = await groups.evaluateAll((groups) => groups
    .filter((group) => group.querySelectorAll('button[aria-pressed=true]').length !== 1)
    .map((group) => group.getAttribute('aria-label')));
  expect(without, 'each has one value').toEqual([]);
  expect(await page.evaluate(() => document.querySelectorAll('*').length)).toBeLessThanOrEqual(1400);
  await page.getByRole('button', { name: 'Only those' }).click();
  await expect(groups).toHaveCount(first);
});

test('a switch replays the lecture at the same step, is told apart from the kernel’s own value, and is in the link', async ({ page }) => {
  const seen = watch(page);
  await open(page, CRASH);
  await page.goto(`./#/1/${CRASH.slug}/~/9`);
  await expect.poll(async () => (await position(page)).step).toBe(9);
  const images = page.locator('.crash .count b');
  await expect(images).toHaveText('4');
  await value(page, 'platform', 'eadr').click();
  await expect(value(page, 'platform', 'eadr')).toHaveAttribute('aria-pressed', 'true');
  await expect(images).toHaveText('1');
  expect((await position(page)).step).toBe(9);
  await expect(group(page, 'platform')).toContainText('≠ adr of 4.5.0');
  await expect(page.locator('.switches')).toContainText('1 differs from 4.5.0');
  await expect(page.locator('.where')).toContainText('set by hand');
  await expect.poll(() => page.evaluate(() => location.hash)).toContain('s=platform.eadr');
  const said = JSON.parse(daxscope('run', await page.evaluate(() => location.hash), '--json'));
  expect(said.steps[0].images).toBe('1');
  await page.reload();
  await started(page);
  await expect(value(page, 'platform', 'eadr')).toHaveAttribute('aria-pressed', 'true');
  await value(page, 'platform', 'adr').click();
  await expect(images).toHaveText('4');
  await expect.poll(() => page.evaluate(() => location.hash)).not.toContain('s=');
  expect(seen).toEqual({ errors: [], foreign: [] });
});

test('a switch is set with the keyboard, and the focus stays on it', async ({ page }) => {
  await open(page, CRASH);
  const eadr = value(page, 'platform', 'eadr');
  await eadr.focus();
  await page.keyboard.press('Space');
  await expect(eadr).toHaveAttribute('aria-pressed', 'true');
  await expect(eadr).toBeFocused();
});

test('what does not go together, and what is not modelled, says so and changes nothing', async ({ page }) => {
  await open(page, CRASH);
  await page.getByRole('button', { name: 'All switches (' }).click();
  await value(page, 'entry-lock', 'yes').click();
  await expect(page.locator('.notice')).toContainText('entry-layout=packed-4.7');
  await expect(value(page, 'entry-lock', 'no')).toHaveAttribute('aria-pressed', 'true');
  const missing = page.locator('.switches button[aria-disabled=true][aria-pressed=false]');
  for (const button of await missing.all()) await expect(button).toContainText('not modelled');
  if (await missing.count() > 0) {
    const link = await page.evaluate(() => location.hash);
    await missing.first().press('Enter');
    await expect(page.locator('.notice')).toContainText('not modelled yet');
    expect(await page.evaluate(() => location.hash)).toBe(link);
  }
});

test('a branch is replayed under another kernel, or the page says at which step it ends', async ({ page }) => {
  await open(page, CRASH);
  await page.locator('.epochs').getByRole('button', { name: /^4\.10:/ }).click();
  const evict = page.locator('.next button', { hasText: 'hardware' }).first();
  while (!await evict.isVisible()) await page.keyboard.press('n');
  await evict.click();
  const writer = page.locator('.next button', { hasText: 'writer' });
  while (await writer.count() > 0) await writer.click();
  const { step, last } = await position(page);
  expect(step).toBe(last);
  await page.locator('.epochs').getByRole('button', { name: /^4\.5\.0:/ }).click();
  await expect(page.locator('.notice').first()).toContainText('is not possible any more: writer');
  const now = await position(page);
  expect(now.step).toBe(now.last);
  expect(now.last).toBeLessThan(last);
  await expect(page.getByText('You left the lecture')).toBeVisible();
});

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });
    test(`axe finds nothing with all switches unfolded in ${colorScheme}`, async ({ page }) => {
      test.slow();
      for (const size of SIZES) {
        await page.setViewportSize(size);
        await open(page, CRASH);
        await value(page, 'platform', 'eadr').click();
        await page.getByRole('button', { name: 'All switches (' }).click();
        await expectNoAxeViolation(page);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(size.width);
        await page.getByRole('button', { name: 'Only those' }).click();
      }
    });
  });
}
