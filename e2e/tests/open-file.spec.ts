import { expect, test, type Page } from '@playwright/test';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expectNoAxeViolation, SINGLE_FILE, started, watch } from './page';
import { daxscope, LECTURES, position, SIZES } from './lectures';

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const LEFT = fixture('left.img');
const BENCH = fixture('bench.json');
/** A step that acts in dax_writeback_one, of which the numbers of the fixture know something. */
const FLUSH = (() => {
  const { steps } = JSON.parse(daxscope('run', 'S04', '--json')) as { steps: { function: string }[] };
  return steps.findIndex((step) => step.function === 'dax_writeback_one');
})();

const dialog = (page: Page) => page.getByRole('dialog', { name: 'Open a file' });
const field = (page: Page) => dialog(page).getByLabel('File');
const costs = (page: Page) => page.locator('aside .costs');
const notice = (page: Page) => page.locator('.notice');

/** The page with all, at the place where a file is opened. */
async function opener(page: Page): Promise<void> {
  await page.goto('./#/1/?v=open');
  await started(page);
  await expect(dialog(page)).toBeVisible();
}

async function bytes(page: Page, name: string, content: Buffer | string): Promise<void> {
  await field(page).setInputFiles({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(content) });
}

test('an image boots step by step, and the text is that of the command line', async ({ page }) => {
  const seen = watch(page);
  await opener(page);
  await field(page).setInputFiles(LEFT);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('What boots from left.img?');
  await expect(page).toHaveTitle(/What boots from left\.img\?/);
  const { steps } = JSON.parse(daxscope('run', '--image', LEFT, '--json')) as { steps: { sentence: string }[] };
  expect((await position(page)).last).toBe(steps.length - 1);
  for (const { sentence } of steps.slice(0, 12)) {
    await expect(page.locator('#sentence')).toHaveText(sentence);
    await page.keyboard.press('n');
  }
  await page.keyboard.press('End');
  await expect(page.locator('#sentence')).toContainText('fsck finds nothing wrong');
  await page.keyboard.press('t');
  const text = (await page.locator('#transcript').innerText()).replace(/\s+/g, ' ').trim();
  expect(text).toBe(daxscope('run', '--image', LEFT).replace(/\s+/g, ' ').trim());
  expect(seen).toEqual({ errors: [], foreign: [] });
});

test('an image has kernels, switches and power cuts like a lecture, and no link', async ({ page }) => {
  await opener(page);
  await field(page).setInputFiles(LEFT);
  await expect(page.locator('.where')).toContainText('from a file');
  await page.getByLabel('Kernel', { exact: true }).selectOption('4.5.0');
  await expect(page.getByLabel('Kernel', { exact: true })).toHaveValue('4.5.0');
  await page.keyboard.press('Home');
  for (let step = 0; step < 4; step += 1) await page.keyboard.press('n');
  await page.getByRole('button', { name: 'Boot from this image' }).first().click();
  await expect(page.locator('#sentence')).toContainText('The power fails.');
  expect((await position(page)).step).toBe(5);
  await page.getByRole('button', { name: 'Return to it' }).click();
  await expect(page.getByText('You left the lecture’s path').or(page.getByText("You left the lecture's path"))).toHaveCount(0);
  await page.getByRole('button', { name: 'Copy link' }).click();
  await expect(page.getByRole('dialog')).toContainText('A link cannot carry an image');
  await expect(page.getByRole('dialog')).toContainText('What boots from left.img?');
  await expectNoAxeViolation(page);
  await page.keyboard.press('Escape');
  // The address leads back to where a file is opened, not to an error.
  await expect.poll(() => page.evaluate(() => location.hash)).toBe('#/1/?v=open');
  await page.reload();
  await started(page);
  await expect(dialog(page)).toBeVisible();
});

test('the numbers of a benchmark stand beside the step whose function they are about', async ({ page }) => {
  await page.goto(`./#/1/${LECTURES.find(({ id }) => id === 'S04')!.slug}/~/${FLUSH}`);
  await started(page);
  await page.keyboard.press('o');
  await expect(dialog(page)).toBeVisible();
  expect((await position(page)).step).toBe(FLUSH);
  await field(page).setInputFiles(BENCH);
  await expect(notice(page)).toContainText('4 measured rows');
  await expect(costs(page)).toContainText('one dirty line per entry');
  await expect(costs(page)).toContainText('12.3 ns per entry');
  await expect(costs(page)).toContainText('1.04 × the bare clwb loop');
  await expect(costs(page)).toContainText('write-backs 1 · fences 0');
  // Sizes of one case are a table; what was counted the same in all stands below it.
  const sizes = costs(page).getByRole('listitem').filter({ hasText: 'whole page per entry, dense' });
  await expect(sizes.getByRole('columnheader')).toHaveText(['entries', 'ns per entry', '× the bare clwb loop']);
  await expect(sizes.getByRole('row', { name: '1000' })).toHaveText('10004031.02');
  await expect(sizes).toContainText('write-backs 64');
  await expect(sizes).not.toContainText('fences');
  await expect(costs(page)).toContainText('emulated: counts hold, times do not.');
  await expect(costs(page)).toContainText('DAX, MAP_SYNC · clwb · A CPU of an example · 6.12 · bench.json');
  await expectNoAxeViolation(page);
  await page.keyboard.press('Home');
  await expect(costs(page)).toContainText('This step acts in no kernel function');
  await page.keyboard.press('n');
  await expect(costs(page)).toContainText(/Nothing was measured|acts in no kernel function/);
  await page.keyboard.press('t');
  await expect(page.locator('main .costs')).toContainText('jbd2_journal_commit_transaction');
  await expectNoAxeViolation(page);
  await page.keyboard.press('Escape');
  // Another lecture has them too.
  await page.goto('./#/1/?v=history');
  await page.goto(`./#/1/${LECTURES[2].slug}/~/3`);
  await expect(costs(page)).toBeVisible();
});

test('what cannot be opened is told, and everything else stays', async ({ page }) => {
  test.slow();
  await page.goto(`./#/1/${LECTURES.find(({ id }) => id === 'S20')!.slug}/~/3`);
  await started(page);
  const question = await page.getByRole('heading', { level: 1 }).innerText();
  const wrong: [string, string | null, RegExp][] = [
    ['short.img', 'DAXSCOPE', /8 bytes are no device; expected 8192/],
    ['broken.json', '{ "format": 1, ', /broken\.json was not opened: .*JSON/],
    ['old.json', '{ "format": 7 }', /`format` is 7, expected 1/],
    ['rows.json', JSON.stringify({ ...JSON.parse(readFileSync(BENCH, 'utf8')), rows: [{ functions: 1 }] }), /`rows\[0\]\.functions` is a number, expected a list/],
    ['large.img', null, /33554433 bytes are no device/],
  ];
  // From a file, for so much takes long to get to the browser otherwise.
  const large = test.info().outputPath('large.img');
  writeFileSync(large, '');
  truncateSync(large, 33_554_433);
  for (const [name, content, says] of wrong) {
    await page.getByRole('button', { name: 'Open…' }).click();
    await (content !== null ? bytes(page, name, content) : field(page).setInputFiles(large));
    await expect(page.getByRole('alert')).toContainText(says);
    await expect(page.getByRole('alert')).toContainText('Everything else is as it was.');
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(question);
    expect((await position(page)).step).toBe(3);
  }
  await expectNoAxeViolation(page);
  await page.keyboard.press('n');
  expect((await position(page)).step).toBe(4);
  await expect(page.getByRole('alert')).toHaveCount(0);
  // Bytes without any sense are a device that does not mount.
  await page.keyboard.press('o');
  await bytes(page, 'noise.img', Buffer.alloc(8_192, 7));
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('What boots from noise.img?');
  await expect(page.locator('#stage')).toBeFocused();
  await page.keyboard.press('End');
  await expect(page.locator('.verdict')).toContainText('metadata-torn');
});

test('the keyboard alone opens the dialog and leaves it, and a file can be dropped', async ({ page }) => {
  await page.goto('./#/1/?v=history');
  await started(page);
  await page.keyboard.press('o');
  await expect(field(page)).toBeFocused();
  await expectNoAxeViolation(page);
  await page.keyboard.press('Escape');
  await expect(dialog(page)).toBeHidden();
  const dropped = readFileSync(LEFT).toString('base64');
  await page.evaluate((base64) => {
    const carried = new DataTransfer();
    carried.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], 'dropped.img'));
    for (const kind of ['dragover', 'drop']) {
      document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true }));
    }
  }, dropped);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('What boots from dropped.img?');
});

test('from the first part of the page the button leads to the part that opens files', async ({ page }) => {
  await page.goto('./');
  await started(page);
  await page.getByRole('button', { name: 'Open…' }).click();
  await expect(dialog(page)).toBeVisible();
  const first = LECTURES.find(({ id }) => id === 'S04')!;
  await page.goto('about:blank');
  await page.goto(`./#/1/${first.slug}/~/5`);
  await started(page);
  await page.keyboard.press('o');
  await expect(dialog(page)).toBeVisible();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(first.question);
  await field(page).setInputFiles(BENCH);
  await expect(costs(page)).toBeVisible();
  expect((await position(page)).step).toBe(5);
});

test('the single file opens files too', async ({ page }) => {
  const seen = watch(page);
  await page.goto(SINGLE_FILE);
  await started(page);
  await page.getByRole('button', { name: 'Open…' }).click();
  await field(page).setInputFiles(LEFT);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('What boots from left.img?');
  expect(seen).toEqual({ errors: [], foreign: [] });
});

for (const size of SIZES) {
  test(`image and numbers fit a window of ${size.width} × ${size.height}`, async ({ page }) => {
    await page.setViewportSize(size);
    await opener(page);
    await field(page).setInputFiles(BENCH);
    // Read before the dialog is opened again: what has been read closes it.
    await expect(notice(page)).toContainText('measured rows');
    await page.getByRole('button', { name: 'Open…' }).click();
    await field(page).setInputFiles(LEFT);
    await expect(costs(page)).toBeVisible();
    await expectNoAxeViolation(page);
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(wider).toBeLessThanOrEqual(0);
  });
}
