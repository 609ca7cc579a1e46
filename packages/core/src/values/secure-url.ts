/** Returns whether a URL is safe to fetch from: https, or http on a loopback address. */
export function isSecureUrl(url: string | URL): boolean {
  return isHttpsUrl(url) || (URL.canParse(String(url)) && isLoopbackUrl(url));
}

/** Returns whether a URL is https. */
export function isHttpsUrl(url: string | URL): boolean {
  return URL.canParse(String(url)) && new URL(url).protocol === "https:";
}

/** Returns whether a URL is http on a loopback address. */
export function isLoopbackUrl(url: string | URL): boolean {
  const { protocol, hostname } = new URL(url);
  const loopback = hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d+){3}$/.test(hostname);
  return protocol === "http:" && loopback;
}

/**
 * Returns whether a URL contains a user or a password, which `fetch` rejects, and which must not appear in logs.
 *
 * Also true for text that cannot be parsed as a URL and has an `@` after a colon or a slash: it may be a mistyped URL.
 */
export function hasCredentials(url: string | URL): boolean {
  if (!URL.canParse(String(url))) return /[:/].*@/s.test(String(url));
  const { username, password } = new URL(url);
  return username !== "" || password !== "";
}
