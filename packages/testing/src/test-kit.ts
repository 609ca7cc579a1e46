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

/** Configures a test kit; everything has a default. */
export interface TestKitOptions {
  /**
   * JWS algorithms of the issuer, one key pair each; the first one signs unless a token asks otherwise. Defaults to ES256.
   */
  readonly algorithms?: readonly string[];
  /** The API that tokens are for. Defaults to `https://api.example.com`. */
  readonly audience?: string;
  /** Defaults to a clock that stands still at the present time of the machine. */
  readonly clock?: Clock;
  /** The key type of the authority. Defaults to `"ec"`. */
  readonly keyType?: AuthorityKeyType;
  /**
   * Whether servers with `serverOptions` end the handshake of clients without a certificate of the authority. Defaults to
   * false.
   */
  readonly rejectUnauthorized?: boolean;
}

/** Configures an API to accept the tokens of the kit's issuer, whose keys it finds by discovery. */
export interface TestKitVerifierOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly clock: Clock;
}

/** Configures a TLS server that asks each client for its certificate. */
export interface TestKitServerOptions {
  /** The certificate for `localhost`, `127.0.0.1` and `::1`, by the kit's authority, as PEM. */
  readonly cert: string;
  /** Its private key as PEM. */
  readonly key: string;
  /** The authority's certificate as PEM: clients with a certificate of it are `authorized`. */
  readonly ca: string;
  readonly requestCert: true;
  /**
   * False by default: the handshake lets everybody in, so that what rejects a client without the certificate of its token is
   * the API, by the binding that is tested, and its rejection is an answer, not a broken connection.
   */
  readonly rejectUnauthorized: boolean;
  /**
   * `SSL_OP_NO_RENEGOTIATION`: below TLS 1.3, a client that renegotiates can show a certificate whose key it does not hold.
   * Set `secureOptions: 0` to test an API on a server that allows renegotiation.
   */
  readonly secureOptions: number;
}

/**
 * Holds what testing an API takes, ready to use.
 *
 * The functions are those of this package, and of `ca` and `issuer`, under the same names; `ca` is filled in.
 */
export interface TestKit extends AsyncDisposable {
  readonly ca: CertificateAuthority;
  readonly issuer: Issuer;
  /** The time by which the issuer and the API go. */
  readonly clock: Clock;
  /** Spread into the options of `protectApi` or `createVerifier`. */
  readonly verifierOptions: TestKitVerifierOptions;
  /** For `https.createServer`, `http2.createSecureServer`, and Fastify's `https`. */
  readonly serverOptions: TestKitServerOptions;
  /** Issues a client certificate by the kit's authority. */
  readonly issueClientCertificate: (options?: CertificateOptions) => Promise<Identity>;
  /** Issues a token; without `boundTo` it is bound to nothing. */
  readonly accessToken: (options?: AccessTokenOptions) => Promise<string>;
  /** Starts a server, which the kit ends when it is closed. */
  readonly startServer: (server: StartableServer) => Promise<RunningServer>;
  /** Sends one request; see `mtlsRequest`. */
  readonly mtlsRequest: (url: string | URL, options?: Omit<MtlsRequestOptions, "ca">) => Promise<MtlsResponse>;
  /** Creates a function like the global `fetch`; see `mtlsFetch`. */
  readonly mtlsFetch: (options?: Omit<MtlsFetchOptions, "ca">) => typeof globalThis.fetch;
  /** Creates an agent for other HTTP clients, which the kit destroys when it is closed; see `mtlsAgent`. */
  readonly mtlsAgent: (options?: Omit<MtlsAgentOptions, "ca">) => Agent;
  /** Ends the issuer and all servers that the kit started, with all their connections. */
  readonly close: () => Promise<void>;
}

/** Holds the options of a test kit after defaults; what is only passed on is checked where it is used. */
interface TestKitSettings {
  readonly clock: Clock;
  readonly rejectUnauthorized: boolean;
  readonly authority: { readonly keyType?: AuthorityKeyType };
  readonly issuer: { readonly clock: Clock; readonly algorithms?: readonly string[]; readonly audience?: string };
}

/**
 * Creates an authority, an issuer and a clock that belong together.
 *
 * `await using kit = await createTestKit()` closes it at the end of the block, where the language has that.
 *
 * @throws TypeError for an unknown option or an impossible value
 */
export async function createTestKit(options: TestKitOptions = {}): Promise<TestKit> {
  const { clock, rejectUnauthorized, ...settings } = parseTestKitOptions(options);
  const ca = await createCertificateAuthority(settings.authority);
  const host = await ca.issueServerCertificate();
  const issuer = await createIssuer(settings.issuer);
  const trust = { ca: ca.certificate };
  const endings: (() => unknown)[] = [issuer.close];
  const close = async () => {
    await Promise.all(endings.splice(0).map((end) => end()));
  };
  return {
    ca,
    issuer,
    clock,
    verifierOptions: { issuer: issuer.issuer, audience: issuer.audience, clock },
    serverOptions: {
      cert: host.certificate,
      key: host.key,
      ...trust,
      requestCert: true,
      rejectUnauthorized,
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    },
    issueClientCertificate: ca.issueClientCertificate,
    accessToken: issuer.accessToken,
    startServer: async (server) => {
      const running = await startServer(server);
      endings.push(running.close);
      return running;
    },
    mtlsRequest: (url, requestOptions) => mtlsRequest(url, { ...trust, ...requestOptions }),
    mtlsFetch: (fetchOptions) => mtlsFetch({ ...trust, ...fetchOptions }),
    mtlsAgent: (agentOptions) => {
      const agent = mtlsAgent({ ...trust, ...agentOptions });
      endings.push(() => agent.destroy());
      return agent;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * Turns the options of a test kit into settings.
 *
 * @throws TypeError for an unknown option, and for a clock or a `rejectUnauthorized` that is none
 */
function parseTestKitOptions(options: TestKitOptions): TestKitSettings {
  assertKnownOptions(options, ["algorithms", "audience", "clock", "keyType", "rejectUnauthorized"]);
  const { algorithms, audience, clock = createClock(), keyType, rejectUnauthorized = false } = options;
  if (!isClock(clock)) throw new TypeError("clock is not made by createClock");
  if (typeof rejectUnauthorized !== "boolean") throw new TypeError("rejectUnauthorized is not true or false");
  if (audience !== undefined && typeof audience !== "string") throw new TypeError("audience is not a string");
  return {
    clock,
    rejectUnauthorized,
    authority: keyType === undefined ? {} : { keyType },
    issuer: { clock, ...(algorithms && { algorithms }), ...(audience !== undefined && { audience }) },
  };
}

function isClock(value: unknown): boolean {
  return typeof value === "function" && "advance" in value && "set" in value;
}
