import { expect, test } from '@playwright/test';
import { daxscope, FIRST, LECTURES } from './lectures';
import { SINGLE_FILE, started, watch } from './page';

const LATER = LECTURES.filter((lecture) => !lecture.first);

test('a first visit loads its own module and no other', async ({ page }) => {
  const files: string[] = [];
  page.on('request', (request) => files.push(new URL(request.url()).pathname.split('/').pop()!));
  await page.goto('./');
  await started(page);
  expect(files.filter((file) => /wasm|daxscope/.test(file))).toEqual(['first_bg.wasm']);
  await expect(page.locator('.card')).toHaveCount(FIRST.length);
});

test('its cards say what `daxscope matrix` says', async ({ page }) => {
  const { rows } = JSON.parse(daxscope('matrix', '--json')) as { rows: { id: string; verdicts: Record<string, string> }[] };
  await page.goto('./');
  await started(page);
  for (const [number, lecture] of FIRST.entries()) {
    const verdicts = new Set(Object.values(rows.find((row) => row.id === lecture.id)!.verdicts));
    const shown = page.locator('.card').nth(number).locator('.verdicts b');
    await expect(async () => {
      const words = (await shown.allInnerTexts()).map((text) => text.replace(/^\S+\s/, ''));
      expect(new Set(words)).toEqual(verdicts);
    }).toPass();
  }
});

test('the other lectures are one click away, and the way back leads to all', async ({ page }) => {
  const seen = watch(page);
  await page.goto('./');
  await started(page);
  const links = page.locator('.elsewhere li a');
  await expect(links).toHaveText(LATER.map(({ id, question }) => `${id} ${question}`));
  await links.first().click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(LATER[0].question);
  await page.goBack();
  await expect(page.locator('.card')).toHaveCount(LECTURES.length);
  await expect(page.locator('.elsewhere')).toHaveCount(0);
  expect(seen).toEqual({ errors: [], foreign: [] });
});

test('a link with a switch brings the whole', async ({ page }) => {
  const files: string[] = [];
  page.on('request', (request) => files.push(new URL(request.url()).pathname.split('/').pop()!));
  await page.goto(`./#/1/${FIRST[0].slug}/~/0?s=platform.eadr`);
  await started(page);
  expect(files).toContain('daxscope_bg.wasm');
  await expect(page.locator('.where')).toContainText('set by hand');
});

test('the single file has them all', async ({ page }) => {
  await page.goto(SINGLE_FILE);
  await started(page);
  await expect(page.locator('.card')).toHaveCount(LECTURES.length);
});
