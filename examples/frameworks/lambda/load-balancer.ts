import { AccessTokenError, awsAlb, createAuthenticator, fromProxy } from "@certbound/core";
import type { ALBEvent, ALBResult } from "aws-lambda";

const authenticator = createAuthenticator({
  // The resource policy of the function permits the load balancer only, which removes the header that a client sends.
  certificateResolver: fromProxy(awsAlb(), { trust: { dangerouslyTrustEverySender: true } }),
});
const authenticate = authenticator({ scopes: ["read"] });

export async function handler({ multiValueHeaders }: ALBEvent): Promise<ALBResult> {
  try {
    const { claims } = await authenticate({ rawHeaders: [], headers: multiValueHeaders, socket: {} });
    return { statusCode: 200, body: JSON.stringify({ client: claims.client_id }) };
  } catch (error) {
    if (!(error instanceof AccessTokenError)) throw error; // not the client's fault: 502
    const { status, headers, body } = authenticator.rejection(error);
    const responseHeaders = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
    return { statusCode: status, multiValueHeaders: responseHeaders, body: JSON.stringify(body) };
  }
}
