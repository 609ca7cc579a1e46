import { createServer } from "node:https";
import { protectApi } from "@certbound/express";
import {
  createCertificateAuthority,
  createIssuer,
  type Identity,
  type Issuer,
  mtlsRequest,
  startServer,
} from "@certbound/testing";
import express, { type RequestHandler } from "express";

/** An API with routes for every kind of event, and its parties. */
export interface Scene {
  readonly issuer: Issuer;
  /** An issuer whose server is closed. */
  readonly closedIssuer: Issuer;
  readonly client: Identity;
  readonly thief: Identity;
  /** A JWT that is bound to the client. */
  readonly token: string;
  /** Sends a request as the client, with a token that is bound to it, unless other credentials are given. Returns the status. */
  readonly request: (path: Path, credentials?: Credentials) => Promise<number>;
  readonly close: () => Promise<void>;
}

/** A route, whose requirements decide which event a request causes. */
type Path = "/accounts" | "/report-only" | "/failing" | "/keyless" | "/opaque";

interface Credentials {
  readonly token?: string;
  readonly identity?: Identity;
}

/** Creates the parties and starts the API. The handler runs before `protect()`. */
export async function createScene(before: RequestHandler = (_request, _response, next) => next()): Promise<Scene> {
  const [ca, issuer, closedIssuer] = await Promise.all([createCertificateAuthority(), createIssuer(), createIssuer()]);
  const [host, client, thief] = await Promise.all([
    ca.issueServerCertificate(),
    ca.issueClientCertificate(),
    ca.issueClientCertificate(),
  ]);
  await closedIssuer.close();
  const [token, keyless, opaque] = await Promise.all([
    issuer.accessToken({ boundTo: client }),
    closedIssuer.accessToken({ boundTo: client }),
    issuer.opaqueToken({ boundTo: client }),
  ]);
  const tokens = {
    "/accounts": token,
    "/report-only": token,
    "/failing": token,
    "/keyless": keyless,
    "/opaque": opaque,
  };
  const tls = { key: host.key, cert: host.certificate, requestCert: true, rejectUnauthorized: false } as const;
  const app = createApp(issuer, closedIssuer, before);
  const api = await startServer(createServer({ ...tls, minVersion: "TLSv1.3" }, app));
  return {
    issuer,
    closedIssuer,
    client,
    thief,
    token,
    request: async (path, credentials = {}) => {
      const options = { ca: ca.certificate, identity: client, token: tokens[path], ...credentials };
      return (await mtlsRequest(`${api.url}${path}`, options)).status;
    },
    close: async () => void (await Promise.all([api.close(), issuer.close()])),
  };
}

function createApp(issuer: Issuer, closedIssuer: Issuer, before: RequestHandler): express.Express {
  const optionsOf = ({ issuer: identifier, audience }: Issuer) => ({ issuer: identifier, audience });
  const protect = protectApi(optionsOf(issuer));
  const protectKeyless = protectApi(optionsOf(closedIssuer));
  const { clientId, clientSecret } = issuer.introspectionClient;
  const protectOpaque = protectApi({ ...optionsOf(issuer), introspection: { clientId, clientSecret } });

  const app = express().use(before);
  const respond: RequestHandler = (_request, response) => void response.json({});
  app.get("/accounts", protect({ scopes: ["read"] }), respond);
  app.get("/report-only", protect({ validateCertificateBinding: "report-only" }), respond);
  app.get("/failing", protect({ authorize: () => Promise.reject(new Error("the database is down")) }), respond);
  app.get("/keyless", protectKeyless(), respond);
  app.get("/opaque", protectOpaque(), respond);
  return app;
}
