import { defineConfig } from '@playwright/test';

// `cargo xtask test --only browser` builds the page, serves it, finds a Chromium and passes all three in.
function given(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run the browser tests by \`cargo xtask test --only browser\``);
  return value;
}

given('SINGLE_FILE');

export default defineConfig({
  testDir: 'tests',
  fullyParallel: true,
  workers: '100%',
  forbidOnly: true,
  retries: 0,
  // Patience with a busy machine. How long something takes is never what a test checks.
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: 'list',
  use: {
    baseURL: given('BASE_URL'),
    locale: 'en-GB',
    timezoneId: 'UTC',
    // A trace of every step takes a third of the time. What failed leaves a picture and the tree that a screen reader has.
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: given('CHROMIUM'),
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
      ],
    },
  },
});
