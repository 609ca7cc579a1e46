import { nodeBackends } from "./node-backends.ts";
import { describeCases } from "./describe-cases.ts";

describeCases(nodeBackends);
