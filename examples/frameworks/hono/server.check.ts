import type { Server } from "node:https";
import { checkServer } from "../check.js";

const { server } = await import("./server.js");
await checkServer(server as Server);
