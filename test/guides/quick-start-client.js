import { readFileSync } from "node:fs";
import { Agent, fetch } from "undici";

const { API: url = "https://localhost:8443/accounts" } = process.env;
const [ca, token] = [readFileSync("ca.pem"), readFileSync("token.txt", "utf8")];

for (const name of ["client", "thief"]) {
  const [cert, key] = [readFileSync(`${name}.pem`), readFileSync(`${name}-key.pem`)];
  // Uses HTTP/2 if the server supports it. The fetch that is built into Node.js cannot present a certificate.
  const dispatcher = new Agent({ allowH2: true, connect: { ca, cert, key } });
  const response = await fetch(url, { dispatcher, headers: { authorization: `Bearer ${token}` } });
  console.log(name, response.status, await response.text());
  await dispatcher.close();
}
