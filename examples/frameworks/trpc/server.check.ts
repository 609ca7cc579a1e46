import { checkServer } from "../check.js";

const { server } = await import("./server.js");
await checkServer(server, (body) => (body as { result: { data: { client: string } } }).result.data);
