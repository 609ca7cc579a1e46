import { type AccessTokenErrorCode, createVerifier, type Verifier } from "@certbound/core";
import { type RunningServer } from "@certbound/testing";
import type { Backend, ProtectedRoute } from "../adapters/backend.ts";
import { type Connection, openConnection } from "../adapters/connection.ts";
import { expressBackends } from "../adapters/express-backends.ts";
import { fastifyBackends } from "../adapters/fastify-backends.ts";
import type { Api, Presented } from "./conformance-case.ts";
import { AUDIENCE, createScene, ISSUER, NOW, type Scene } from "./scene.ts";

/** The APIs of a test file, each behind every framework, and connected clients. */
export interface Stage {
  readonly scene: Scene;
  readonly servers: readonly ApiServer[];
  /** Returns the verifier of an API, which its routes share. */
  readonly verifierOf: (api?: Api) => Verifier;
  readonly close: () => Promise<void>;
}

/** The HTTPS server with all APIs behind one framework. */
export interface ApiServer {
  readonly framework: Framework;
  readonly url: string;
  readonly connections: Readonly<Record<Presented, Connection>>;
  readonly routeOf: (api?: Api) => Route;
}

/** The path of an API, and a record of its requests. */
export interface Route {
  readonly path: string;
  /** The codes that `onRejected` received. */
  readonly codes: AccessTokenErrorCode[];
  handled: number;
}

export type Framework = (typeof frameworks)[number];

/** The API of cases without `api`. */
const defaultApi: Api = {};

/** The frameworks behind which every API runs. */
export const frameworks = ["Express", "Fastify"] as const;

const backends: Readonly<Record<Framework, Backend | undefined>> = {
  Express: expressBackends[0],
  Fastify: fastifyBackends[0],
};

/** Starts one server per framework with all APIs. */
export async function startStage(apis: readonly Api[]): Promise<Stage> {
  const scene = await createScene();
  const verifiers = new Map([defaultApi, ...apis].map((api) => [api, verifierFor(api, scene)]));
  const servers = await Promise.all(frameworks.map((framework) => startServerOf(framework, verifiers, scene)));
  return {
    scene,
    servers,
    verifierOf: (api = defaultApi) => getOrThrow(verifiers, api),
    close: async () => {
      await Promise.all(servers.map(({ close }) => close()));
      await scene.close();
    },
  };
}

function verifierFor({ verifier }: Api, scene: Scene): Verifier {
  const defaults = { issuer: ISSUER, audience: AUDIENCE, jwks: scene.jwks, clock: () => NOW * 1000 };
  return createVerifier({ ...defaults, ...verifier?.(scene) });
}

async function startServerOf(
  framework: Framework,
  verifiers: ReadonlyMap<Api, Verifier>,
  scene: Scene,
): Promise<ApiServer & { readonly close: () => Promise<void> }> {
  const routes = new Map<Api, Route>();
  const protectedRoutes: ProtectedRoute[] = [];
  for (const [api, verifier] of verifiers) {
    const route: Route = { path: `/api-${routes.size}`, codes: [], handled: 0 };
    routes.set(api, route);
    protectedRoutes.push(protectedRouteFor(route, api, verifier));
  }
  const { url, close } = await listen(framework, protectedRoutes, scene);
  const connections = openConnections(url, scene);
  return {
    framework,
    url,
    connections,
    routeOf: (api = defaultApi) => getOrThrow(routes, api),
    close: async () => {
      for (const connection of Object.values(connections)) connection.close();
      await close();
    },
  };
}

function protectedRouteFor(
  route: Route,
  { requirements = {}, rejection, certificateResolver }: Api,
  verifier: Verifier,
): ProtectedRoute {
  const onRejected: ProtectedRoute["options"]["onRejected"] = ({ code }) => route.codes.push(code);
  return {
    path: route.path,
    requirements,
    options: { ...rejection, ...(certificateResolver && { certificateResolver }), verifier, onRejected },
    onHandled: () => {
      route.handled += 1;
    },
  };
}

async function listen(framework: Framework, routes: readonly ProtectedRoute[], { ca }: Scene): Promise<RunningServer> {
  const { key, certificate: cert } = await ca.issueServerCertificate();
  const backend = getOrThrow(new Map(Object.entries(backends)), framework);
  // Chains are verified for certificate policies; clients with an unverified chain are not rejected.
  const tls = { key, cert, ca: ca.certificate, requestCert: true, rejectUnauthorized: false } as const;
  return backend.start(routes, { ...tls, maxHeaderSize: 65_536 });
}

function openConnections(url: string, { ca, own, other }: Scene): ApiServer["connections"] {
  const shared = { ca: ca.certificate, httpVersion: 1 } as const;
  return {
    own: openConnection(url, { ...shared, identity: own }),
    other: openConnection(url, { ...shared, identity: other }),
    none: openConnection(url, { ...shared, identity: undefined }),
  };
}

function getOrThrow<Key, Value>(map: ReadonlyMap<Key, Value | undefined>, key: Key): Value {
  const value = map.get(key);
  if (value === undefined) throw new Error("The stage was started without this API: pass it to the case");
  return value;
}
