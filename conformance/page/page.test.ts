/** The page of `make page` in a real browser, from a file: URL. */
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import puppeteer from 'puppeteer-core';
import type { Page } from 'puppeteer-core';
import t from 'tap';

const file = fileURLToPath(new URL('../../build/page.html', import.meta.url));
const docker = readFileSync(new URL('../configs/docker.json', import.meta.url), 'utf8');

const browser = await puppeteer.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
});
t.teardown(() => browser.close());

/** A fresh page, and what its console and network said. */
async function open(): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warn') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!/^(?:file|data):/.test(request.url())) complaints.push(request.url());
  });
  await page.goto(`file://${file}`);
  return { page, complaints };
}

/** The result of an expression in the page: its types are not those of Node. */
async function evaluate<Value>(page: Page, expression: string): Promise<Value> {
  return (await page.evaluate(expression)) as Value;
}

const content = (page: Page, selector: string): Promise<string> =>
  evaluate(page, `document.querySelector(${JSON.stringify(selector)}).textContent`);
const all = (page: Page, selector: string): Promise<string[]> =>
  evaluate(page, `[...document.querySelectorAll(${JSON.stringify(selector)})].map((one) => one.textContent)`);

/** Replaces the whole text, as by pasting. */
async function paste(page: Page, text: string): Promise<void> {
  await page.focus('#text');
  await page.keyboard.down('Control');
  await page.keyboard.press('a');
  await page.keyboard.up('Control');
  await page.keyboard.sendCharacter(text);
}

t.test('typing a fault marks it, fixing it clears it', async (t) => {
  const { page, complaints } = await open();
  await paste(
    page,
    '{ "ociVersion": "1.3.0", "root": { "path": "rootfs" }, "process": { "cwd": "/", "args": ["sh"] } ',
  );
  t.match(await content(page, '#verdict'), /^not valid/);
  await page.keyboard.type('}');
  t.match(await content(page, '#verdict'), /^valid/);
  t.strictSame(await all(page, 'mark.error'), []);
  for (let at = 0; at < 2; at++) await page.keyboard.press('Backspace');
  await page.keyboard.type(', "annotations": 5 }');
  t.strictSame(await all(page, 'mark.error'), ['"annotations"']);
  t.match(await content(page, '#output'), /not valid/);
  for (let at = 0; at < 3; at++) await page.keyboard.press('Backspace');
  await page.keyboard.type('{} }');
  t.strictSame(await all(page, 'mark.error'), []);
  t.match(await content(page, '#output'), /^It runs\n/);
  t.strictSame(complaints, []);
});

t.test('the examples: one with mistakes that are named, two that are valid', async (t) => {
  const { page, complaints } = await open();
  t.strictSame(await all(page, '#example option'), ['with mistakes', 'of Docker', 'of Kubernetes']);
  t.strictSame((await all(page, 'mark.error')).sort(), ['"gid"', '"type"']);
  t.ok((await all(page, '#findings .warning')).some((text) => text.includes('readonly')));
  for (const name of ['of Docker', 'of Kubernetes']) {
    await page.select('#example', name);
    t.match(await content(page, '#verdict'), /^valid/, name);
    t.match(await content(page, '#output'), /What weakens it/);
    await page.click('#tab-plan');
    t.match(await content(page, '#output'), /\ninit: the container's first process\n/);
    await page.click('#tab-explanation');
  }
  t.strictSame(complaints, []);
});

t.test('it can be used by keyboard', async (t) => {
  const { page } = await open();
  await page.focus('#findings button');
  await page.keyboard.press('Enter');
  const selected = await evaluate<string>(page, 'getSelection().toString()');
  t.match(selected, /^"\w+"$/, 'a finding selects its place');
  await page.focus('#tab-explanation');
  await page.keyboard.press('ArrowRight');
  t.equal(await evaluate(page, `document.getElementById('tab-plan').getAttribute('aria-selected')`), 'true');
});

t.test('light and dark have different colours, and text that can be read', async (t) => {
  const { page } = await open();
  const colours: string[] = [];
  for (const value of ['light', 'dark']) {
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
    colours.push(await evaluate<string>(page, 'getComputedStyle(document.body).backgroundColor'));
    colours.push(await evaluate<string>(page, 'getComputedStyle(document.body).color'));
  }
  t.equal(new Set(colours).size, 4, colours.join(' '));
});

t.test('its size, and the time to the first verdict', async (t) => {
  const { page } = await open();
  const taken = await evaluate<number>(
    page,
    `(() => {
    const area = document.getElementById('text');
    const start = performance.now();
    area.value = ${JSON.stringify(docker)};
    area.dispatchEvent(new Event('input'));
    return performance.now() - start;
  })()`,
  );
  t.match(await content(page, '#verdict'), /^valid/);
  t.comment(`${statSync(file).size} bytes; ${Math.round(taken)} ms to the verdict for a config of Docker`);
});
