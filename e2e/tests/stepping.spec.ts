import { expect, test } from '@playwright/test';
import { watch } from './page';
import { LECTURES, open, position, press, sentence, SOME } from './lectures';

for (const lecture of SOME) {
  test(`${lecture.id} can be walked to its end and back with the keyboard alone`, async ({ page }) => {
    const seen = watch(page);
    await open(page, lecture);
    const { last } = await position(page);
    expect(last).toBeGreaterThan(3);
    const sentences = [await sentence(page)];
    for (let step = 1; step <= last; step += 1) {
      await press(page, 'ArrowRight', step);
      sentences.push(await sentence(page));
    }
    await press(page, 'ArrowRight', last);
    for (let step = last - 1; step >= 0; step -= 1) {
      await press(page, 'ArrowLeft', step);
      expect(await sentence(page)).toBe(sentences[step]);
    }
    expect(sentences.every((it) => it.split(/\s+/).length <= 33)).toBe(true);
    expect(seen).toEqual({ errors: [], foreign: [] });
  });
}

test('every key of the map does what it says', async ({ page }) => {
  await open(page, LECTURES[0]);
  const { last } = await position(page);
  await press(page, ' ', 1);
  await press(page, 'PageDown', 2);
  await press(page, 'n', 3);
  await press(page, 'p', 2);
  await press(page, 'PageUp', 1);
  await press(page, 'Shift+ ', 0);
  await press(page, 'End', last);
  await press(page, 'Home', 0);
  await page.keyboard.press('Shift+ArrowRight');
  const event = (await position(page)).step;
  expect(event).toBeGreaterThan(0);
  await press(page, 'Shift+ArrowLeft', 0);
  await page.keyboard.press('g');
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.getByRole('spinbutton').fill('3');
  await press(page, 'Enter', 3);
  await expect(page.getByRole('dialog')).toBeHidden();
  const theme = () => page.locator('html').getAttribute('data-theme');
  const before = await theme();
  await page.keyboard.press('m');
  expect(await theme()).not.toBe(before);
});

test('the help opens over the stage, keeps the keys to itself, and gives the focus back', async ({ page }) => {
  await open(page, LECTURES[0]);
  const help = page.getByRole('button', { name: 'Keys and help' });
  await help.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.keyboard.press('n');
  await page.keyboard.press('t');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
  await expect(help).toBeFocused();
  expect((await position(page)).step).toBe(0);
});

test('the buttons and the scrubber step, and the focus stays where it was', async ({ page }) => {
  await open(page, LECTURES[0]);
  const { last } = await position(page);
  const step = page.getByRole('button', { name: 'Step', exact: true });
  await step.click();
  expect((await position(page)).step).toBe(1);
  await page.keyboard.press('Space');
  expect((await position(page)).step).toBe(2);
  await press(page, 'ArrowLeft', 1);
  await expect(step).toBeFocused();
  const slider = page.getByRole('slider');
  await slider.focus();
  await press(page, 'ArrowUp', 2);
  await press(page, 'ArrowDown', 1);
  await expect(slider).toHaveAttribute('aria-valuetext', `Step 1 of ${last}: ${await sentence(page)}`);
  const box = (await slider.boundingBox())!;
  await slider.click({ position: { x: box.width - 2, y: box.height / 2 } });
  expect((await position(page)).step).toBe(last);
});

test('a focused tree owns its arrows, letters still step', async ({ page }) => {
  await open(page, LECTURES[0]);
  await page.keyboard.press('End');
  const trees = page.getByRole('tree');
  expect(await trees.count(), 'a tree holds something at the end').toBeGreaterThan(0);
  const { last } = await position(page);
  await trees.first().getByRole('treeitem').first().focus();
  await press(page, 'ArrowLeft', last);
  await press(page, 'p', last - 1);
});

test('an action that could happen next is one key away, and so is the way back', async ({ page }) => {
  await open(page, LECTURES[0]);
  const actions = page.locator('.next button');
  const other = actions.filter({ hasNotText: 'the lecture does this' });
  if ((await other.count()) === 0) await page.keyboard.press('n');
  await expect(other.first()).toBeVisible();
  const { step } = await position(page);
  await page.keyboard.press((await other.first().getAttribute('aria-keyshortcuts'))!);
  expect((await position(page)).step).toBe(step + 1);
  await page.getByRole('button', { name: 'Return to it' }).click();
  await expect(page.getByText('You left the lecture')).toBeHidden();
});

test('the sentence is the one live region', async ({ page }) => {
  await open(page, LECTURES[0]);
  await expect(page.locator('[aria-live]:visible, [role=status]:visible, [role=alert]:visible, [role=log]:visible')).toHaveCount(1);
  await expect(page.getByRole('status')).toHaveText(await sentence(page));
});
