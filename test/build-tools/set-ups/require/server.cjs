// #region require
const { protectApi } = require("@certbound/express");
// #endregion
const express = require("express");
const { createServer } = require("node:https");

const { options, tls } = JSON.parse(process.env.API ?? "");
const protect = protectApi(options);
const app = express();
app.get("/accounts", protect(), (request, response) => {
  response.json({ client: request.claims.client_id });
});
const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" }, app);
server.listen(0, "localhost", () => console.log(JSON.stringify(server.address())));
