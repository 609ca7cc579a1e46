import { contractCases } from "./cases.ts";
import { expressBackends } from "./express-backends.ts";
import { describeCases } from "./describe-cases.ts";

describeCases(expressBackends, contractCases);
