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
