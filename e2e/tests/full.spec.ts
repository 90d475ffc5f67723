import { expect, test } from '@playwright/test';
import { expectNoAxeViolation, firstWorkerMessage, started, watch } from './page';
import { LECTURES, SMALL } from './lectures';

test('the small page leads to the full one, which has every lecture', async ({ page }) => {
  const seen = watch(page);
  await page.goto('./');
  await started(page);
  await expect(page.locator('.card')).toHaveCount(SMALL.length);
  await page.getByRole('link', { name: 'More lectures' }).click();
  await page.waitForURL('**/full/');
  await started(page);
  await expect(page.locator('.card')).toHaveCount(LECTURES.length);
  await expect(page.getByRole('link', { name: 'More lectures' })).toHaveCount(0);
  await expectNoAxeViolation(page);
  expect(await firstWorkerMessage(page)).toBe('ready');
  expect(seen).toEqual({ errors: [], foreign: [] });
});
