import { contractCases } from "./cases.ts";
import { fastifyBackends } from "./fastify-backends.ts";
import { describeCases } from "./describe-cases.ts";

describeCases(fastifyBackends, contractCases);
