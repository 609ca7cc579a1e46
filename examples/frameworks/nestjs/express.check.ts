import { checkServer } from "../check.js";

const { app } = await import("./express.js");
await app.init();
await checkServer(app.getHttpServer());
await app.close();
