import { createIssuer, createSelfSignedCertificate } from "@certbound/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { boundedFetch, IssuerRequestError } from "../../src/issuer/issuer-request.ts";
import { createVerifier } from "../../src/verifier.ts";
import { hangUp, startEndpoint } from "../support/endpoint.ts";
import { reasonOf, rejectionOf } from "../support/outcome.ts";
import { whilePrototypeIsPolluted } from "../support/polluted-prototype.ts";
import { startHttpsServer } from "../support/tls-server.ts";

const failed = "the request failed because of the address, TLS or the network";

/** Returns the message of a request whose fetch rejects with the given value. */
async function messageFor(thrown: unknown): Promise<string> {
  const failing = boundedFetch(async () => {
    throw thrown;
  });
  const reason = await reasonOf(failing("https://issuer.example/MARKER"));
  expect(reason).toBeInstanceOf(IssuerRequestError);
  return (reason as IssuerRequestError).message;
}

/** Creates an error whose cause has the given members. */
function causedBy(members: object, text = "MARKER"): Error {
  return new TypeError(text, { cause: Object.assign(new Error("MARKER"), members) });
}

describe("the message of a failed request", () => {
  test("ends with the code of a refused connection", async () => {
    const { url, close } = await startEndpoint(hangUp);
    await close();
    expect(await reasonOf(boundedFetch(fetch)(url))).toMatchObject({ message: `${failed} (ECONNREFUSED)` });
  });

  test("ends with the code of an untrusted server certificate", async () => {
    const { url } = await startHttpsServer((_request, response) => void response.end());
    const { message } = (await reasonOf(boundedFetch(fetch)(url))) as IssuerRequestError;
    expect(message).toMatch(
      /\((?:DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN)\)$/,
    );
  });

  test("is part of the details for keys, metadata and introspection", async () => {
    const { url, close } = await startEndpoint(hangUp);
    await close();
    const [oauth, oidc] = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];
    const keys = createVerifier({ issuer: url, audience: null, jwks: `${url}/jwks` });
    expect((await rejectionOf(keys.ready())).detail).toMatch(/\(ECONNREFUSED\)$/);
    const metadata = createVerifier({ issuer: url, audience: null });
    expect((await rejectionOf(metadata.ready())).detail).toContain(
      `${oauth}: ${failed} (ECONNREFUSED); ${oidc}: ${failed} (ECONNREFUSED)`,
    );
    const introspection = { clientId: "api", clientSecret: "secret", endpoint: url };
    const opaque = createVerifier({ issuer: url, audience: null, introspection });
    const certificate = await createSelfSignedCertificate();
    const error = await rejectionOf(opaque.verify("token", { clientCertificate: certificate.certificate }));
    expect(error).toMatchObject({ code: "ERR_INTROSPECTION_UNAVAILABLE" });
    expect(error.detail).toMatch(/\(ECONNREFUSED\)$/);
  });

  test("ends with a code from up to five levels of causes", async () => {
    let error = causedBy({ code: "ENOTFOUND" });
    expect(await messageFor(error)).toBe(`${failed} (ENOTFOUND)`);
    for (let level = 2; level <= 5; level += 1) {
      error = new Error("MARKER", { cause: error });
      expect(await messageFor(error)).toBe(`${failed} (ENOTFOUND)`);
    }
    expect(await messageFor(new Error("MARKER", { cause: error }))).toBe(failed);
  });

  test.each(["ENOTFOUND", "UND_ERR_CONNECT_TIMEOUT", "ERR_TLS_CERT_ALTNAME_INVALID", "A12", `A${"B".repeat(60)}`])(
    "ends with the code %s",
    async (code) => {
      expect(await messageFor(causedBy({ code }))).toBe(`${failed} (${code})`);
    },
  );
});

describe("the message of a failed request without a usable code", () => {
  test.each([
    ["a code in lower case", { code: "enotfound" }],
    ["a code with a space", { code: "MARKER MARKER" }],
    ["a code with a line break", { code: "ENOTFOUND\n" }],
    ["a code with a path", { code: "ENOTFOUND/MARKER" }],
    ["a code that is too short", { code: "AB" }],
    ["a code that is too long", { code: `A${"B".repeat(61)}` }],
    ["a code that is a number", { code: 404 }],
    ["a code that is a list", { code: ["ENOTFOUND"] }],
    ["no code", {}],
  ])("does not quote the error: %s", async (_name, members) => {
    expect(await messageFor(causedBy(members))).toBe(failed);
  });

  test.each<[string, unknown]>([
    ["a code on the error itself", Object.assign(new Error("MARKER"), { code: "MARKER" })],
    ["a string instead of an error", "MARKER"],
    ["undefined instead of an error", undefined],
    ["a cause that is not an object", new Error("MARKER", { cause: "MARKER" })],
    ["a cause that is null", new Error("MARKER", { cause: null })],
    [
      "a cause that throws",
      Object.defineProperty(new Error("MARKER"), "cause", {
        get() {
          throw new Error("MARKER");
        },
      }),
    ],
  ])("does not quote the error: %s", async (_name, thrown) => {
    expect(await messageFor(thrown)).toBe(failed);
  });

  test("does not quote an inherited code, and does not hang on a cycle of causes", async () => {
    const cyclic = new Error("MARKER");
    cyclic.cause = cyclic;
    expect(await messageFor(cyclic)).toBe(failed);
    const plain = causedBy({});
    expect(await whilePrototypeIsPolluted("code", "MARKER", () => messageFor(plain))).toBe(failed);
  });
});

test("an issuer that responds does not cause an error", async () => {
  const issuer = await createIssuer();
  onTestFinished(issuer.close);
  await expect(createVerifier({ issuer: issuer.issuer, audience: null }).ready()).resolves.toBeUndefined();
});
