import { allCases, contractCases } from "./cases.ts";
import { describeCases } from "./describe-cases.ts";
import { nodeBackends } from "./node-backends.ts";

describeCases(
  nodeBackends.filter(({ readsRequests }) => readsRequests),
  contractCases,
);

// The verifier alone decides all that concerns tokens, claims and requirements: these cases run once.
describeCases(
  nodeBackends.filter(({ readsRequests }) => !readsRequests),
  allCases,
);
