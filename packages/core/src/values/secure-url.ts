/** Tells whether a URL protects what is fetched: https, or http that does not leave the machine. */
export function isSecureUrl(url: string | URL): boolean {
  return isHttpsUrl(url) || (URL.canParse(String(url)) && isLoopbackUrl(url));
}

/** Tells whether a URL is https. */
export function isHttpsUrl(url: string | URL): boolean {
  return URL.canParse(String(url)) && new URL(url).protocol === "https:";
}

/** Tells whether a URL is http on a loopback address. */
export function isLoopbackUrl(url: string | URL): boolean {
  const { protocol, hostname } = new URL(url);
  const loopback = hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d+){3}$/.test(hostname);
  return protocol === "http:" && loopback;
}

/**
 * Tells whether a URL holds a user or a password, which `fetch` rejects, and which must not reach logs.
 *
 * A text that does not parse as a URL counts when it has an `@` after a colon or a slash: a URL with a typing error in it.
 */
export function hasCredentials(url: string | URL): boolean {
  if (!URL.canParse(String(url))) return /[:/].*@/s.test(String(url));
  const { username, password } = new URL(url);
  return username !== "" || password !== "";
}
