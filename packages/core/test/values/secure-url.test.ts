import { describe, expect, test } from "vitest";
import { hasCredentials, isHttpsUrl, isLoopbackUrl, isSecureUrl } from "../../src/values/secure-url.ts";

const loopback = [
  "http://localhost",
  "http://localhost:8080/keys",
  "http://LOCALHOST/",
  "http://127.0.0.1:3000/jwks",
  "http://127.1.2.3/",
  "http://127.10.200.255/",
  "http://127.1/",
  "http://2130706433/",
  "http://[::1]:8080/",
  "http://[0:0:0:0:0:0:0:1]/",
];

const elsewhere = [
  "http://as.example/",
  "http://localhost.evil.example/",
  "http://localhost@evil.example/",
  "http://127.0.0.1.evil.example/",
  "http://127.0.0.1@evil.example/",
  "http://evil.example/?http://localhost",
  "http://evil.example#localhost",
  "http://128.0.0.1/",
  "http://10.127.0.1/",
  "http://0.0.0.0/",
  "http://[::]/",
  "http://[::2]/",
  "ftp://localhost/",
  "ws://localhost/",
];

describe("isLoopbackUrl", () => {
  test.each(loopback)("accepts %s", (url) => {
    expect(isLoopbackUrl(url)).toBe(true);
    expect(isLoopbackUrl(new URL(url))).toBe(true);
  });

  test.each([...elsewhere, "https://localhost/", "https://127.0.0.1/"])("rejects %s", (url) => {
    expect(isLoopbackUrl(url)).toBe(false);
  });
});

describe("isHttpsUrl", () => {
  test.each(["https://as.example", "HTTPS://as.example/", "https://127.0.0.1:8443/keys?a=b"])("accepts %s", (url) => {
    expect(isHttpsUrl(url)).toBe(true);
    expect(isHttpsUrl(new URL(url))).toBe(true);
  });

  test.each([...loopback, ...elsewhere, "", "as.example/keys", "https://"])("rejects %j", (url) => {
    expect(isHttpsUrl(url)).toBe(false);
  });
});

describe("isSecureUrl", () => {
  test.each(["https://as.example", "https://as.example:8443/keys?a=b", "HTTPS://as.example/", ...loopback])(
    "accepts %s",
    (url) => {
      expect(isSecureUrl(url)).toBe(true);
      expect(isSecureUrl(new URL(url))).toBe(true);
    },
  );

  test.each([...elsewhere, "file:///etc/jwks.json", "data:application/json,{}", "blob:https://as.example/1"])(
    "rejects %s (N-09)",
    (url) => {
      expect(isSecureUrl(url)).toBe(false);
    },
  );

  test.each(["", "as.example/keys", "//as.example/keys", "https://", "https://a b/", "https:"])(
    "rejects %j, which is not a URL",
    (text) => {
      expect(isSecureUrl(text)).toBe(false);
    },
  );
});

describe("hasCredentials", () => {
  test.each([
    "https://user:secret@as.example/",
    "https://user@as.example",
    "https://:secret@as.example",
    "http://user:secret@127.0.0.1:3000/jwks",
    "HTTPS://user:secret@as.example",
    "https:user:secret@as.example",
    " https://user:secret@as.example",
    "https:\\\\user:secret@as.example",
    "custom://user:secret@as.example",
  ])("returns true for %j", (url) => {
    expect(hasCredentials(url)).toBe(true);
    expect(hasCredentials(new URL(url))).toBe(true);
  });

  test.each([
    "https://user:secret@",
    "https://user:secret@as.example:99999/",
    "https://user:sec/ret@as.example/",
    "https://user:sec?ret@a b/",
    "https://user:secret@\n^",
    "//user:secret@as.example",
    "/user:secret@as.example",
  ])("returns true for %j, which cannot be parsed as a URL", (text) => {
    expect(URL.canParse(text)).toBe(false);
    expect(hasCredentials(text)).toBe(true);
  });

  test.each([
    "https://as.example",
    "https://as.example/@user",
    "https://as.example/user:secret@as.example",
    "https://as.example?user:secret@as.example",
    "https://as.example#user:secret@as.example",
    "https://@as.example",
    "urn:as:user@as.example",
  ])("returns false for %j", (url) => {
    expect(hasCredentials(url)).toBe(false);
    expect(hasCredentials(new URL(url))).toBe(false);
  });

  test.each(["issuer", "", "service@project.example", "user@as.example/path", "https://", "a:"])(
    "returns false for %j, which is a name or an incomplete URL",
    (text) => {
      expect(hasCredentials(text)).toBe(false);
    },
  );
});
