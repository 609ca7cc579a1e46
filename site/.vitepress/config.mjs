import llmstxt from "vitepress-plugin-llms";
import { defineConfig } from "vitepress";
import { githubSlug } from "../../tools/github-slug.mjs";

const link = (text, path) => ({ text, link: path });
const group = (text, items) => ({ text, collapsed: false, items });

export default defineConfig({
  title: "certbound",
  description: "Accept OAuth 2.0 access tokens in Node.js only from the client they were issued to (RFC 8705)",
  lang: "en",
  srcDir: "pages",
  cleanUrls: true,
  lastUpdated: false,
  // Wide tables need the room of the outline.
  transformPageData: ({ relativePath, frontmatter }) => {
    if (["comparison.md", "conformance.md"].includes(relativePath)) frontmatter.aside = false;
    // The names of functions are headings of level 4 there.
    if (relativePath === "api/@certbound/core.md") frontmatter.outline = [2, 4];
  },
  head: [["link", { rel: "icon", type: "image/svg+xml", href: "/favicon.svg" }]],
  vite: {
    plugins: [
      llmstxt({
        domain: "",
        ignoreFiles: ["contributing.md", "changelog.md"],
        description:
          "A TypeScript SDK for Node.js APIs that accept OAuth 2.0 certificate-bound access tokens (RFC 8705).",
      }),
    ],
    publicDir: "public",
    build: { chunkSizeWarningLimit: 2000 },
  },
  markdown: {
    languageAlias: { haproxy: "nginx", caddy: "nginx", vcl: "nginx" },
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    // One link works in the repository and on the site.
    anchor: { slugify: githubSlug },
    toc: { slugify: githubSlug },
    headers: { slugify: githubSlug },
  },
  themeConfig: {
    search: {
      provider: "local",
      options: { miniSearch: { options: { tokenize: tokens }, searchOptions: { boostDocument } } },
    },
    outline: [2, 3],
    nav: [
      link("Quick start", "/quick-start"),
      link("Comparison", "/comparison"),
      link("Error codes", "/errors"),
      link("API", "/api/@certbound/core"),
      link("Security", "/security"),
    ],
    sidebar: [
      group("Start", [
        link("Quick start", "/quick-start"),
        link("Comparison", "/comparison"),
        link("Migrating", "/migrating"),
        link("Other frameworks", "/other-frameworks"),
        link("openssl and curl", "/openssl-and-curl"),
      ]),
      group("Deploy", [
        link("Behind a proxy", "/behind-a-proxy"),
        link("Authorization servers", "/authorization-servers"),
        link("Opaque tokens", "/opaque-tokens"),
        link("Certificate policies", "/certificate-policy"),
        link("Open Banking and FAPI 2.0", "/open-banking"),
        link("Bundlers and test runners", "/bundlers-and-test-runners"),
      ]),
      group("Roll out", [
        link("From bearer to bound tokens", "/rolling-out"),
        link("Rotating certificates", "/rotating-certificates"),
      ]),
      group("Operate", [
        link("Troubleshooting", "/troubleshooting"),
        link("Observability", "/observability"),
        link("Performance", "/performance"),
      ]),
      group("Test", [link("Testing your API", "/packages/testing"), link("Command line", "/packages/cli")]),
      group("Reference", [
        link("Options", "/options"),
        link("What is checked", "/checks"),
        link("Error codes", "/errors"),
        link("Security", "/security"),
        link("Conformance", "/conformance"),
        link("FAPI conformance suite", "/fapi-conformance"),
        link("OWASP ASVS 5.0", "/asvs"),
        link("Changelog", "/changelog"),
      ]),
      group("API", [
        link("@certbound/core", "/api/@certbound/core"),
        link("@certbound/express", "/api/@certbound/express"),
        link("@certbound/fastify", "/api/@certbound/fastify"),
        link("@certbound/testing", "/api/@certbound/testing"),
        link("@certbound/cli", "/api/@certbound/cli"),
      ]),
    ],
    docFooter: { prev: "Previous", next: "Next" },
  },
});

/** Splits text for the search, and keeps error codes and option names whole. */
function tokens(text) {
  return text.split(/[^\p{L}\p{N}_#@]+/u).filter((token) => token !== "");
}

/** Ranks the page of error codes first, and the API reference and lists last. Runs in the browser. */
function boostDocument(id) {
  if (/\/(?:api|changelog|conformance)\b/.test(id)) return 0.2;
  return /\/errors\b/.test(id) ? 3 : 1;
}
