import type { APIGatewayProxyEvent, APIGatewayProxyEventV2 } from "aws-lambda";
import { checkServer } from "../check.js";
import { type Received, terminateTls } from "../terminate-tls.js";

const { handler } = await import("./api-gateway.js");

/** Returns an event with the members that the handler reads, as the gateway creates it. */
const httpApi = ({ headers, identity }: Received) => ({
  headers,
  requestContext: identity === null ? {} : { authentication: { clientCert: { clientCertPem: identity.certificate } } },
});
const restApi = ({ headers, identity }: Received) => ({
  headers,
  requestContext: { identity: { clientCert: identity && { clientCertPem: identity.certificate } } },
});

await checkServer(
  terminateTls((received) => invoke(httpApi(received) as unknown as APIGatewayProxyEventV2)),
  undefined,
  { keepOpen: true },
);
await checkServer(terminateTls((received) => invoke(restApi(received) as unknown as APIGatewayProxyEvent)));

async function invoke(event: APIGatewayProxyEventV2 | APIGatewayProxyEvent): Promise<Response> {
  const { statusCode, headers, body } = await handler(event);
  return new Response(body, { status: statusCode ?? 200, headers: headers as Record<string, string> });
}
