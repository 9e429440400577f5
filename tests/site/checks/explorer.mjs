// The explorer shows Python's numbers, names mistakes, keeps its state in the address, and works with
// the keyboard, for screen readers, as a file, and under a strict content security policy.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const PAGE = "explorer.html";
const TIMEOUT = 20000;

// Python's numbers for the table of cases in tests/data/explorer.json
function expectedNumbers(site) {
  const python = join(site.root, ".venv-docs/bin/python");
  const program = join(site.root, "tests/support/explorer_numbers.py");
  const env = { ...process.env, PYTHONPATH: site.root };
  return JSON.parse(execFileSync(python, [program], { env, encoding: "utf8" }));
}

const text = (page, id) => page.locator(`#${id}`).textContent();

// waits until the text of an element is the expected one; returns whether it is in time
async function becomes(page, id, expected) {
  const isThere = ([place, wanted]) => document.getElementById(place).textContent === wanted;
  return page.waitForFunction(isThere, [id, expected], { timeout: TIMEOUT }).then(
    () => true,
    () => false,
  );
}

export default async function (site) {
  const { cases, signals } = expectedNumbers(site);
  const page = await site.open(PAGE);
  await showsNumbers(site, page, cases);
  await showsSignals(site, page, signals);
  await namesMistakes(site, page);
  await keepsState(site, page);
  await offersViews(site, page);
  await showsTheNewest(site, page, cases);
  await page.context().close();
  await worksWithTheKeyboard(site);
  await isAccessible(site);
  await worksAsFile(site, cases[0]);
  await worksUnderAPolicy(site, cases[0]);
}

async function showsNumbers(site, page, cases) {
  for (const { fragment, fingerprint, fans, moments, measured } of cases) {
    await page.evaluate((address) => (location.hash = address), fragment);
    site.expect(
      await becomes(page, "fingerprint", fingerprint),
      `${fragment}: the fingerprint is ${await text(page, "fingerprint")}, not ${fingerprint}`,
    );
    const shown = await text(page, "fans");
    const expected = `fan_in = ${fans[0]}, fan_out = ${fans[1]}`;
    site.expect(shown === expected, `${fragment}: ${shown}, not ${expected}`);
    const facts = await page
      .locator("#facts tr")
      .evaluateAll((rows) => rows.map((row) => Array.from(row.cells, (cell) => cell.textContent)));
    for (const [column, numbers] of [moments, measured].entries()) {
      for (const [k, number] of (numbers ?? []).entries()) {
        const [name, ...found] = facts[k];
        const isClose = isSame(number, found[column]);
        site.expect(isClose, `${fragment}: ${name} is ${found[column]}, not ${number}`);
      }
    }
  }
}

// the page shows four digits
function isSame(number, shown) {
  if (/inf|nan/.test(number)) return shown === number;
  return Math.abs(number - Number(shown)) <= 6e-4 * Math.abs(number) + 1e-12;
}

async function showsSignals(site, page, signals) {
  for (const { fragment, names, activations, gradients } of signals) {
    await page.evaluate((address) => (location.hash = address), fragment);
    const depth = activations[0].length - 1;
    const ready = ([last, first]) => {
      const status = document.getElementById("signal-status").textContent;
      return status.includes(`After ${last} layers`) && status.includes(first);
    };
    await page.waitForFunction(ready, [depth, names[0]], { timeout: TIMEOUT });
    for (const [id, series, from, to] of [
      ["activations-text", activations, 0, depth],
      ["gradients-text", gradients, depth, 0],
    ]) {
      const shown = await text(page, id);
      for (const [k, name] of names.entries()) {
        const found = new RegExp(`${name}: from (\\S+) to ([^;\\s]+?)[;.]?(?:\\s|$)`).exec(shown);
        const isRight =
          found && isSame(series[k][from], found[1]) && isSame(series[k][to], found[2]);
        const expected = `${series[k][from]} to ${series[k][to]}`;
        site.expect(isRight, `${fragment}: "${shown}", but ${name} goes from ${expected}`);
      }
    }
  }
}

async function namesMistakes(site, page) {
  await page.goto(`${site.url}${PAGE}#initializer=RandomNormal&shape=4,3&seed=1`);
  const field = page.getByLabel("stddev");
  await field.fill("-1");
  const message = "Argument `stddev` must be a finite number, at least 0. Received: stddev=-1";
  site.expect(await becomes(page, "error-stddev", message), "a negative stddev is not refused");
  site.expect((await field.getAttribute("aria-invalid")) === "true", "the field is not invalid");
  site.expect(await page.locator("#tensor-results").isHidden(), "there are results nevertheless");
  await field.fill("0.5");
  site.expect(await becomes(page, "error-stddev", ""), "the message remains");
  await page.locator("#tensor-results").waitFor({ state: "visible" });
  site.expect((await field.getAttribute("aria-invalid")) === null, "the field remains invalid");
  const code = await text(page, "python-lines");
  site.expect(code.includes("stddev=0.5"), `the lines of Python are not the new ones: ${code}`);
}

async function keepsState(site, page) {
  await page.goto(`${site.url}${PAGE}`);
  await page.getByLabel("initializer", { exact: true }).selectOption("Orthogonal");
  await page.getByLabel("gain").fill("1.5");
  await page.getByLabel("shape").fill("20, 30");
  await page.getByLabel("dtype").selectOption("float16");
  await page.getByLabel("activation").selectOption("tanh");
  const wanted = (hash) => location.hash === hash;
  const hash = "#initializer=Orthogonal&shape=20,30&dtype=float16&gain=1.5&seed=1&activation=tanh";
  await page.waitForFunction(wanted, hash, { timeout: TIMEOUT });
  await page.waitForFunction(() =>
    document.getElementById("python-lines").textContent.includes('dtype="float16"'),
  );
  const shown = await text(page, "fingerprint");
  await page.goto("about:blank");
  await page.goto(`${site.url}${PAGE}${hash}`);
  site.expect(await becomes(page, "fingerprint", shown), "the address does not give the view");
}

async function offersViews(site, page) {
  const buttons = page.locator(".explorer-views button");
  for (let k = 0; k < (await buttons.count()); ++k) {
    await buttons.nth(k).click();
    const hash = await buttons.nth(k).getAttribute("data-view");
    const shape = new URLSearchParams(hash.slice(1)).get("shape");
    const lines = `weights = initializer((${shape.replaceAll(",", ", ")})`;
    const isShown = (wanted) =>
      document.getElementById("python-lines").textContent.includes(wanted);
    const isThere = await page
      .waitForFunction(isShown, lines, { timeout: TIMEOUT })
      .catch(() => null);
    site.expect(isThere, `the view ${hash} is not shown`);
  }
}

// An answer that comes late must not replace that to a later question.
async function showsTheNewest(site, page, [{ fragment, fingerprint }]) {
  await page.evaluate(() => (location.hash = "#initializer=Orthogonal&shape=900,900"));
  await page.evaluate((address) => (location.hash = address), fragment);
  site.expect(await becomes(page, "fingerprint", fingerprint), "the newest choice is not shown");
  await page.waitForFunction(() => document.getElementById("signal-progress").hidden, null, {
    timeout: TIMEOUT,
  });
  const last = await text(page, "fingerprint");
  site.expect(last === fingerprint, "an older result replaces the newest");
}

async function worksWithTheKeyboard(site) {
  const page = await site.open(PAGE);
  await page.locator("#tensor-results").waitFor({ state: "visible" });
  await page.getByLabel("initializer", { exact: true }).focus();
  await page.keyboard.press("ArrowDown");
  const names = [];
  for (let k = 0; k < 4; ++k) {
    await page.keyboard.press("Tab");
    names.push(await page.evaluate(() => document.activeElement.name));
  }
  const expected = ["shape", "dtype", "seed", "batch_axes"];
  site.expect(`${names}` === `${expected}`, `Tab goes to ${names}, not ${expected}`);
  const isMarked = await page.evaluate(
    () => getComputedStyle(document.activeElement).outlineStyle !== "none",
  );
  site.expect(isMarked, "the field with the focus is not marked");
  await page.context().close();
}

async function isAccessible(site) {
  const modules = createRequire(join(site.root, "build/site-checks/"));
  const axe = readFileSync(modules.resolve("axe-core"), "utf8");
  for (const [fragment, width, colorScheme] of [
    ["#initializer=STFT", 360, "dark"],
    ["#initializer=VarianceScaling&scale=-1&depth=x", 360, "light"],
    ["#initializer=TruncatedNormal&lower=-1&upper=inf", 1440, "dark"],
  ]) {
    const page = await site.open(PAGE + fragment, {
      viewport: { width, height: 900 },
      colorScheme,
    });
    const isReady = () => document.getElementById("signal-status").textContent !== "";
    await page.waitForFunction(isReady, null, { timeout: TIMEOUT });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run("article"));
    for (const { id, help, nodes } of violations) {
      site.expect(false, `${fragment} (${colorScheme}): ${id}: ${help}: ${nodes[0].html}`);
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    site.expect(wide <= 0, `${fragment}: ${wide} pixels wider than ${width} pixels`);
    await page.context().close();
  }
}

async function worksAsFile(site, { fragment, fingerprint }) {
  const context = await site.browser.newContext();
  const page = await context.newPage();
  await page.goto(`file://${join(site.folder, PAGE)}${fragment}`);
  site.expect(await becomes(page, "fingerprint", fingerprint), "it does not work as a file");
  await context.close();
}

async function worksUnderAPolicy(site, { fragment, fingerprint }) {
  const context = await site.browser.newContext();
  const page = await context.newPage();
  await page.addInitScript(() => {
    window.violations = [];
    addEventListener("securitypolicyviolation", ({ sourceFile, violatedDirective }) => {
      if (/\/explorer\//.test(sourceFile)) window.violations.push(violatedDirective);
    });
  });
  await page.route(`**/${PAGE}`, async (route) => {
    const response = await route.fetch();
    // the theme's own scripts and styles are inline
    const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' data:";
    const headers = { ...response.headers(), "content-security-policy": policy };
    await route.fulfill({ response, headers });
  });
  await page.goto(`${site.url}${PAGE}${fragment}`);
  site.expect(await becomes(page, "fingerprint", fingerprint), "it does not work under a policy");
  const found = await page.evaluate(() => window.violations);
  site.expect(found.length === 0, `it violates the policy: ${found}`);
  await context.close();
}
