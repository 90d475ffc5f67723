import { expect, test, type Page } from '@playwright/test';
import { LECTURES } from './lectures';
import { expectNoAxeViolation, FALLBACK, SINGLE_FILE } from './page';

/** The shell says in words that nothing can be stepped, and its text stays. */
async function expectTextAndReason(page: Page, reason: RegExp): Promise<void> {
  await expect(page.locator(FALLBACK).getByRole('heading', { level: 1 })).toHaveText('daxscope');
  await expect(page.locator(FALLBACK)).toContainText('One physical block');
  await expect(page.getByRole('status')).toContainText(reason);
}

for (const [form, address] of [['site', './'], ['single file', SINGLE_FILE]]) {
  test(`the ${form} says so when the browser has no WebAssembly`, async ({ page }) => {
    await page.addInitScript(() => { delete (globalThis as { WebAssembly?: unknown }).WebAssembly; });
    await page.goto(address);
    await expectTextAndReason(page, /could not start: this browser has no WebAssembly/);
    await expectNoAxeViolation(page);
  });
}

for (const file of ['first_bg.wasm', 'first.js']) {
  test(`the site says so when ${file} does not arrive`, async ({ page }) => {
    await page.route(`**/${file}`, (route) => route.abort());
    await page.goto('./');
    await expectTextAndReason(page, /could not start/);
  });
}

test.describe('without scripts', () => {
  test.use({ javaScriptEnabled: false });
  test('the shell can be read', async ({ page }) => {
    await page.goto('./');
    // axe is itself a script: the tests above have it look at this same shell.
    await expectTextAndReason(page, /needs scripts and WebAssembly/);
  });

  test('every lecture can be read as text', async ({ page }) => {
    await page.goto('./');
    await page.getByRole('link', { name: 'All lectures as text' }).click();
    await expect(page.locator('summary')).toHaveText(LECTURES.map(({ id, question }) => `${id}: ${question}`));
    const last = page.locator('details').last();
    await last.locator('summary').click();
    await expect(last.locator('pre')).toContainText('Step 1:');
  });
});
