// The language of the tabs that a reader chooses holds on every page, also in the next session.

import { readFileSync } from "node:fs";
import { join } from "node:path";

const CHOSEN = ".sd-tab-set > input:checked + label";

async function chosen(page) {
  return page.$$eval(CHOSEN, (labels) => labels.map((label) => label.dataset.syncId));
}

export default async function (site) {
  const page = await site.open("index.html");
  site.expect((await chosen(page))[0] === "python", "index.html: Python is not shown first");
  await page.click(".sd-tab-label[data-sync-id=r]");
  site.expect((await chosen(page))[0] === "r", "index.html: a click does not choose R");
  const storageState = await page.context().storageState();
  await page.context().close();
  const later = await site.open("index.html", { storageState });
  const tabs = (path) => readFileSync(join(site.folder, path), "utf8").includes("sd-tab-set");
  for (const path of site.pages.filter(tabs)) {
    await later.goto(site.url + path);
    const languages = (await chosen(later)).filter((language) => language);
    site.expect(!languages.includes("python"), `${path}: the choice of R is forgotten`);
  }
  await later.context().close();
}
