import { expect, test } from '@playwright/test';
import { daxscope, LECTURES, normalised, open, SOME } from './lectures';

for (const lecture of SOME) {
  test(`the text view of ${lecture.id} is what the command line prints`, async ({ page }) => {
    await open(page, lecture);
    await page.keyboard.press('t');
    const text = await page.locator('#transcript').evaluate((element) => element.textContent!);
    const parts = await page.locator('#transcript').locator('h2, pre').allTextContents();
    expect(normalised(parts.join('\n'))).toBe(normalised(daxscope('run', lecture.id)));
    expect(text.length).toBeGreaterThan(500);
  });
}

test('in the text view single keys are off, and Escape leads back to the step', async ({ page }) => {
  await open(page, LECTURES[0]);
  await page.keyboard.press('n');
  await page.keyboard.press('t');
  await expect(page.locator('#transcript')).toBeVisible();
  await page.keyboard.press('n');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('slider')).toHaveAttribute('aria-valuenow', '1');
});
