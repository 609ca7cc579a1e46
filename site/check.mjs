// Opens the built site in headless Chromium. Fails if a page logs an error, loads something from another host, or links to a
// page or an anchor that does not exist, if a picture has no alternative text, or if the search does not find an error code.
//   --screenshots FOLDER   also saves screenshots of some pages, in light and dark mode

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const SEARCHED = "ERR_BINDING_MISMATCH";
const SCREENSHOTS = ["/", "/quick-start", "/behind-a-proxy", "/comparison", "/errors", "/api/@certbound/core"];
/** The part of a file's path that is not in the path of its page. */
const HTML = /(?:^|(?<=\/))index\.html$|\.html$/;
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".json": "application/json",
  ".txt": "text/plain; charset=utf-8",
  ".md": "text/markdown; charset=utf-8",
  ".woff2": "font/woff2",
};

const dist = fileURLToPath(new URL(".vitepress/dist/", import.meta.url));
const { values: options } = parseArgs({ options: { screenshots: { type: "string" } } });
if (!existsSync(dist)) throw new Error("the site is not built: npm run site");

const server = createServer(serveFile).listen(0, "127.0.0.1");
await new Promise((resolve) => server.once("listening", resolve));
const origin = `http://127.0.0.1:${server.address().port}`;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
/** @type {string[]} */
const problems = [];
try {
  const seen = await visitPages();
  checkLinks(seen);
  await checkSearch();
  checkTextFiles();
  if (options.screenshots !== undefined) await takeScreenshots(options.screenshots);
  console.log(`site: ${seen.size} pages, ${problems.length === 0 ? "no problems" : `${problems.length} problems`}`);
} finally {
  await browser.close();
  server.close();
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;

/** Opens every page. @returns {Promise<Map<string, { ids: Set<string>, links: string[] }>>} */
async function visitPages() {
  const seen = new Map();
  const page = await browser.newPage();
  let path = "/";
  const report = (text) => problems.push(`${path}: ${text}`);
  page.on("console", (message) => message.type() === "error" && report(`logs "${message.text()}"`));
  page.on("pageerror", (error) => report(`throws "${error.message}"`));
  page.on("requestfailed", (request) => report(`fails to load ${request.url()}`));
  page.on(
    "response",
    (response) => response.status() >= 400 && report(`gets ${response.status()} for ${response.url()}`),
  );
  page.on("request", (request) => {
    if (!request.url().startsWith(`${origin}/`) && !request.url().startsWith("data:")) report(`loads ${request.url()}`);
  });
  for (path of pagePaths()) {
    await page.goto(`${origin}${path}`, { waitUntil: "networkidle" });
    const { ids, links, picturesWithoutText } = await page.evaluate(() => ({
      ids: [...document.querySelectorAll("[id]")].map(({ id }) => id),
      links: [...document.querySelectorAll("a[href]")].map((link) => link.href),
      picturesWithoutText: [...document.querySelectorAll("img:not([alt]), main img")]
        .filter(({ alt }) => alt.trim() === "")
        .map(({ src }) => src),
    }));
    for (const picture of picturesWithoutText) report(`${picture} has no alternative text`);
    seen.set(path, { ids: new Set(ids), links });
  }
  await page.close();
  return seen;
}

function checkLinks(seen) {
  /** @type {Map<string, string>} each link, with the first page that has it */
  const sources = new Map();
  for (const [path, { links }] of seen) for (const link of links) sources.set(link, sources.get(link) ?? path);
  for (const [link, path] of sources) {
    const { origin: host, pathname, hash } = new URL(link);
    if (host !== origin) continue;
    const page = seen.get(decodeURIComponent(pathname).replace(HTML, ""));
    const anchor = decodeURIComponent(hash.slice(1));
    if (page === undefined && fileOf(pathname) === undefined)
      problems.push(`${path}: links to ${pathname}, which does not exist`);
    else if (page !== undefined && anchor !== "" && !page.ids.has(anchor))
      problems.push(`${path}: links to ${pathname}${hash}, an anchor that does not exist`);
  }
}

async function checkSearch() {
  const page = await browser.newPage();
  await page.goto(`${origin}/`, { waitUntil: "networkidle" });
  await page.getByRole("button", { name: "Search" }).first().click();
  await page.locator("#localsearch-input").fill(SEARCHED);
  const first = page.locator("#localsearch-list a").first();
  const found = await first.getAttribute("href", { timeout: 10_000 }).catch(() => "nothing");
  if (found !== `/errors#${SEARCHED.toLowerCase()}`) problems.push(`the search for ${SEARCHED} leads to ${found}`);
  await page.close();
}

function checkTextFiles() {
  for (const name of ["llms.txt", "llms-full.txt"]) {
    const text = existsSync(join(dist, name)) ? readFileSync(join(dist, name), "utf8") : "";
    if (!text.includes("certbound")) problems.push(`${name} is missing or empty`);
  }
}

async function takeScreenshots(folder) {
  for (const colorScheme of ["light", "dark"]) {
    const page = await browser.newPage({ colorScheme, viewport: { width: 1280, height: 900 } });
    for (const path of SCREENSHOTS) {
      await page.goto(`${origin}${path}`, { waitUntil: "networkidle" });
      await page.screenshot({ path: join(folder, `${path.replaceAll(/\W+/g, "-")}${colorScheme}.png`) });
    }
    await page.close();
  }
}

/** Lists the paths of all built pages, in the form that links have. */
function pagePaths() {
  return readdirSync(dist, { encoding: "utf8", recursive: true })
    .filter((file) => file.endsWith(".html") && file !== "404.html")
    .map((file) => `/${file.replace(HTML, "")}`)
    .toSorted();
}

/** @param {string} pathname @returns {string | undefined} */
function fileOf(pathname) {
  const path = join(dist, decodeURIComponent(pathname));
  if (!path.startsWith(dist)) return undefined;
  return [path, `${path}.html`, join(path, "index.html")].find((file) => existsSync(file) && statSync(file).isFile());
}

function serveFile(request, response) {
  const file = fileOf(new URL(request.url, "http://site").pathname);
  if (file === undefined) response.writeHead(404).end();
  else
    response
      .writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" })
      .end(readFileSync(file));
}
