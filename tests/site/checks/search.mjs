// The search finds every public name of both languages.

import { readFileSync } from "node:fs";
import { join } from "node:path";

const MODULES = ["keras", "torch", "jax", "dask", "rpy2"];
// among this many results a reader sees the name
const FIRST = 6;

function publicNames(file) {
  const list = readFileSync(file, "utf8").match(/^__all__ = \[([^\]]*)\]/m)[1];
  return [...list.matchAll(/"(\w+)"/g)].map(([, name]) => name);
}

export default async function (site) {
  const python = publicNames(join(site.root, "pyinit/__init__.py"));
  for (const module of MODULES) {
    python.push(...publicNames(join(site.root, `pyinit/${module}.py`)).map((n) => `${module}.${n}`));
  }
  const namespace = readFileSync(join(site.root, "rpkg/NAMESPACE"), "utf8");
  const r = [...namespace.matchAll(/^export\((\w+)\)$/gm)].map(([, name]) => name);

  const page = await site.open("search.html");
  await page.waitForFunction(() => Search.hasIndex());
  await everyName(site, page, python, "reference/python/");
  await everyName(site, page, r, "reference/r/");
  for (const name of ["initializer_he_normal", "LazyTensor", "derive_seed"]) {
    await asAReader(site, page, name);
  }
  await page.context().close();
}

async function everyName(site, page, names, folder) {
  site.expect(names.length > 30, `only ${names.length} names for ${folder}`);
  const found = await page.evaluate(
    (all) => all.map((n) => Search._performSearch(...Search._parseQuery(n))),
    names,
  );
  names.forEach((name, i) => {
    // [docname, title, anchor, description, score, file name, kind], the best last
    const pages = found[i].map((result) => result[0]).reverse().slice(0, FIRST);
    const isFound = pages.some((docname) => docname.startsWith(folder));
    site.expect(isFound, `the search for ${name} does not find ${folder}, but ${pages}`);
  });
}

async function asAReader(site, page, name) {
  await page.goto(site.url);
  await page.keyboard.press("Control+k");
  await page.keyboard.type(name);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/search.html?**");
  const first = page.locator("#search-results li a").first();
  await first.click();
  const text = await page.locator("article").innerText();
  site.expect(text.includes(name), `the first result for ${name} is ${page.url()}`);
}
