import { checkServer } from "../check.js";

const { server } = await import("./version-1.js");
await checkServer(server);
