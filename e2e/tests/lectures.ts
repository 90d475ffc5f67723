import { expect, type Page } from '@playwright/test';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { started } from './page';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** What the command line prints; the build of the page has already made it. */
export function daxscope(...args: string[]): string {
  const program = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target'), 'debug/daxscope');
  const options = { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 28 } as const;
  return existsSync(program)
    ? execFileSync(program, args, options)
    : execFileSync('cargo', ['run', '--quiet', '--package', 'daxscope', '--', ...args], options);
}

export type Lecture = { id: string; slug: string; question: string; first: boolean };

/** The lectures, as the command line lists them. */
export const LECTURES: Lecture[] = JSON.parse(daxscope('list', '--json'));

/** Those that a first visit loads; the others come with a larger module. */
export const FIRST = LECTURES.filter((lecture) => lecture.first);

/** Some of them, of both modules, the longest too: for what is the same in all and takes seconds in each. */
export const SOME = LECTURES.filter(({ id }, number) => number % 5 === 0 || id === 'S20');

export const SIZES = [
  { width: 1440, height: 900 },
  { width: 1024, height: 768 },
  { width: 390, height: 844 },
];

/** Opens a lecture at its start by its own link. */
export async function open(page: Page, lecture: Lecture): Promise<void> {
  await page.goto(`./#/1/${lecture.slug}/~/0`);
  await started(page);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(lecture.question);
}

/** The number of the step shown and of the last one. */
export async function position(page: Page): Promise<{ step: number; last: number }> {
  const slider = page.getByRole('slider');
  return {
    step: Number(await slider.getAttribute('aria-valuenow')),
    last: Number(await slider.getAttribute('aria-valuemax')),
  };
}

/** The sentence of the step shown. */
export async function sentence(page: Page): Promise<string> {
  return page.locator('#sentence').innerText();
}

/** Presses a key and waits until the page shows this step. */
export async function press(page: Page, key: string, step: number): Promise<void> {
  await page.keyboard.press(key);
  await expect(page.getByRole('slider')).toHaveAttribute('aria-valuenow', String(step));
}

/** Text with all white space alike. */
export function normalised(text: string): string {
  return text.split(/\s+/).filter(Boolean).join(' ');
}
