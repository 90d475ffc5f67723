import { expect, test } from '@playwright/test';
import { expectNoAxeViolation, started } from './page';
import { LECTURES, open, position, SIZES } from './lectures';

for (const colorScheme of ['light', 'dark'] as const) {
  for (const size of SIZES) {
    test.describe(`${colorScheme}, ${size.width} × ${size.height}`, () => {
      test.use({ colorScheme, viewport: size, reducedMotion: 'reduce' } as object);

      test('axe finds nothing on the catalogue', async ({ page }) => {
        await page.goto('./');
        await started(page);
        await expectNoAxeViolation(page);
      });

      // Every lecture at the widest size, in light and dark by turns; at the others the layout differs, so one shows it.
      const turn = LECTURES.filter((_, number) => (number % 2 === 0) === (colorScheme === 'light'));
      for (const lecture of size === SIZES[0] ? turn : LECTURES.slice(-1)) {
        test(`axe finds nothing in the middle of ${lecture.id}`, async ({ page }) => {
          test.slow();
          await open(page, lecture);
          const { last } = await position(page);
          const middle = Math.floor(last / 2);
          await page.goto(`./#/1/${lecture.slug}/~/${middle}`);
          await expect.poll(async () => (await position(page)).step).toBe(middle);
          await expectNoAxeViolation(page);
        });
      }

      test('axe finds nothing in the help and in the text view', async ({ page }) => {
        await open(page, LECTURES[0]);
        await page.keyboard.press('?');
        await expect(page.getByRole('dialog')).toBeVisible();
        await expectNoAxeViolation(page);
        await page.keyboard.press('Escape');
        await page.keyboard.press('t');
        await expect(page.locator('#transcript')).toBeVisible();
        await expectNoAxeViolation(page);
      });
    });
  }
}

test('what can be pressed is at least 24 CSS pixels, 44 in the bar of a phone', async ({ page }) => {
  const small = (least: number, where: string) => page.locator(where).evaluateAll((elements, least) => elements
    .filter((element) => (element as HTMLElement).offsetParent !== null)
    .map((element) => [element.outerHTML.slice(0, 120), element.getBoundingClientRect()] as const)
    .filter(([, box]) => box.width < least - 0.5 || box.height < least - 0.5)
    .map(([html]) => html), least);
  await open(page, LECTURES[0]);
  expect(await small(24, 'button, select, a:not(.skips a), [role=slider], [role=treeitem]')).toEqual([]);
  await page.setViewportSize(SIZES[2]);
  expect(await small(44, '.bar button')).toEqual([]);
});

test('the skip links lead to stage, bar and text', async ({ page }) => {
  await open(page, LECTURES[0]);
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to the stage' })).toBeFocused();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: 'Step', exact: true })).toBeFocused();
});

test('the stage can be read with forced colours', async ({ page }) => {
  await page.emulateMedia({ forcedColors: 'active' });
  await open(page, LECTURES[0]);
  await page.keyboard.press('End');
  const hidden = await page.locator('.ln.P, .ln.V, .ln.W').evaluateAll((lines) => lines
    .filter((line) => getComputedStyle(line).color === getComputedStyle(line).backgroundColor).length);
  expect(hidden).toBe(0);
});
