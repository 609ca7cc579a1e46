import { checkServer, type RequestOptions } from "../check.js";

const { server } = await import("./server.js");
const query: RequestOptions = {
  path: "/graphql",
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ query: "{ client }" }),
};
await checkServer(server, (body) => (body as { data: { client: string } }).data, query);
