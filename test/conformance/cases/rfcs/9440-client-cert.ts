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

/** A byte sequence (RFC 8941 section 3.3.5). */
function byteSequence(bytes: Uint8Array): string {
  return `:${Buffer.from(bytes).toString("base64")}:`;
}

function rightValue({ own }: Scene): string {
  return byteSequence(own.der);
}

/** A request through the proxy with these header lines, and over a connection without a certificate. */
function forwarded(lines: (scene: Scene) => readonly (readonly [string, string])[]): Attempt {
  return {
    certificate: "none",
    request: {
      lines: (token, scene) => [["authorization", `Bearer ${token}`], ["x-proxy-secret", SECRET], ...lines(scene)],
    },
  };
}

const right = forwarded((scene) => [["client-cert", rightValue(scene)]]);

/** What is no byte sequence of one certificate, in whatever else holds the right one. */
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
  rejects(["8705-13", "9440-01"], "a token that is bound to another certificate than the proxy hands on", {
    api: behindProxy,
    accepted: right,
    rejected: forwarded(({ other }) => [["client-cert", byteSequence(other.der)]]),
    code: "ERR_BINDING_MISMATCH",
  }),
  rejects(["8705-13", "9440-01"], "the certificate of the connection to the proxy, where the proxy hands on none", {
    api: behindProxy,
    accepted: { ...right, certificate: "own" },
    rejected: { ...forwarded(() => []), certificate: "own" },
    code: "ERR_CERTIFICATE_MISSING",
  }),
  conforms(
    "8705-13",
    "rejects a token over the connection of a proxy on which it has just been accepted with another certificate",
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
      accepted: right,
      rejected: forwarded(({ own }) => [["client-cert", value(own)]]),
      code: "ERR_CERTIFICATE_MALFORMED",
    }),
  ),
  rejects("9440-02", "a Client-Cert that is repeated", {
    api: behindProxy,
    accepted: right,
    rejected: forwarded((scene) => [
      ["client-cert", rightValue(scene)],
      ["client-cert", rightValue(scene)],
    ]),
    code: "ERR_CERTIFICATE_MALFORMED",
  }),
  rejects("9440-02", "a Client-Cert that is a list", {
    api: behindProxy,
    accepted: right,
    rejected: forwarded((scene) => [["client-cert", `${rightValue(scene)}, ${rightValue(scene)}`]]),
    code: "ERR_CERTIFICATE_MALFORMED",
  }),
  conforms(
    "9440-06",
    "gives answers that no cache may use for another certificate",
    async (stage) => {
      const { scene } = stage;
      await onEachServer(stage, behindProxy, async (send) => {
        const token = scene.token();
        const sendWith = (value: string) =>
          send({ token, headers: { "x-proxy-secret": SECRET, "client-cert": value } });
        const accepted = await sendWith(rightValue(scene));
        // What answers a request with Authorization is not shared, unless it says so (RFC 9111 section 3.5).
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
    rejects("9440-08", `a certificate that comes in Client-Cert-Chain only${index === 0 ? "" : ", twice"}`, {
      api: behindProxy,
      accepted: forwarded((scene) => [
        ["client-cert", rightValue(scene)],
        ["client-cert-chain", chain(rightValue(scene))],
      ]),
      rejected: forwarded((scene) => [["client-cert-chain", chain(rightValue(scene))]]),
      code: "ERR_CERTIFICATE_MISSING",
    }),
  ),
  rejects("9440-08", "the certificate of Client-Cert-Chain in place of that of Client-Cert", {
    api: behindProxy,
    accepted: forwarded((scene) => [
      ["client-cert", rightValue(scene)],
      ["client-cert-chain", rightValue(scene)],
    ]),
    rejected: forwarded((scene) => [
      ["client-cert", byteSequence(scene.other.der)],
      ["client-cert-chain", rightValue(scene)],
    ]),
    code: "ERR_BINDING_MISMATCH",
  }),
];
