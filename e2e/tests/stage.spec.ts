import { expect, test } from '@playwright/test';
import { LECTURES, open, position, SIZES, SOME } from './lectures';

for (const lecture of SOME) {
  test(`${lecture.id} stays light: at most 1,400 elements at any step`, async ({ page }) => {
    await open(page, lecture);
    const { last } = await position(page);
    let most = 0;
    for (let step = 0; step <= last; step += 1) {
      most = Math.max(most, await page.evaluate(() => document.querySelectorAll('*').length));
      await page.keyboard.press('n');
    }
    console.log(`${lecture.id}: at most ${most} elements`);
    expect(most).toBeLessThanOrEqual(1400);
  });

  test(`${lecture.id} fits 320 CSS pixels without scrolling sideways`, async ({ page }) => {
    await page.setViewportSize({ width: 320, height: 640 });
    await open(page, lecture);
    for (const key of ['Home', 'n', 'End']) {
      await page.keyboard.press(key);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
    }
  });
}

for (const size of SIZES) {
  test(`sentence, verdict and bar stay in view at ${size.width} × ${size.height}`, async ({ page }) => {
    await page.setViewportSize(size);
    await open(page, LECTURES[0]);
    await page.keyboard.press('End');
    await page.mouse.move(size.width / 3, size.height / 2);
    await page.mouse.wheel(0, 4000);
    await page.waitForTimeout(100);
    for (const part of ['#sentence', '.verdict', '.bar']) {
      await expect(page.locator(part)).toBeInViewport({ ratio: 1 });
    }
  });
}

test('a block that is pointed at or focused is marked everywhere and its places are named', async ({ page }) => {
  await open(page, LECTURES[0]);
  await page.keyboard.press('End');
  const label = page.locator('.matrix thead th.chg button, .matrix thead th:not(.gap) button').last();
  const block = await label.innerText();
  await label.focus();
  await expect(page.locator('.also')).toContainText(`${block} is also in`);
  const rows = await page.locator('.matrix tbody tr[data-row]').count();
  await expect(page.locator(`.matrix td.hl[data-block=${block}]`)).toHaveCount(rows);
  await page.keyboard.press('Enter');
  await expect(label).toHaveAttribute('aria-pressed', 'true');
  await page.locator('#sentence').hover();
  await expect(page.locator('.also')).toContainText(`${block} is also in`);
  await page.keyboard.press('Escape');
  await expect(label).toHaveAttribute('aria-pressed', 'false');
});

test('unused blocks fold away and unfold', async ({ page }) => {
  await open(page, LECTURES[0]);
  const labels = page.locator('.matrix thead th[scope=col][data-block]');
  const folded = await labels.count();
  await page.keyboard.press('u');
  const all = await labels.count();
  expect(all).toBeGreaterThan(folded);
  await page.getByRole('button', { name: 'fold', exact: true }).click();
  await expect(labels).toHaveCount(folded);
});

test('nothing runs while nothing happens', async ({ page }) => {
  await page.addInitScript(() => {
    const w = globalThis as unknown as { frames: number; timers: number };
    w.frames = 0;
    w.timers = 0;
    const frame = requestAnimationFrame.bind(globalThis);
    globalThis.requestAnimationFrame = (callback) => { w.frames += 1; return frame(callback); };
    const timer = setTimeout.bind(globalThis) as (...args: unknown[]) => number;
    globalThis.setTimeout = ((...args: unknown[]) => { w.timers += 1; return timer(...args); }) as typeof setTimeout;
  });
  await open(page, LECTURES[0]);
  await page.waitForTimeout(1500);
  const before = await page.evaluate(() => ({ ...globalThis as unknown as { frames: number; timers: number } }.frames));
  const timers = await page.evaluate(() => (globalThis as unknown as { timers: number }).timers);
  await page.waitForTimeout(1000);
  expect(await page.evaluate(() => (globalThis as unknown as { frames: number }).frames)).toBe(before);
  expect(await page.evaluate(() => (globalThis as unknown as { timers: number }).timers)).toBe(timers);
});

/** From the key press to the changed document, then with its layout; without the browser's painting. */
test('how long a step takes', async ({ page }) => {
  await open(page, LECTURES.at(-1)!);
  const { last } = await position(page);
  const { times, laidOut, wrong } = await page.evaluate(async (last) => {
    const channel = new MessageChannel();
    const frame = () => new Promise<void>((resolve) => {
      channel.port1.onmessage = () => resolve();
      channel.port2.postMessage(null);
    });
    const shown = () => Number(document.querySelector('[role=slider]')!.getAttribute('aria-valuenow'));
    // The page renders in microtasks, so that no frame comes in between; yew goes on in a task of
    // its own once a render took longer than 16 ms. That wait is part of the step's time.
    const rendered = async (step: number) => {
      for (let turn = 0; turn < 8; turn += 1) await null;
      for (let turn = 0; turn < 1000 && shown() !== step; turn += 1) await frame();
    };
    const times: number[] = [];
    const laidOut: number[] = [];
    let wrong = 0;
    for (let round = 0; round < 6; round += 1) {
      const forward = round % 2 === 0;
      for (let count = 1; count <= last; count += 1) {
        const step = forward ? count : last - count;
        const start = performance.now();
        document.body.dispatchEvent(new KeyboardEvent('keydown', { key: forward ? 'n' : 'p', bubbles: true }));
        await rendered(step);
        times.push(performance.now() - start);
        document.body.getBoundingClientRect();
        laidOut.push(performance.now() - start);
        wrong += shown() === step ? 0 : 1;
        await frame();
      }
    }
    return { times, laidOut, wrong };
  }, last);
  const told = (name: string, times: number[]) => {
    times.sort((a, b) => a - b);
    const at = (share: number) => times[Math.floor(share * (times.length - 1))].toFixed(1);
    console.log(`a step, ${name}: median ${at(0.5)} ms, p95 ${at(0.95)} ms, worst ${at(1)} ms`);
  };
  told('core + diff + DOM', times);
  told('and layout', laidOut);
  expect(wrong, 'each press shows its step').toBe(0);
  expect(times.length).toBe(6 * last);
});
