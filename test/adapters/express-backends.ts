import { createServer } from "node:https";
import { protectApi } from "@certbound/express";
import { startServer } from "@certbound/testing";
import { expressVersions } from "../helpers/express-versions.ts";
import { type Backend, summary } from "./backend.ts";

/** The Express adapter on every supported version of Express. */
export const expressBackends: readonly Backend[] = expressVersions.map(([name, express]) => ({
  name,
  httpVersion: 1,
  readsRequests: true,
  start: (routes, tls) => {
    const app = express();
    for (const { path, options, requirements, onHandled } of routes) {
      app.all(path, protectApi(options)(requirements), (request, response) => {
        onHandled();
        const { accessToken, claims } = request;
        response.json({ ...summary(accessToken), subject: claims.sub ?? null });
      });
    }
    return startServer(createServer(tls, app));
  },
}));
