import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import { pathToFileURL } from 'node:url';

/** The page in one file, as it opens from a disk with no server. */
export const SINGLE_FILE = pathToFileURL(process.env.SINGLE_FILE!).href;

/** The text of the lectures, shown until the page has started and for good where it cannot. */
export const FALLBACK = '#fallback';

/** Collects, from now on, what a page must never do: say an error, or ask anyone but its own server. */
export function watch(page: Page): { errors: string[]; foreign: string[] } {
  const seen = { errors: [] as string[], foreign: [] as string[] };
  const own = new URL(process.env.BASE_URL!).origin;
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') seen.errors.push(message.text());
  });
  page.on('pageerror', (error) => seen.errors.push(String(error)));
  page.on('request', (request) => {
    const url = request.url();
    const local = /^(data|blob):/.test(url) || url === SINGLE_FILE || url.startsWith(`${own}/`);
    if (!local) seen.foreign.push(url);
  });
  return seen;
}

/** Waits until the page has drawn itself over the prepared text. */
export async function started(page: Page): Promise<void> {
  await expect(page.locator('#app h1')).toBeVisible();
  await expect(page.locator(FALLBACK)).toBeHidden();
}

/** Fails with a readable list when axe finds anything on the page as it stands. */
export async function expectNoAxeViolation(page: Page): Promise<void> {
  // The page has no frames, so axe needs no second page to gather what it found in them.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
  const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(' | ')}`);
  expect(found).toEqual([]);
}

/** Starts the page's worker and returns its first message. */
export async function firstWorkerMessage(page: Page): Promise<unknown> {
  return page.evaluate(async () => {
    const worker = await (globalThis as unknown as { daxscopeWorker: () => Promise<Worker> }).daxscopeWorker();
    return new Promise((resolve, reject) => {
      worker.onmessage = (event) => { worker.terminate(); resolve(event.data); };
      worker.onerror = (event) => reject(new Error(event.message));
    });
  });
}
