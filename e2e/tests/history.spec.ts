import { expect, test, type Page } from '@playwright/test';
import { expectNoAxeViolation, started, watch } from './page';
import { daxscope, LECTURES, SIZES } from './lectures';

type Row = { id: string; variant: string; verdicts: Record<string, string>; derived: string[] };
const MATRIX: { epochs: string[]; rows: Row[] } = JSON.parse(daxscope('matrix', '--json'));
/** So many rows are computed soon. */
const SOON = 8;

/** Opens the history by its own link and waits until its first rows have been computed. */
async function openHistory(page: Page): Promise<void> {
  await page.goto('./#/1/?v=history');
  await started(page);
  await expect(rows(page).nth(SOON - 1).locator('td').last()).toHaveText(/^[✓✗–]/u, { timeout: 20_000 });
}

/** Waits until all of it has been computed, which takes a while. */
async function computed(page: Page): Promise<void> {
  await expect(page.getByRole('grid')).toHaveAttribute('aria-busy', 'false', { timeout: 120_000 });
}

/** The rows of verdicts, without the questions between them. */
const rows = (page: Page) => page.locator('.history tbody tr:not(.lecture)');
/** A cell's link. */
const cell = (page: Page, row: number, column: number) => rows(page).nth(row).locator('td > *').nth(column);

test('the history is reached from the catalogue, and the browser leads back', async ({ page }) => {
  const seen = watch(page);
  await page.goto('./');
  await started(page);
  await page.getByRole('link', { name: 'History' }).click();
  await expect(page).toHaveURL(/#\/1\/\?v=history$/);
  await expect(page).toHaveTitle(/History/);
  await expect(page.getByRole('link', { name: 'History' })).toHaveAttribute('aria-current', 'page');
  await page.goBack();
  await expect(page.locator('.card')).toHaveCount(LECTURES.length);
  expect(seen).toEqual({ errors: [], foreign: [] });
});

test('a cell opens its lecture, variant and kernel at the step that decides', async ({ page }) => {
  await openHistory(page);
  const row = MATRIX.rows.findIndex(({ verdicts }) => MATRIX.epochs.some((epoch) => verdicts[epoch] !== 'ok'));
  const column = MATRIX.epochs.findIndex((epoch) => !['ok', undefined].includes(MATRIX.rows[row].verdicts[epoch]));
  const { id, variant, verdicts } = MATRIX.rows[row];
  const epoch = MATRIX.epochs[column];
  await cell(page, row, column).click();
  const lecture = LECTURES.find((lecture) => lecture.id === id)!;
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(lecture.question);
  await expect(page.locator('.verdict.new')).toContainText(verdicts[epoch]);
  const chosen = page.locator('.epochs button[aria-pressed=true]');
  await expect(chosen).toHaveAttribute('aria-label', new RegExp(`^(series )?${epoch.replaceAll('.', '\\.')}: `));
  const name = JSON.parse(daxscope('run', await page.evaluate(() => location.hash), '--json'));
  expect([name.id, name.variant, name.epoch]).toEqual([id, variant, epoch]);
});

test('the grid is one tab stop, walked with the arrows, and Enter opens', async ({ page }) => {
  await openHistory(page);
  const stops = page.locator('.history table [tabindex="0"]');
  await expect(stops).toHaveCount(1);
  await stops.focus();
  await page.keyboard.press('ArrowRight');
  await expect(cell(page, 0, 0)).toBeFocused();
  await page.keyboard.press('End');
  await expect(cell(page, 0, MATRIX.epochs.length - 1)).toBeFocused();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowLeft');
  const here = cell(page, 1, MATRIX.epochs.length - 2);
  await expect(here).toBeFocused();
  await expect(stops).toHaveCount(1);
  await page.keyboard.press('Control+End');
  await expect(cell(page, MATRIX.rows.length - 1, MATRIX.epochs.length - 1)).toBeFocused();
  await page.keyboard.press('Control+Home');
  await expect(rows(page).first().locator('th a')).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  // Out of the grid and back in: the cell that had the focus is the tab stop.
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Tab');
  await expect(cell(page, 1, 0)).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('slider')).toBeVisible();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(
    LECTURES.find((lecture) => lecture.id === MATRIX.rows[1].id)!.question,
  );
});

test('the page answers while the history is computed, rests after it, and shows what `daxscope matrix` prints', async ({ page }) => {
  test.setTimeout(150_000);
  await page.addInitScript(() => {
    const w = globalThis as unknown as { tasks: number[]; answered: number };
    w.tasks = [];
    const timer = setTimeout.bind(globalThis) as (...args: unknown[]) => number;
    globalThis.setTimeout = ((run: () => void, ...rest: unknown[]) => timer(() => {
      const start = performance.now();
      run();
      w.tasks.push(performance.now() - start);
    }, ...rest)) as typeof setTimeout;
  });
  await page.goto('./#/1/?v=history');
  await started(page);
  await page.keyboard.press('m');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'light');
  await computed(page);
  const tasks = () => page.evaluate(() => (globalThis as unknown as { tasks: number[] }).tasks);
  await page.waitForTimeout(300);
  const done = await tasks();
  console.log(`history: ${done.length} tasks, the longest ${Math.max(...done).toFixed(1)} ms`);
  expect(done.length, 'it is computed in many tasks').toBeGreaterThan(LECTURES.length);
  await page.waitForTimeout(700);
  expect((await tasks()).length, 'nothing runs when all is known').toBe(done.length);
  // Derived verdicts are marked.
  await expect(page.locator('.history thead th')).toHaveCount(1 + MATRIX.epochs.length);
  await expect(page.locator('.history tr.lecture')).toHaveCount(LECTURES.length);
  const shown = await rows(page).evaluateAll((rows) => rows.map((row) => ({
    variant: row.querySelector('th code')!.textContent!,
    verdicts: [...row.querySelectorAll('td')].map((cell) => cell.textContent!),
  })));
  const expected = MATRIX.rows.map(({ variant, verdicts, derived }) => ({
    variant,
    verdicts: MATRIX.epochs.map((epoch) => {
      const verdict = verdicts[epoch];
      if (verdict === undefined) return '–';
      return `${verdict === 'ok' ? '✓' : '✗'} ${verdict}${derived.includes(epoch) ? '*' : ''}`;
    }),
  }));
  expect(shown).toEqual(expected);
  await expect(page.locator('.meanings')).toContainText('expected by derivation');
});

for (const size of [...SIZES, { width: 320, height: 640 }]) {
  test(`words fit their cells and nothing but the grid scrolls sideways at ${size.width} × ${size.height}`, async ({ page }) => {
    await page.setViewportSize(size);
    await openHistory(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(size.width);
    const wide = () => page.locator('.history td').evaluateAll((cells, shown) => cells.slice(0, shown)
      .filter((cell) => cell.firstElementChild!.scrollWidth > cell.clientWidth)
      .map((cell) => cell.textContent), SOON * MATRIX.epochs.length);
    expect(await wide()).toEqual([]);
    const small = await page.locator('.history td > *, .history th > a').evaluateAll((links) => links
      .filter((link) => link.getBoundingClientRect().height < 24).length);
    expect(small).toBe(0);
    // The headings stay: of the columns when it is scrolled down, of the rows when it is scrolled aside.
    await cell(page, MATRIX.rows.length - 1, MATRIX.epochs.length - 1).focus();
    await expect(cell(page, MATRIX.rows.length - 1, MATRIX.epochs.length - 1)).toBeInViewport({ ratio: 1 });
    await expect(page.locator('.history thead th').last()).toBeInViewport({ ratio: 1 });
    await expect(rows(page).last().locator('th a')).toBeInViewport({ ratio: 1 });
    // The longest verdict words, whether or not a lecture shows them yet.
    await page.locator('.history td').evaluateAll((cells, shown) => cells.slice(0, shown).forEach((cell, number) => {
      cell.className = 'no';
      cell.firstElementChild!.textContent = `✗ ${['overwritten', 'invariant-broken', 'leak-of-old-data'][number % 3]}*`;
    }), SOON * MATRIX.epochs.length);
    expect(await wide()).toEqual([]);
  });
}

for (const [colorScheme, size] of [['light', SIZES[0]], ['dark', SIZES[2]]] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme, viewport: size });
    test(`axe finds nothing on the history in ${colorScheme} at ${size.width} × ${size.height}`, async ({ page }) => {
      test.slow();
      await openHistory(page);
      await expectNoAxeViolation(page);
    });
  });
}
