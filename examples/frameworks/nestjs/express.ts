import { NestFactory } from "@nestjs/core";
import type { NestExpressApplication } from "@nestjs/platform-express";
import { tls } from "../tls.js";
import { AppModule } from "./app.module.js";

export const app = await NestFactory.create<NestExpressApplication>(AppModule, { httpsOptions: tls });
