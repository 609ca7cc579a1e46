import { createTestKit, type Identity, type MtlsRequestOptions, type StartableServer } from "@certbound/testing";
import assert from "node:assert/strict";

/** The issuer, the certificates and the tokens of all checks. */
export const kit = await createTestKit();
Object.assign(process.env, {
  CERTBOUND_ISSUER: kit.issuer.issuer,
  CERTBOUND_AUDIENCE: kit.issuer.audience,
  SERVER_KEY: kit.serverOptions.key,
  SERVER_CERTIFICATE: kit.serverOptions.cert,
});

/** The credentials that a client presents. */
export interface Credentials {
  readonly identity?: Identity;
  readonly token?: string;
}

/** The response of the server under test. */
export interface Outcome {
  /** An HTTP status, or its equivalent in another protocol. */
  readonly status: number;
  /** The WWW-Authenticate header, if the protocol has it. */
  readonly challenge?: string | undefined;
  readonly client?: string | undefined;
}

export const [client, thief] = [await kit.issueClientCertificate(), await kit.issueClientCertificate()];
const token = await kit.accessToken({ boundTo: client });
const unscoped = await kit.accessToken({ boundTo: client, claims: { scope: "write" } });

interface Expected {
  readonly name: string;
  readonly credentials: Credentials;
  readonly outcome: Outcome;
}

const invalidToken = { status: 401, challenge: "invalid_token" };
const expected: readonly Expected[] = [
  { name: "the client", credentials: { identity: client, token }, outcome: { status: 200, client: "client-1" } },
  { name: "a thief", credentials: { identity: thief, token }, outcome: invalidToken },
  { name: "no certificate", credentials: { token }, outcome: invalidToken },
  { name: "no token", credentials: { identity: client }, outcome: { status: 401, challenge: "" } },
  {
    name: "a token without the scope",
    credentials: { identity: client, token: unscoped },
    outcome: { status: 403, challenge: "insufficient_scope" },
  },
];

/**
 * Sends one request for each set of credentials, asserts the outcomes, and closes the kit.
 *
 * `rejected` is the expected status of all rejections, for a server that does not distinguish them.
 */
export async function check(
  send: (credentials: Credentials) => Promise<Outcome>,
  { rejected, keepOpen = false }: { rejected?: number; keepOpen?: boolean } = {},
): Promise<void> {
  for (const { name, credentials, outcome } of expected) {
    const { status, client: seen, challenge } = await send(credentials);
    assert.equal(status, outcome.challenge === undefined ? outcome.status : (rejected ?? outcome.status), name);
    assert.equal(seen, outcome.client, name);
    if (challenge !== undefined) assert.equal(errorOf(challenge), outcome.challenge, name);
  }
  if (!keepOpen) await kit.close();
}

/** Returns the error of a challenge, or "" if it has none. */
function errorOf(challenge: string): string {
  assert.match(challenge, /^Bearer realm="api"/);
  return / error="(\w+)"/.exec(challenge)?.[1] ?? "";
}

/** A request, and its path. */
export type RequestOptions = Omit<MtlsRequestOptions, "ca"> & { readonly path?: string; readonly keepOpen?: boolean };

/** Checks an HTTPS server. `read` returns the client from the body of a response with the status 200. */
export async function checkServer(
  server: StartableServer,
  read: (body: unknown) => { readonly client: string } = (body) => body as { client: string },
  { path = "/accounts", keepOpen = false, ...options }: RequestOptions = {},
): Promise<void> {
  const { url } = await kit.startServer(server);
  await check(
    async (credentials) => {
      const { status, headers, ...response } = await kit.mtlsRequest(url + path, { ...options, ...credentials });
      if (status === 200) return { status, client: read(response.json()).client };
      assert.ok(headers["www-authenticate"], "a rejection has a challenge");
      return { status, challenge: headers["www-authenticate"] };
    },
    { keepOpen },
  );
}
