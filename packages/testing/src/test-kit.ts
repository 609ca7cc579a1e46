import { constants } from "node:crypto";
import type { Agent } from "node:https";
import { createCertificateAuthority } from "./certificates/certificate-authority.ts";
import type { CertificateAuthority } from "./certificates/certificate-authority.ts";
import type { CertificateOptions } from "./certificates/certificate-options.ts";
import type { Identity } from "./certificates/identity.ts";
import type { AuthorityKeyType } from "./certificates/issue-certificate.ts";
import { createClock } from "./clock.ts";
import type { Clock } from "./clock.ts";
import { createIssuer } from "./issuer/issuer.ts";
import type { Issuer } from "./issuer/issuer.ts";
import { assertKnownOptions } from "./known-options.ts";
import { mtlsAgent } from "./requests/mtls-agent.ts";
import type { MtlsAgentOptions } from "./requests/mtls-agent.ts";
import { mtlsFetch } from "./requests/mtls-fetch.ts";
import type { MtlsFetchOptions } from "./requests/mtls-fetch.ts";
import { mtlsRequest } from "./requests/mtls-request.ts";
import type { MtlsResponse } from "./requests/mtls-request.ts";
import type { MtlsRequestOptions } from "./requests/mtls-request-options.ts";
import { startServer } from "./start-server.ts";
import type { RunningServer, StartableServer } from "./start-server.ts";
import type { AccessTokenOptions } from "./tokens/access-token.ts";

/** Options of a test kit; all are optional. */
export interface TestKitOptions {
  /** JWS algorithms of the issuer, with one key pair each; the first one is the default for tokens. Defaults to ES256. */
  readonly algorithms?: readonly string[];
  /** The audience of the tokens. Defaults to `https://api.example.com`. */
  readonly audience?: string;
  /** Defaults to a clock that stands still at the current time. */
  readonly clock?: Clock;
  /** The key type of the CA. Defaults to `"ec"`. */
  readonly keyType?: AuthorityKeyType;
  /**
   * Whether a server with `serverOptions` rejects clients without a certificate of the CA during the handshake. Defaults
   * to false.
   */
  readonly rejectUnauthorized?: boolean;
}

/** Verifier options to accept the tokens of the kit's issuer; the API finds its keys by discovery. */
export interface TestKitVerifierOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly clock: Clock;
}

/** Options of a TLS server that requests a client certificate. */
export interface TestKitServerOptions {
  /** The server certificate, issued by the kit's CA for `localhost`, `127.0.0.1` and `::1`, as PEM. */
  readonly cert: string;
  /** The private key as PEM. */
  readonly key: string;
  /** The CA certificate as PEM: connections with a client certificate that the CA issued are `authorized`. */
  readonly ca: string;
  readonly requestCert: true;
  /**
   * False by default: the handshake accepts all clients, so that a test gets the response of the API instead of a failed
   * connection.
   */
  readonly rejectUnauthorized: boolean;
  /**
   * `SSL_OP_NO_RENEGOTIATION`: below TLS 1.3, a client that renegotiates can present a certificate without holding its
   * key. Set `secureOptions: 0` to test an API on a server that allows renegotiation.
   */
  readonly secureOptions: number;
}

/**
 * A CA, an issuer, a clock and functions to test an API.
 *
 * The functions are those of this package, of `ca` and of `issuer`, under the same names. The kit sets the option `ca`.
 */
export interface TestKit extends AsyncDisposable {
  readonly ca: CertificateAuthority;
  readonly issuer: Issuer;
  /** The clock of the issuer and of the API. */
  readonly clock: Clock;
  /** Spread into the options of `protectApi` or `createVerifier`. */
  readonly verifierOptions: TestKitVerifierOptions;
  /** For `https.createServer`, `http2.createSecureServer` and Fastify's `https`. */
  readonly serverOptions: TestKitServerOptions;
  /** Issues a client certificate from the kit's CA. */
  readonly issueClientCertificate: (options?: CertificateOptions) => Promise<Identity>;
  /** Issues a JWT access token, which is certificate-bound only with `boundTo`. */
  readonly accessToken: (options?: AccessTokenOptions) => Promise<string>;
  /** Starts a server. Closing the kit closes the server. */
  readonly startServer: (server: StartableServer) => Promise<RunningServer>;
  /** Sends one request; see `mtlsRequest`. */
  readonly mtlsRequest: (url: string | URL, options?: Omit<MtlsRequestOptions, "ca">) => Promise<MtlsResponse>;
  /** Creates a function like the global `fetch`; see `mtlsFetch`. */
  readonly mtlsFetch: (options?: Omit<MtlsFetchOptions, "ca">) => typeof globalThis.fetch;
  /** Creates an agent for other HTTP clients; see `mtlsAgent`. Closing the kit destroys the agent. */
  readonly mtlsAgent: (options?: Omit<MtlsAgentOptions, "ca">) => Agent;
  /** Closes the issuer and all servers that the kit started, with their connections, and destroys the agents. */
  readonly close: () => Promise<void>;
}

/** Test kit options with defaults applied. The CA and the issuer validate their options themselves. */
interface TestKitSettings {
  readonly clock: Clock;
  readonly rejectUnauthorized: boolean;
  readonly ca: { readonly keyType?: AuthorityKeyType };
  readonly issuer: { readonly clock: Clock; readonly algorithms?: readonly string[]; readonly audience?: string };
}

/**
 * Creates a CA, an issuer and a clock that are configured for each other.
 *
 * `await using kit = await createTestKit()` closes the kit at the end of the block (TypeScript or Node.js 24).
 *
 * @example
 * <!-- source: test/api-examples/testing.examples.ts#createTestKit -->
 * ```ts
 * import { createTestKit } from "@certbound/testing";
 * import { createServer } from "node:https";
 *
 * const kit = await createTestKit();
 * const { url } = await kit.startServer(createServer(kit.serverOptions, createApp(kit.verifierOptions)));
 * const [client, thief] = [await kit.issueClientCertificate(), await kit.issueClientCertificate()];
 * const token = await kit.accessToken({ boundTo: client });
 *
 * const accepted = await kit.mtlsRequest(`${url}/accounts`, { identity: client, token }); // 200
 * const rejected = await kit.mtlsRequest(`${url}/accounts`, { identity: thief, token }); // 401
 * await kit.close();
 * ```
 *
 * @throws TypeError for an unknown option or an invalid value
 */
export async function createTestKit(options: TestKitOptions = {}): Promise<TestKit> {
  const { clock, rejectUnauthorized, ...settings } = parseTestKitOptions(options);
  const ca = await createCertificateAuthority(settings.ca);
  const serverIdentity = await ca.issueServerCertificate();
  const issuer = await createIssuer(settings.issuer);
  const trust = { ca: ca.certificate };
  const cleanups: (() => unknown)[] = [issuer.close];
  const close = async () => {
    await Promise.all(cleanups.splice(0).map((cleanUp) => cleanUp()));
  };
  return {
    ca,
    issuer,
    clock,
    verifierOptions: { issuer: issuer.issuer, audience: issuer.audience, clock },
    serverOptions: {
      cert: serverIdentity.certificate,
      key: serverIdentity.key,
      ...trust,
      requestCert: true,
      rejectUnauthorized,
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    },
    issueClientCertificate: ca.issueClientCertificate,
    accessToken: issuer.accessToken,
    startServer: async (server) => {
      const running = await startServer(server);
      cleanups.push(running.close);
      return running;
    },
    mtlsRequest: (url, requestOptions) => mtlsRequest(url, { ...trust, ...requestOptions }),
    mtlsFetch: (fetchOptions) => mtlsFetch({ ...trust, ...fetchOptions }),
    mtlsAgent: (agentOptions) => {
      const agent = mtlsAgent({ ...trust, ...agentOptions });
      cleanups.push(() => agent.destroy());
      return agent;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * Parses the options of a test kit.
 *
 * @throws TypeError for an unknown option, or an invalid `clock`, `rejectUnauthorized` or `audience`
 */
function parseTestKitOptions(options: TestKitOptions): TestKitSettings {
  assertKnownOptions(options, ["algorithms", "audience", "clock", "keyType", "rejectUnauthorized"]);
  const { algorithms, audience, clock = createClock(), keyType, rejectUnauthorized = false } = options;
  if (!isClock(clock)) throw new TypeError("clock was not created by createClock");
  if (typeof rejectUnauthorized !== "boolean") throw new TypeError("rejectUnauthorized is not true or false");
  if (audience !== undefined && typeof audience !== "string") throw new TypeError("audience is not a string");
  return {
    clock,
    rejectUnauthorized,
    ca: keyType === undefined ? {} : { keyType },
    issuer: { clock, ...(algorithms && { algorithms }), ...(audience !== undefined && { audience }) },
  };
}

function isClock(value: unknown): boolean {
  return typeof value === "function" && "advance" in value && "set" in value;
}
