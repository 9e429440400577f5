// A reader without a mouse, and one who does not see the page, can use the site.

const focused = (page) =>
  page.evaluate(() => {
    const { tagName, className, textContent } = document.activeElement;
    return { tagName, className, text: textContent.trim() };
  });

export default async function (site) {
  const page = await site.open("index.html");
  await skipsNavigation(site, page);
  await choosesTabs(site, page);
  await choosesTheme(site, page);
  await namesWhatItShows(site, page);
  await page.context().close();
}

async function skipsNavigation(site, page) {
  await page.keyboard.press("Tab");
  const { text } = await focused(page);
  site.expect(text === "Skip to main content", `the first stop of Tab is "${text}"`);
  await page.keyboard.press("Enter");
  const hash = await page.evaluate(() => location.hash);
  site.expect(hash === "#main-content", "the first link does not skip the navigation");
}

async function choosesTabs(site, page) {
  const python = page.locator(".sd-tab-set > input").first();
  await python.focus();
  const frame = await page.locator(".sd-tab-set > label").first().evaluate((label) => {
    const { outlineStyle, boxShadow } = getComputedStyle(label);
    return outlineStyle !== "none" || boxShadow !== "none";
  });
  site.expect(frame, "the tab with the focus is not marked");
  await page.keyboard.press("ArrowRight");
  const shown = await page.locator(".sd-tab-content:visible").first().innerText();
  site.expect(shown.includes("library(pyinit)"), "the arrow keys do not choose R");
}

async function choosesTheme(site, page) {
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  site.expect((await theme()) === "light", "the site does not start with the theme of the system");
  await page.locator(".theme-switch-button:visible").focus();
  await page.keyboard.press("Enter");
  // System Settings, Light, Dark
  for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  site.expect((await theme()) === "dark", "the keyboard does not choose the dark theme");
  await page.goto(`${site.url}keras.html`);
  site.expect((await theme()) === "dark", "the next page forgets the theme");
  await page.goto(`${site.url}index.html`);
}

async function namesWhatItShows(site, page) {
  const tree = await page.locator("body").ariaSnapshot();
  for (const part of ["banner", "main", "contentinfo", 'heading "pyinit" [level=1]', "navigation"]) {
    site.expect(tree.includes(part), `a screen reader does not find: ${part}`);
  }
}
