import { ApolloServer } from "@apollo/server";
import { expressMiddleware } from "@as-integrations/express5";
import { type AccessToken, protectApi } from "@certbound/express";
import express from "express";
import { createServer } from "node:https";
import { tls } from "../tls.js";

const protect = protectApi();

const apollo = new ApolloServer<{ accessToken: AccessToken }>({
  typeDefs: "type Query { client: String }",
  resolvers: {
    Query: {
      client: (_parent, _args, { accessToken }: { accessToken: AccessToken }) => accessToken.claims.client_id,
    },
  },
});
await apollo.start();

const app = express();
app.use(
  "/graphql",
  protect({ scopes: ["read"] }), // before the body is read
  express.json(),
  expressMiddleware(apollo, { context: async ({ req }) => ({ accessToken: req.accessToken }) }),
);

export const server = createServer(tls, app);
