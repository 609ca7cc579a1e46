import { fromProxy, rfc9440 } from "@certbound/core";
import type { Identity } from "@certbound/testing";
import { expect } from "vitest";
import { expectRejected } from "../../responses.ts";
import { type Api, type Attempt, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { onEachServer } from "../../on-each-server.ts";
import type { Scene } from "../../scene.ts";

const SECRET = "a-secret-of-the-proxy-and-of-the-api";

const behindProxy: Api = {
  certificateResolver: fromProxy(rfc9440(), { trust: { secret: { header: "x-proxy-secret", value: SECRET } } }),
};

/** Encodes a byte sequence (RFC 8941 section 3.3.5). */
function byteSequence(bytes: Uint8Array): string {
  return `:${Buffer.from(bytes).toString("base64")}:`;
}

function validValue({ own }: Scene): string {
  return byteSequence(own.der);
}

/** Returns a request from the proxy with these header lines, on a connection without a certificate. */
function forwarded(lines: (scene: Scene) => readonly (readonly [string, string])[]): Attempt {
  return {
    certificate: "none",
    request: {
      lines: (token, scene) => [["authorization", `Bearer ${token}`], ["x-proxy-secret", SECRET], ...lines(scene)],
    },
  };
}

const valid = forwarded((scene) => [["client-cert", validValue(scene)]]);

/** Values that contain the bound certificate, but not as a byte sequence of one certificate. */
const otherValues: readonly (readonly [name: string, value: (own: Identity) => string])[] = [
  ["bare base64", ({ der }) => byteSequence(der).slice(1, -1)],
  ["without its first colon", ({ der }) => byteSequence(der).slice(1)],
  ["without its last colon", ({ der }) => byteSequence(der).slice(0, -1)],
  ["a string", ({ der }) => `"${byteSequence(der).slice(1, -1)}"`],
  ["PEM", ({ certificate }) => `:${certificate.replaceAll("\n", " ")}:`],
  ["percent-encoded PEM", ({ certificate }) => encodeURIComponent(certificate)],
  ["the certificate twice", ({ der }) => byteSequence(Buffer.concat([der, der]))],
  ["a part of the certificate", ({ der }) => byteSequence(der.subarray(0, -1))],
  ["text", () => byteSequence(Buffer.from("certificate"))],
];

export const cases: readonly ConformanceCase[] = [
  rejects(["8705-13", "9440-01"], "a token that is bound to another certificate than the forwarded one", {
    api: behindProxy,
    accepted: valid,
    rejected: forwarded(({ other }) => [["client-cert", byteSequence(other.der)]]),
    code: "ERR_BINDING_MISMATCH",
  }),
  rejects(["8705-13", "9440-01"], "the certificate of the proxy's connection if the proxy forwards none", {
    api: behindProxy,
    accepted: { ...valid, certificate: "own" },
    rejected: { ...forwarded(() => []), certificate: "own" },
    code: "ERR_CERTIFICATE_MISSING",
  }),
  conforms(
    "8705-13",
    "rejects a token with another certificate on a proxy connection that has just accepted it",
    async ({ scene, servers }) => {
      for (const { connections, routeOf } of servers) {
        const token = scene.token();
        const send = ({ der }: Identity) => {
          const certificate = ["client-cert", byteSequence(der)] as const;
          const fields = [["authorization", `Bearer ${token}`], ["x-proxy-secret", SECRET], certificate] as const;
          return connections.none.send({ path: routeOf(behindProxy).path, method: "GET", fields, body: undefined });
        };
        expect(await send(scene.own)).toMatchObject({ status: 200 });
        expectRejected(await send(scene.other), "ERR_BINDING_MISMATCH");
        expect(await send(scene.own)).toMatchObject({ status: 200 });
      }
    },
    behindProxy,
  ),
  ...otherValues.map(([name, value]) =>
    rejects("9440-01", `a Client-Cert that is ${name}`, {
      api: behindProxy,
      accepted: valid,
      rejected: forwarded(({ own }) => [["client-cert", value(own)]]),
      code: "ERR_CERTIFICATE_MALFORMED",
    }),
  ),
  rejects("9440-02", "a Client-Cert that is repeated", {
    api: behindProxy,
    accepted: valid,
    rejected: forwarded((scene) => [
      ["client-cert", validValue(scene)],
      ["client-cert", validValue(scene)],
    ]),
    code: "ERR_CERTIFICATE_MALFORMED",
  }),
  rejects("9440-02", "a Client-Cert that is a list", {
    api: behindProxy,
    accepted: valid,
    rejected: forwarded((scene) => [["client-cert", `${validValue(scene)}, ${validValue(scene)}`]]),
    code: "ERR_CERTIFICATE_MALFORMED",
  }),
  conforms(
    "9440-06",
    "sends responses that a cache must not use for another certificate",
    async (stage) => {
      const { scene } = stage;
      await onEachServer(stage, behindProxy, async (send) => {
        const token = scene.token();
        const sendWith = (value: string) =>
          send({ token, headers: { "x-proxy-secret": SECRET, "client-cert": value } });
        const accepted = await sendWith(validValue(scene));
        // A shared cache stores the response to a request with Authorization only if it says so (RFC 9111 section 3.5).
        expect(accepted).toMatchObject({ status: 200 });
        expect(accepted.headers["cache-control"] ?? "").not.toMatch(/public|s-maxage|must-revalidate/);
        const rejected = await sendWith(byteSequence(scene.other.der));
        expectRejected(rejected, "ERR_BINDING_MISMATCH");
        expect(rejected.headers["cache-control"] ?? "no-store").toBe("no-store");
      });
    },
    behindProxy,
  ),
  ...[(own: string) => own, (own: string) => `${own}, ${own}`].map((chain, index) =>
    rejects("9440-08", `a certificate in Client-Cert-Chain only${index === 0 ? "" : ", twice"}`, {
      api: behindProxy,
      accepted: forwarded((scene) => [
        ["client-cert", validValue(scene)],
        ["client-cert-chain", chain(validValue(scene))],
      ]),
      rejected: forwarded((scene) => [["client-cert-chain", chain(validValue(scene))]]),
      code: "ERR_CERTIFICATE_MISSING",
    }),
  ),
  rejects("9440-08", "the certificate of Client-Cert-Chain instead of the one of Client-Cert", {
    api: behindProxy,
    accepted: forwarded((scene) => [
      ["client-cert", validValue(scene)],
      ["client-cert-chain", validValue(scene)],
    ]),
    rejected: forwarded((scene) => [
      ["client-cert", byteSequence(scene.other.der)],
      ["client-cert-chain", validValue(scene)],
    ]),
    code: "ERR_BINDING_MISMATCH",
  }),
];
