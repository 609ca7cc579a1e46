import * as core from "@certbound/core";
import { expect, test } from "vitest";
import { formatNames, namedFormat } from "../../src/inputs/proxy-formats.ts";

const options = { "forwarded-header": { header: "x-own", encoding: "rfc9440" } };

test("namedFormat supports every format of core, and returns its source code", () => {
  const made = formatNames.map((name) => namedFormat(name, options[name as keyof typeof options]));
  const functions = made.map(({ code }) => code.replace(/\(.*/, ""));
  for (const name of functions) expect(core).toHaveProperty(name, expect.any(Function));
  const others =
    /^(?:create|verify|fromProxy|tlsCertificate|httpRejection|protectedResource|certificate|AccessTokenError)/;
  expect(functions.toSorted()).toEqual(
    Object.keys(core)
      .filter((name) => !others.test(name))
      .toSorted(),
  );
  for (const name of functions)
    expect(namedFormat(name, name === "forwardedHeader" ? options["forwarded-header"] : {}).code).toContain(name);
});

test("namedFormat rejects an unknown format and invalid options", () => {
  expect(() => namedFormat("nginxx")).toThrow(/nginx, ingress-nginx/);
  expect(() => namedFormat("nginx", { verify: "never" })).toThrow(/"verify"/);
  expect(() => namedFormat("forwarded-header")).toThrow(/header and encoding/);
});
