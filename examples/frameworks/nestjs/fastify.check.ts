import { checkServer } from "../check.js";

const { app } = await import("./fastify.js");
await app.init();
await app.getHttpAdapter().getInstance().ready();
await checkServer(app.getHttpServer());
await app.close();
