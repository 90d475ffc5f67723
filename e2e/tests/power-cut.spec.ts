import { expect, test, type Page } from '@playwright/test';
import { expectNoAxeViolation, started, watch } from './page';
import { daxscope, position, SIZES } from './lectures';

/** Half an operation is in DAX memory: one image keeps it, one loses it. */
const TORN = './#/1/no-steal/~/8?w=dax';

const sentence = (page: Page) => page.locator('#sentence');
const boot = (page: Page, verdict: string) => page.getByRole('button', { name: `Boot from this image: ${verdict}` });
const hash = (page: Page) => page.evaluate(() => location.hash);

test('the machine boots from an image of the crash report, step by step, and the way back is one press', async ({ page }) => {
  const seen = watch(page);
  await page.goto(TORN);
  await started(page);
  await expect(page.locator('.crash li')).toHaveCount(2);
  await boot(page, 'metadata-torn').focus();
  await page.keyboard.press('Enter');
  await expect(sentence(page)).toContainText('The power fails.');
  expect((await position(page)).step).toBe(9);
  await expect.poll(() => hash(page)).toContain('~8.!');
  const told: string[] = [];
  while ((await position(page)).step < (await position(page)).last) {
    await page.keyboard.press('n');
    told.push(await sentence(page).innerText());
  }
  for (const says of ['Scan ends', 'Revoke ends', 'The log is replayed', 'The file system is mounted', 'fsck finds: b9 belongs to nobody']) {
    expect(told.filter((said) => said.startsWith(says)), says).toHaveLength(1);
  }
  await expect(page.locator('.verdict')).toContainText('metadata-torn');
  await page.keyboard.press('p');
  await expect(sentence(page)).toContainText('mount returns');
  await expect.poll(() => hash(page)).toContain(`/${(await position(page)).step}?`);
  const said = JSON.parse(daxscope('run', await hash(page), '--json'));
  expect(said.steps[0].sentence).toBe(await sentence(page).innerText());
  await page.reload();
  await started(page);
  await expect(sentence(page)).toContainText('mount returns');
  await page.getByRole('button', { name: 'Return to it' }).click();
  await expect.poll(() => hash(page)).not.toContain('!');
  expect(seen).toEqual({ errors: [], foreign: [] });
});

test('the browser leads back to the step where the power was cut, and another image is another boot', async ({ page }) => {
  await page.goto(TORN);
  await started(page);
  await boot(page, 'ok').click();
  await expect(sentence(page)).toContainText('so are stores to 1 line');
  await page.goBack();
  await expect.poll(async () => (await position(page)).step).toBe(8);
  await expect(sentence(page)).not.toContainText('The power fails.');
  await boot(page, 'ok').click();
  await page.getByRole('button', { name: 'Last step' }).click();
  await expect(sentence(page)).toContainText('fsck finds nothing wrong');
});

test('a power cut during a recovery begins it anew', async ({ page }) => {
  const { steps } = JSON.parse(daxscope('run', 'S20', '--variant', 'boot', '--json')) as { steps: { sentence: string }[] };
  const step = steps.findIndex(({ sentence }) => sentence.startsWith('Replay:'));
  await page.goto(`./#/1/replay-and-revoke/~/${step}?w=boot`);
  await started(page);
  await boot(page, 'ok').click();
  await expect(sentence(page)).toContainText('The power fails.');
  expect((await position(page)).step).toBe(step + 1);
  await page.getByRole('button', { name: 'Last step' }).click();
  await expect(sentence(page)).toContainText('reads page 0 of file b: DATA');
});

test('axe finds nothing on a boot', async ({ page }) => {
  test.slow();
  for (const size of SIZES) {
    await page.setViewportSize(size);
    await page.goto(TORN);
    await started(page);
    await boot(page, 'metadata-torn').click();
    await page.getByRole('button', { name: 'Last step' }).click();
    await expectNoAxeViolation(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(size.width);
  }
});
