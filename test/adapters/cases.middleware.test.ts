import { contractCases } from "./cases.ts";
import { middlewareBackends } from "./middleware-backends.ts";
import { describeCases } from "./describe-cases.ts";

describeCases(middlewareBackends, contractCases);
