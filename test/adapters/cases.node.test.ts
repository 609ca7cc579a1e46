import { allCases, contractCases } from "./cases.ts";
import { describeCases } from "./describe-cases.ts";
import { nodeBackends } from "./node-backends.ts";

describeCases(
  nodeBackends.filter(({ readsRequests }) => readsRequests),
  contractCases,
);

// Only the verifier checks tokens, claims and requirements, so these cases run once.
describeCases(
  nodeBackends.filter(({ readsRequests }) => !readsRequests),
  allCases,
);
