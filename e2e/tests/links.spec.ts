import { expect, test } from '@playwright/test';
import { started, watch } from './page';
import { FIRST, LECTURES, open, position, press, sentence, SOME } from './lectures';

for (const lecture of SOME) {
  test(`a copied link to ${lecture.id} leads to the same step`, async ({ page, context }) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await open(page, lecture);
    for (let step = 1; step <= 3; step += 1) await press(page, 'n', step);
    const said = await sentence(page);
    await page.keyboard.press('l');
    await expect(page.getByRole('button', { name: 'Link copied' })).toBeVisible();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    const other = await context.newPage();
    await other.goto(link);
    await started(other);
    expect((await position(other)).step).toBe(3);
    expect(await sentence(other)).toBe(said);
  });
}

test('where the clipboard is refused, a field shows the link', async ({ page }) => {
  await page.addInitScript(() => {
    Object.defineProperty(navigator, 'clipboard', { value: undefined });
  });
  await open(page, LECTURES[0]);
  await page.keyboard.press('l');
  await expect(page.getByRole('dialog').getByRole('textbox')).toHaveValue(/#\/1\//);
});

test('the address follows the steps, at most once a second, the last one always', async ({ page }) => {
  await open(page, LECTURES[0]);
  await page.evaluate(() => {
    const w = globalThis as unknown as { writes: number[] };
    w.writes = [];
    const replace = history.replaceState.bind(history);
    history.replaceState = (...args) => { w.writes.push(Date.now()); replace(...args); };
  });
  for (let step = 1; step <= 5; step += 1) await press(page, 'n', step);
  await expect.poll(() => page.evaluate(() => location.hash)).toMatch(/\/5(\?|$)/);
  const writes = await page.evaluate(() => (globalThis as unknown as { writes: number[] }).writes);
  // The page counts from before it makes the link, this from after.
  for (const [number, at] of writes.slice(1).entries()) expect(at - writes[number]).toBeGreaterThan(900);
});

test('the browser goes back to the catalogue, not back a step', async ({ page }) => {
  await page.goto('./');
  await started(page);
  await page.locator('.card h3 a').first().click();
  await expect(page.getByRole('slider')).toBeVisible();
  await press(page, 'n', 1);
  await press(page, 'n', 2);
  await page.goBack();
  await expect(page.locator('.card')).toHaveCount(FIRST.length);
  await page.goForward();
  await expect(page.getByRole('slider')).toBeVisible();
});

test('who goes on before the page has followed arrives where he went last', async ({ page }) => {
  await open(page, FIRST[0]);
  await page.evaluate(([one, other]) => {
    addEventListener('hashchange', () => { location.hash = other; }, { once: true });
    location.hash = one;
  }, [`#/1/${FIRST[1].slug}/~/1`, `#/1/${FIRST[2].slug}/~/2`]);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(FIRST[2].question);
  expect((await position(page)).step).toBe(2);
});

test('who goes back as soon as a lecture is drawn arrives where he came from', async ({ page }) => {
  await page.addInitScript((question) => {
    const drawn = new MutationObserver(() => {
      if (document.querySelector('h1')?.textContent !== question) return;
      drawn.disconnect();
      history.back();
    });
    drawn.observe(document, { childList: true, subtree: true });
  }, LECTURES.find((lecture) => !lecture.first)!.question);
  await page.goto('./');
  await started(page);
  await page.locator('.elsewhere li a').first().click();
  await expect(page.locator('.card')).toHaveCount(LECTURES.length);
  expect(await page.evaluate(() => location.hash)).toMatch(/^(#\/)?$/);
});

test('a link to a step that is not there shows the last one and says so', async ({ page }) => {
  await page.goto(`./#/1/${LECTURES[0].slug}/~/999`);
  await started(page);
  const { step, last } = await position(page);
  expect(step).toBe(last);
  await expect(page.getByRole('alert')).toBeVisible();
});

for (const bad of ['#/1/no-such-lecture/~/0', '#/7/x/~/0', '#nonsense', '#/1/%00/~~/x', '#/1////']) {
  test(`a bad link ${bad} is reported in words over the catalogue`, async ({ page }) => {
    const seen = watch(page);
    await page.goto(`./${bad}`);
    await started(page);
    await expect(page.getByRole('alert')).not.toBeEmpty();
    // What names a lecture that nobody knows is looked for among all.
    await expect(page.locator('.card')).toHaveCount(bad === '#nonsense' ? FIRST.length : LECTURES.length);
    expect(seen).toEqual({ errors: [], foreign: [] });
  });
}

test('another kernel replays the lecture, and the link holds it', async ({ page }) => {
  await open(page, LECTURES[0]);
  await press(page, 'n', 1);
  const epochs = page.locator('.epochs button');
  expect(await epochs.count(), 'the lecture declares several epochs').toBeGreaterThan(1);
  const other = page.locator('.epochs button[aria-pressed=false]').first();
  const name = await other.innerText();
  await other.click();
  await expect(page.locator('.epochs button[aria-pressed=true]')).toHaveText(name);
  expect((await position(page)).step).toBe(1);
  await page.reload();
  await started(page);
  await expect(page.locator('.epochs button[aria-pressed=true]')).toHaveText(name);
  expect((await position(page)).step).toBe(1);
});
