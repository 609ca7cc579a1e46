import { NestFactory } from "@nestjs/core";
import { FastifyAdapter, type NestFastifyApplication } from "@nestjs/platform-fastify";
import { tls } from "../tls.js";
import { AppModule } from "./app.module.js";

export const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter({ https: tls }));
