import { expressBackends } from "./express-backends.ts";
import { describeCases } from "./describe-cases.ts";

describeCases(expressBackends);
