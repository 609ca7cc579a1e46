import { AccessTokenError, type AccessTokenErrorCode } from "@certbound/core";
import type { Api, Attempt } from "./conformance-case.ts";
import type { Scene } from "./scene.ts";
import { type ApiServer, type Framework, frameworks, type Stage } from "./stage.ts";
import type { ReceivedResponse } from "./responses.ts";

/** A way to send a token to the verifier. */
export interface FrontEnd {
  readonly name: string;
  /** Whether it reads the token from a request, so that it runs the cases that concern requests. */
  readonly readsRequests: boolean;
  readonly attempt: (stage: Stage, api: Api | undefined, attempt: Attempt) => Promise<Outcome>;
}

/** The outcome of an attempt. */
export interface Outcome {
  /** The codes that `onRejected` received; empty if the token was accepted. */
  readonly codes: readonly AccessTokenErrorCode[];
  /** How often the handler of the route ran, or the verifier accepted the token. */
  readonly handled: number;
  /** The response that the client received; absent for the verifier alone. */
  readonly response?: ReceivedResponse;
}

/** The verifier alone, and each framework over HTTPS with the client's certificate. */
export const frontEnds: readonly FrontEnd[] = [
  { name: "verify", readsRequests: false, attempt: verify },
  ...frameworks.map((framework) => ({ name: framework, readsRequests: true, attempt: sendTo(framework) })),
];

async function verify({ scene, verifierOf }: Stage, api: Api | undefined, attempt: Attempt): Promise<Outcome> {
  const token = await tokenOf(attempt, scene);
  const presented = { own: scene.own.der, other: scene.other.der, none: null };
  const clientCertificate = presented[attempt.certificate ?? "own"];
  try {
    await verifierOf(api).verify(token, { ...(api?.requirements as object), clientCertificate });
    return { codes: [], handled: 1 };
  } catch (error) {
    if (error instanceof AccessTokenError) return { codes: [error.code], handled: 0 };
    throw error;
  }
}

function sendTo(framework: Framework): FrontEnd["attempt"] {
  return async ({ scene, servers }, api, attempt) => {
    const server = servers.find((candidate) => candidate.framework === framework) as ApiServer;
    const token = await tokenOf(attempt, scene);
    const { lines, query, method = "GET", body } = attempt.request ?? {};
    const route = server.routeOf(api);
    route.codes.length = 0;
    route.handled = 0;
    const { status, headers } = await server.connections[attempt.certificate ?? "own"].send({
      path: `${route.path}${query?.(token) ?? ""}`,
      method,
      fields: lines?.(token, scene) ?? [["authorization", `Bearer ${token}`]],
      body: body?.(token),
    });
    return { codes: [...route.codes], handled: route.handled, response: { status, headers } };
  };
}

async function tokenOf({ token }: Attempt, scene: Scene): Promise<string> {
  return token === undefined ? scene.token() : token(scene);
}
