import { describe, expect, test } from "vitest";
import { isHttpsUrl, isLoopbackUrl, isSecureUrl } from "../src/secure-url.ts";

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

  test.each([...elsewhere, "https://localhost/", "https://127.0.0.1/"])("refuses %s", (url) => {
    expect(isLoopbackUrl(url)).toBe(false);
  });
});

describe("isHttpsUrl", () => {
  test.each(["https://as.example", "HTTPS://as.example/", "https://127.0.0.1:8443/keys?a=b"])("accepts %s", (url) => {
    expect(isHttpsUrl(url)).toBe(true);
    expect(isHttpsUrl(new URL(url))).toBe(true);
  });

  test.each([...loopback, ...elsewhere, "", "as.example/keys", "https://"])("refuses %j", (url) => {
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
    "refuses %s (N-09)",
    (url) => {
      expect(isSecureUrl(url)).toBe(false);
    },
  );

  test.each(["", "as.example/keys", "//as.example/keys", "https://", "https://a b/", "https:"])(
    "refuses %j, which is no URL",
    (text) => {
      expect(isSecureUrl(text)).toBe(false);
    },
  );
});
