import { expect, test } from '@playwright/test';
import { expectNoAxeViolation, firstWorkerMessage, SINGLE_FILE, started, watch } from './page';

test('the site starts without an error and asks nobody else for anything', async ({ page }) => {
  const seen = watch(page);
  await page.goto('./');
  await started(page);
  await expect(page).toHaveTitle(/daxscope/);
  await expectNoAxeViolation(page);
  expect(seen).toEqual({ errors: [], foreign: [] });
});

test('the site starts its worker', async ({ page }) => {
  const seen = watch(page);
  await page.goto('./');
  await started(page);
  expect(await firstWorkerMessage(page)).toBe('ready');
  expect(seen).toEqual({ errors: [], foreign: [] });
});

test('the single file opens from a disk with the network off, its worker included', async ({ page, context }) => {
  await context.setOffline(true);
  const seen = watch(page);
  await page.goto(SINGLE_FILE);
  await started(page);
  await expect(page).toHaveTitle(/daxscope/);
  await expectNoAxeViolation(page);
  expect(await firstWorkerMessage(page)).toBe('ready');
  expect(seen).toEqual({ errors: [], foreign: [] });
});
