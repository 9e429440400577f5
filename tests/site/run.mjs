// Checks the site in build/site in Debian's Chromium. script/docs check runs it.
//
// Usage: node tests/site/run.mjs [CHECK...]
//
// A check is a module in checks/ whose default export is a function of the site:
//   site.url        the address of the site, which ends in /
//   site.root       the folder of the repository
//   site.folder     the folder of the site
//   site.pages      the paths of all pages, such as "keras.html"
//   site.open(path, options)   a page of the browser; options are those of Playwright's newContext()
//   site.expect(condition, message)   records a failure if the condition is false
// The runner itself records errors in the console, failed requests and requests to other hosts.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CHECKS = join(ROOT, "tests/site/checks");
const SITE = join(ROOT, "build/site");
const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".mjs": "text/javascript",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".woff2": "font/woff2",
};
// script/bootstrap docs installs the modules there
const { chromium } = createRequire(join(ROOT, "build/site-checks/"))("playwright-core");

function serve() {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    let file = join(SITE, path);
    if (existsSync(file) && statSync(file).isDirectory()) file = join(file, "index.html");
    if (!existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    const type = TYPES[extname(file)] ?? "application/octet-stream";
    response.writeHead(200, { "Content-Type": type }).end(readFileSync(file));
  });
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}

function html(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name.startsWith("_") ? [] : html(path);
    return entry.name.endsWith(".html") ? [relative(SITE, path)] : [];
  });
}

class Site {
  constructor(browser, url) {
    Object.assign(this, { browser, url, root: ROOT, folder: SITE, failures: [] });
    this.pages = html(SITE).sort();
  }

  expect(condition, message) {
    if (!condition) this.failures.push(message);
  }

  async open(path, options = {}) {
    const context = await this.browser.newContext(options);
    const page = await context.newPage();
    this.watch(page);
    await page.goto(this.url + path);
    return page;
  }

  watch(page) {
    const where = () => page.url().replace(this.url, "");
    page.on("console", (message) =>
      this.expect(message.type() !== "error", `${where()}: in the console: ${message.text()}`),
    );
    page.on("pageerror", (error) => this.expect(false, `${where()}: ${error}`));
    page.on("request", (request) => {
      const local = /^(data|blob):/.test(request.url()) || request.url().startsWith(this.url);
      this.expect(local, `${where()}: request to another host: ${request.url()}`);
    });
    page.on("response", (response) =>
      this.expect(response.status() < 400, `${where()}: ${response.status()} ${response.url()}`),
    );
  }
}

const named = process.argv.slice(2);
const checks = readdirSync(CHECKS)
  .map((file) => file.replace(/\.mjs$/, ""))
  .filter((name) => !named.length || named.includes(name));
const server = await serve();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  // Chromium's sandbox does not run as root
  args: process.getuid() === 0 ? ["--no-sandbox"] : [],
});
let failed = false;
for (const name of checks) {
  const site = new Site(browser, `http://127.0.0.1:${server.address().port}/`);
  const start = Date.now();
  const { default: check } = await import(join(CHECKS, `${name}.mjs`));
  try {
    await check(site);
  } catch (error) {
    site.expect(false, error.stack);
  }
  const failures = [...new Set(site.failures)];
  for (const failure of failures) console.log(`  ${failure}`);
  const seconds = ((Date.now() - start) / 1000).toFixed(1);
  console.log(`${name}: ${failures.length ? `${failures.length} failures` : "passed"}, ${seconds} s`);
  failed ||= failures.length > 0;
}
await browser.close();
server.close();
process.exitCode = failed ? 1 : 0;
