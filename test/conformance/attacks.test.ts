import { describeConformance } from "./describe-conformance.ts";
import { loadCases } from "./load-cases.ts";

describeConformance(await loadCases("attacks"));
