import { AccessTokenError, createAuthenticator, type NodeRequest } from "@certbound/core";
import type { ALBEvent, ALBResult } from "aws-lambda";

const CERTIFICATE = "x-amzn-mtls-clientcert-leaf";

const authenticator = createAuthenticator<NodeRequest & { event: ALBEvent }>({
  certificateResolver({ event }) {
    const [value = "", ...others] = event.multiValueHeaders?.[CERTIFICATE] ?? [];
    return others.length === 0 ? decodeURIComponent(value) : null;
  },
});
const authenticate = authenticator({ scopes: ["read"] });

export async function handler(event: ALBEvent): Promise<ALBResult> {
  try {
    const fields = Object.entries(event.multiValueHeaders ?? {});
    const rawHeaders = fields.flatMap(([name, values = []]) => values.flatMap((value) => [name, value]));
    const { claims } = await authenticate({ rawHeaders, socket: {}, event });
    return { statusCode: 200, body: JSON.stringify({ client: claims.client_id }) };
  } catch (error) {
    if (!(error instanceof AccessTokenError)) throw error; // not the client's fault: 502
    const { status, headers, body } = authenticator.rejection(error);
    const multiValueHeaders = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
    return { statusCode: status, multiValueHeaders, body: JSON.stringify(body) };
  }
}
