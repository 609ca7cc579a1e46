import { AccessTokenError, createAuthenticator, type NodeRequest } from "@certbound/core";
import type { APIGatewayProxyEvent, APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";

type Event = APIGatewayProxyEventV2 | APIGatewayProxyEvent; // from an HTTP API or a REST API

const authenticator = createAuthenticator<NodeRequest & { event: Event }>({
  certificateResolver({ event: { requestContext } }) {
    const authentication = "identity" in requestContext ? requestContext.identity : requestContext.authentication;
    return authentication?.clientCert?.clientCertPem;
  },
});
const authenticate = authenticator({ scopes: ["read"] });
const JSON_TYPE = { "Content-Type": "application/json" };

export async function handler(event: Event): Promise<APIGatewayProxyStructuredResultV2> {
  try {
    const { claims } = await authenticate({ rawHeaders: [], headers: event.headers, socket: {}, event });
    return { statusCode: 200, headers: JSON_TYPE, body: JSON.stringify({ client: claims.client_id }) };
  } catch (error) {
    if (!(error instanceof AccessTokenError)) throw error; // a failure of the server: 500
    const { status, headers, body } = authenticator.rejection(error);
    return { statusCode: status, headers: { ...headers, ...JSON_TYPE }, body: JSON.stringify(body) };
  }
}
