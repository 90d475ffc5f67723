import { expect, test, type Page } from '@playwright/test';
import { daxscope, LECTURES, open, position } from './lectures';

/** The lecture that has all of it: a journal, a revoke record, a freed block that is used again. */
const LECTURE = LECTURES.find((lecture) => lecture.id === 'S20')!;

/** Steps on until the sentence says this. */
async function step(page: Page, until: RegExp): Promise<void> {
  const { step, last } = await position(page);
  for (let next = step + 1; next <= last; next += 1) {
    await page.keyboard.press('n');
    await expect(page.getByRole('slider')).toHaveAttribute('aria-valuenow', String(next));
    if (until.test(await page.locator('#sentence').innerText())) return;
  }
  throw new Error(`no sentence says ${until}`);
}

const cell = (page: Page, row: string, block: string) =>
  page.locator(`.matrix tr[data-row=${row}] td[data-block=${block}]`);

test('the rows of the transactions and of the log stand at every step', async ({ page }) => {
  await open(page, LECTURE);
  const rows = () => page.locator('.matrix tr[data-row]').evaluateAll((rows) => rows
    .map((row) => row.getAttribute('data-row')));
  const first = await rows();
  expect(first).toEqual(expect.arrayContaining(['owner', 'device', 'running', 'committing', 'checkpoint', 'log']));
  await page.keyboard.press('End');
  expect(await rows()).toEqual(first);
  await expect(page.locator('.matrix tr[data-row=log] th')).toHaveAttribute('scope', 'row');
});

test('a buffer goes from list to list, and each cell says so in words', async ({ page }) => {
  await open(page, LECTURE);
  await step(page, /sets the bit of b\d+ in the bitmap b1/);
  await expect(cell(page, 'running', 'b1')).toContainText('Metadata');
  await expect(cell(page, 'device', 'b1')).toContainText('JBDDirty');
  await expect(cell(page, 'device', 'b1').locator('.bh')).toHaveText('J');
  await step(page, /a copy of b1 goes to the log/);
  await expect(cell(page, 'committing', 'b1')).toContainText('Shadow');
  await expect(cell(page, 'running', 'b1')).toHaveText('');
  await step(page, /b1 is ordinary dirty now/);
  await expect(cell(page, 'checkpoint', 'b1')).toContainText('T1');
});

test('a freed block says who still believes otherwise, and its old copy in the log is struck out', async ({ page }) => {
  await open(page, LECTURE);
  await step(page, /clears the bit of b9 in the bitmap/);
  await expect(cell(page, 'owner', 'b9').locator('.doubt').first()).toHaveText('kept for T2');
  await expect(cell(page, 'log', 'b9').locator('.ln')).not.toHaveClass(/dead/);
  await step(page, /^The commit of T2 has ended/);
  await expect(cell(page, 'log', 'b9').locator('.ln.dead')).toHaveCount(1);
  await expect(cell(page, 'log', 'b9')).toContainText('revoked by T2');
});

test('the ring holds the blocks of the log in words, with tail and head', async ({ page }) => {
  await open(page, LECTURE);
  const blocks = page.locator('.ring li');
  await expect(blocks).toHaveCount(16);
  await expect(blocks.first()).toContainText('tail, head');
  await step(page, /^T1: the commit block goes to the log/);
  await expect(blocks.first()).toContainText('descriptor block of T1');
  await expect(page.locator('.ring li.head')).toHaveCount(1);
  await page.locator('.matrix thead th[data-block=b9] button').focus();
  await expect(page.locator('.ring li.hl')).toHaveAttribute('data-block', 'b9');
});

test('the panel tells all of the block that is focused, else of the one touched last', async ({ page }) => {
  await open(page, LECTURE);
  await step(page, /sets the bit of b\d+ in the bitmap b1/);
  const panel = page.locator('.facts').filter({ has: page.getByRole('heading', { name: /^Block / }) });
  await expect(panel.getByRole('heading')).toHaveText('Block b1');
  await expect(panel.getByRole('row', { name: /journal head/ })).toContainText('BJ_Metadata of T1');
  await page.locator('.matrix thead th[data-block=b9] button').focus();
  await expect(panel.getByRole('heading')).toHaveText('Block b9');
  await expect(panel.getByRole('row', { name: /owner/ })).toContainText('a indirect');
  const transaction = page.locator('.facts').filter({ has: page.getByRole('heading', { name: 'Transaction T1 running' }) });
  await expect(transaction.getByRole('row', { name: /BJ_Metadata/ })).toContainText('b1');
});

test('what the stage says of a step is what the command line prints', async ({ page }) => {
  await open(page, LECTURE);
  await step(page, /^The commit of T2 has ended/);
  const at = (await position(page)).step;
  const printed = daxscope('run', LECTURE.id, '--step', String(at));
  for (const block of await page.locator('.ring li .sr').allInnerTexts()) {
    if (block) expect(printed).toContain(block);
  }
  for (const row of await page.locator('.facts').first().getByRole('row').all()) {
    const [name, says] = [await row.getByRole('rowheader').innerText(), await row.getByRole('cell').innerText()];
    if (says !== 'none') expect(printed).toContain(`${name} ${says}`);
  }
});
