import { type AccessTokenError, createAuthenticator, httpRejection, type Verifier } from "@certbound/core";
import { type AuthenticatedExpressRequest, protectApi } from "@certbound/express";
import certbound, { protectApi as protectFastifyApi } from "@certbound/fastify";
import { type Identity, type RunningServer, startServer } from "@certbound/testing";
import Fastify from "fastify";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { Agent, createServer, request } from "node:https";
import { expect } from "vitest";
import { expressVersions } from "../../../helpers/express-versions.ts";
import { conforms, type ConformanceCase } from "../../conformance-case.ts";
import { sendRawRequest } from "../../raw-request.ts";
import type { Scene } from "../../scene.ts";
import { verifierOf } from "../../verification.ts";

/** The TLS options of the server of a case. */
type Tls = Readonly<Record<"key" | "cert", string>> & {
  readonly requestCert: true;
  readonly rejectUnauthorized: false;
};

/** Starts a server with a protected area. Its handler calls `onHandled`. */
type Area = (verifier: Verifier, onHandled: () => void, tls: Tls) => Promise<RunningServer>;

const expressAreas: readonly (readonly [name: string, area: Area])[] = expressVersions.flatMap(([name, express]) => [
  [
    `${name}, a path`,
    async (verifier, onHandled, tls) => {
      const app = express();
      app.use("/area", protectApi({ verifier })());
      app.get("/area/item", handler(onHandled));
      return startServer(createServer(tls, app));
    },
  ] as const,
  [
    `${name}, a router`,
    async (verifier, onHandled, tls) => {
      const [app, router, inner] = [express(), express.Router(), express.Router()];
      router.use(protectApi({ verifier })());
      inner.get("/item", handler(onHandled));
      router.use("/", inner);
      app.use("/area", router);
      return startServer(createServer(tls, app));
    },
  ] as const,
  [
    `${name}, a route`,
    async (verifier, onHandled, tls) => {
      const app = express();
      app.get("/area/item", protectApi({ verifier })(), handler(onHandled));
      return startServer(createServer(tls, app));
    },
  ] as const,
]);

const fastifyAreas: readonly (readonly [name: string, area: Area])[] = [
  [
    "Fastify, a hook of the instance with the plugin",
    async (verifier, onHandled, tls) => {
      const app = Fastify({ https: tls, routerOptions: { ignoreTrailingSlash: true, caseSensitive: false } });
      app.register(
        async (child) => {
          await child.register(certbound, { verifier });
          child.addHook("onRequest", child.protect());
          // A nested instance inherits the hooks.
          child.register(async (grandchild) => {
            grandchild.get("/item", async () => {
              onHandled();
              return {};
            });
          });
        },
        { prefix: "/area" },
      );
      await app.ready();
      return startServer(app.server);
    },
  ],
  [
    "Fastify, a route",
    async (verifier, onHandled, tls) => {
      const app = Fastify({ https: tls, routerOptions: { ignoreTrailingSlash: true, caseSensitive: false } });
      app.get("/area/item", { onRequest: protectFastifyApi({ verifier })() }, async () => {
        onHandled();
        return {};
      });
      await app.ready();
      return startServer(app.server);
    },
  ],
];

/** Spellings of one path that a router may accept, but that a comparison of paths may miss. */
const spellings: readonly string[] = [
  "/area/item",
  "/area/item/",
  "/AREA/item",
  "/area/ITEM",
  "//area/item",
  "/area//item",
  "/./area/item",
  "/area/./item",
  "/other/../area/item",
  "/%61rea/item",
  "/area/%69tem",
  "/area%2fitem",
  "/area/item?x=1",
  "/area/item;x=1",
  "/area/item%00",
  "/area/item#x",
  "/area\\item",
  "https://localhost/area/item",
];

/** Failures of application callbacks. Express continues after next(undefined) and next("route"). */
const failures = (["certificateResolver", "tokenResolver", "onRejected", "respond"] as const).flatMap((callback) =>
  [new Error("it fails"), undefined, "route"].map((reason) => [callback, reason] as const),
);

export const cases: readonly ConformanceCase[] = [
  ...[...expressAreas, ...fastifyAreas].map(([name, area]) =>
    conforms("W-05", `protects every spelling of a path that its handler accepts: ${name}`, async ({ scene }) => {
      let handled = 0;
      const count = () => {
        handled += 1;
      };
      const server = await area(verifierOf({ jwks: scene.jwks }), count, await tlsOf(scene));
      const clients = { own: client(server, scene, scene.own), other: client(server, scene, scene.other) };
      const acceptedPaths: string[] = [];
      for (const path of spellings) {
        for (const method of ["GET", "HEAD"]) {
          const before = handled;
          await clients.own.send(method, path, scene.token());
          if (handled > before) acceptedPaths.push(path);
          const after = handled;
          // A path that the handler does not accept may be rejected with 401 or 404.
          await clients.own.send(method, path, undefined);
          await clients.other.send(method, path, scene.token());
          expect({ path, method, handled }).toEqual({ path, method, handled: after });
        }
      }
      for (const { agent } of Object.values(clients)) agent.destroy();
      await server.close();
      expect(acceptedPaths).toContain("/area/item");
      expect(acceptedPaths).toContain("/AREA/item");
    }),
  ),
  conforms("W-05", "protects the routes of one Fastify instance, and does not affect a sibling", async ({ scene }) => {
    const app = Fastify({ https: await tlsOf(scene) });
    const verifier = verifierOf({ jwks: scene.jwks });
    app.register(async (child) => {
      await child.register(certbound, { verifier });
      child.addHook("onRequest", child.protect());
      child.get("/protected", async () => ({}));
    });
    app.register(async (sibling) => {
      // Without the decorator, the sibling cannot be mistaken for protected.
      expect(sibling.hasDecorator("protect")).toBe(false);
      sibling.get("/open", async () => ({}));
    });
    await app.ready();
    const server = await startServer(app.server);
    const { send, agent } = client(server, scene, scene.own);
    const statuses = [
      await send("GET", "/protected", scene.token()),
      await send("GET", "/protected", undefined),
      await send("GET", "/open", undefined),
    ];
    agent.destroy();
    await server.close();
    expect(statuses).toEqual([200, 401, 200]);
  }),
  ...expressVersions.flatMap(([name, express]) =>
    failures.map(([callback, reason]) =>
      conforms(
        "W-05",
        `responds with 500 when ${callback} rejects with ${String(reason)}: ${name}`,
        async ({ scene }) => {
          const app = express();
          let [handled, fails] = [0, false];
          const failing = async () => {
            // oxlint-disable-next-line typescript/only-throw-error -- an application may do this
            throw reason;
          };
          const protectedBy = (options: object) =>
            protectApi({ verifier: verifierOf({ jwks: scene.jwks }), ...options })();
          const [working, broken] = [protectedBy({}), protectedBy({ [callback]: failing })];
          app.use((...handlerArguments) => (fails ? broken : working)(...handlerArguments));
          app.get(
            "/",
            handler(() => {
              handled += 1;
            }),
          );
          const server = await startServer(createServer(await tlsOf(scene), app));
          const { send, agent } = client(server, scene, scene.own);
          expect([await send("GET", "/", scene.token()), handled]).toEqual([200, 1]);
          fails = true;
          // These callbacks are called only for rejections.
          const needsRejection = callback === "onRejected" || callback === "respond";
          const status = await send("GET", "/", needsRejection ? undefined : scene.token());
          agent.destroy();
          await server.close();
          expect([status, handled]).toEqual([500, 1]);
        },
      ),
    ),
  ),
  conforms("W-05", "checks a request for an upgrade like any other request", async ({ scene, servers }) => {
    for (const { url, routeOf } of servers) {
      const { path } = routeOf();
      const send = async (token: string | undefined) =>
        (await sendRawRequest(url, { ca: scene.ca.certificate, identity: scene.own, text: upgrade(path, token) }))
          .status;
      expect([await send(scene.token()), await send(undefined)]).toEqual([200, 401]);
    }
  }),
  conforms("W-05", "checks the upgrade itself if the application passes it on", async ({ scene }) => {
    const authenticate = createAuthenticator({ verifier: verifierOf({ jwks: scene.jwks }) })();
    const server = createServer(await tlsOf(scene), (_request, response) => response.end());
    server.on("upgrade", (incoming, socket) => {
      authenticate(incoming).then(
        () => socket.end("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
        (error: unknown) =>
          socket.end(
            `HTTP/1.1 ${httpRejection(error as AccessTokenError).status} Unauthorized\r\nConnection: close\r\n\r\n`,
          ),
      );
    });
    const { url, close } = await startServer(server);
    const send = async (identity: Identity, token: string | undefined) =>
      (await sendRawRequest(url, { ca: scene.ca.certificate, identity, text: upgrade("/", token) })).status;
    const statuses = [
      await send(scene.own, scene.token()),
      await send(scene.own, undefined),
      await send(scene.other, scene.token()),
    ];
    await close();
    expect(statuses).toEqual([101, 401, 401]);
  }),
];

function handler(onHandled: () => void): (incoming: object, response: { json: (body: object) => unknown }) => void {
  return (incoming, response) => {
    onHandled();
    response.json({ subject: (incoming as AuthenticatedExpressRequest).claims.sub });
  };
}

async function tlsOf({ ca }: Scene): Promise<Tls> {
  const { key, certificate: cert } = await ca.issueServerCertificate();
  return { key, cert, requestCert: true, rejectUnauthorized: false };
}

/** Opens a connection of a client, which sends paths unchanged. */
function client({ url }: RunningServer, { ca }: Scene, { certificate: cert, key }: Identity) {
  const agent = new Agent({ ca: ca.certificate, cert, key, servername: "localhost", keepAlive: true, maxSockets: 1 });
  const { hostname, port } = new URL(url);
  const send = async (method: string, path: string, token: string | undefined): Promise<number> => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const outgoing = request({ hostname, port, method, path, agent, headers }).end();
    const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
    incoming.resume();
    await once(incoming, "end");
    return incoming.statusCode ?? 0;
  };
  return { agent, send };
}

function upgrade(path: string, token: string | undefined): string {
  return [
    `GET ${path} HTTP/1.1`,
    "Host: api.example",
    "Connection: close, Upgrade",
    "Upgrade: websocket",
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    "\r\n",
  ].join("\r\n");
}
