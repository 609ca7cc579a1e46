import { AccessTokenError, awsAlb, createAuthenticator, fromProxy } from "@certbound/core";
import type { ALBEvent, ALBResult } from "aws-lambda";

const authenticator = createAuthenticator({
  // Allow only the load balancer to invoke this function. Each of its listeners that forwards requests to the function must
  // verify client certificates, because only such a listener replaces the header that a client sends.
  certificateResolver: fromProxy(awsAlb(), { trust: { dangerouslyTrustEverySender: true } }),
});
const authenticate = authenticator({ scopes: ["read"] });

export async function handler({ multiValueHeaders }: ALBEvent): Promise<ALBResult> {
  if (multiValueHeaders === undefined) throw new Error("enable multi-value headers of the target group");
  try {
    const { claims } = await authenticate({ rawHeaders: [], headers: multiValueHeaders, socket: {} });
    return json(200, { client: claims.client_id });
  } catch (error) {
    if (!(error instanceof AccessTokenError)) throw error; // a failure of the function: the load balancer responds with 502
    const { status, headers, body } = authenticator.rejection(error);
    return json(status, body, headers);
  }
}

function json(statusCode: number, body: object, headers: Readonly<Record<string, string>> = {}): ALBResult {
  const fields = Object.entries({ ...headers, "Content-Type": "application/json" });
  const multiValueHeaders = Object.fromEntries(fields.map(([name, value]) => [name, [value]]));
  return { statusCode, multiValueHeaders, body: JSON.stringify(body) };
}
