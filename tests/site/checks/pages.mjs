// Every page: accessible by axe-core's rules, readable at 360 and 1440 pixels, light and dark, and every
// link leads somewhere. Saves screenshots in build/screenshots.

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const WIDE = { width: 1440, height: 900 };
const NARROW = { width: 360, height: 740 };
const AT_ONCE = 2;
const COLOURS = ["color-contrast", "link-in-text-block"];

export default async function (site) {
  const modules = createRequire(join(site.root, "build/site-checks/"));
  const axe = readFileSync(modules.resolve("axe-core"), "utf8");
  const found = new Map();
  const waiting = [...site.pages];
  const visitor = async () => {
    const page = await site.open("", { viewport: WIDE, colorScheme: "light" });
    for (let path = waiting.shift(); path; path = waiting.shift()) {
      await page.goto(site.url + path);
      found.set(path, await anchorsAndLinks(page));
      await page.addStyleTag({ content: "* { transition: none !important }" });
      await page.evaluate(axe);
      await accessible(site, page, path, "light");
      await readable(site, page, path, "1440-light");
      await page.emulateMedia({ colorScheme: "dark" });
      if (!isTopic(path)) await accessible(site, page, path, "dark", COLOURS);
      await page.setViewportSize(NARROW);
      await readable(site, page, path, "360-dark");
      await page.emulateMedia({ colorScheme: "light" });
      await page.setViewportSize(WIDE);
    }
    await page.context().close();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, visitor));
  checkLinks(site, found);
}

// The pages of one function each look alike: of these, the text is checked, in light colours.
function isTopic(path) {
  return /^reference\/\w+\//.test(path);
}

function anchorsAndLinks(page) {
  return page.evaluate(() => ({
    anchors: [...document.querySelectorAll("[id], a[name]")].map((e) => e.id || e.name),
    links: [...document.links].map((link) => link.href),
  }));
}

function checkLinks(site, found) {
  const reached = new Set(["index.html", "genindex.html", "search.html", "py-modindex.html"]);
  for (const [path, { links }] of found) {
    for (const link of new Set(links)) {
      if (!link.startsWith(site.url)) continue;
      const [target, anchor] = link.slice(site.url.length).split("#");
      const page = found.get(target === "" ? "index.html" : target);
      if (target.startsWith("_")) continue; // a file: the Python tests look for it
      site.expect(page, `${path}: the link to ${target} leads nowhere`);
      const known = !anchor || page?.anchors.includes(decodeURIComponent(anchor));
      site.expect(known, `${path}: the link to ${target}#${anchor} leads nowhere`);
      if (target !== path) reached.add(target);
    }
  }
  for (const path of site.pages) site.expect(reached.has(path), `${path}: no link leads there`);
}

async function accessible(site, page, path, scheme, rules) {
  const options = { resultTypes: ["violations"], preload: false };
  if (rules) options.runOnly = { type: "rule", values: rules };
  const part = isTopic(path) ? "article" : "html";
  const { violations } = await page.evaluate((chosen) => window.axe.run(...chosen), [part, options]);
  for (const { id, help, nodes } of violations) {
    const where = `${nodes.length} times, first ${nodes[0].html.slice(0, 120)}`;
    site.expect(false, `${path} (${scheme}): ${id}: ${help}: ${where}`);
  }
}

async function readable(site, page, path, name) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  site.expect(wide <= 0, `${path} (${name}): ${wide} pixels wider than the window`);
  if (isTopic(path) && name !== "1440-light") return;
  const file = join(site.root, "build/screenshots", name, path.replace(/\.html$/, ".jpeg"));
  mkdirSync(dirname(file), { recursive: true });
  await page.screenshot({ path: file, fullPage: true, quality: 80 });
}
