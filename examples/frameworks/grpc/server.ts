import {
  type AccessToken,
  AccessTokenError,
  createAuthenticator,
  type NodeRequest,
  type Requirements,
} from "@certbound/core";
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerErrorResponse,
  type ServerUnaryCall,
  status,
} from "@grpc/grpc-js";
import { accountsService } from "./accounts.js";

const { CLIENT_CA = "", SERVER_KEY = "", SERVER_CERTIFICATE = "" } = process.env; // PEM

type Call = Pick<ServerUnaryCall<unknown, unknown>, "metadata" | "getAuthContext">;

const authenticator = createAuthenticator<NodeRequest & { call: Call }>({
  certificateResolver: ({ call }) => call.getAuthContext().sslPeerCertificate?.raw,
});

/** Calls the handler if the token of the call meets the requirements. */
function protect<Request, Response>(
  requirements: Requirements<NodeRequest>,
  handler: (call: ServerUnaryCall<Request, Response>, accessToken: AccessToken) => Response | Promise<Response>,
): handleUnaryCall<Request, Response> {
  const authenticate = authenticator(requirements);
  return (call, callback) => {
    const rawHeaders = call.metadata.get("authorization").flatMap((value) => ["authorization", String(value)]);
    authenticate({ rawHeaders, socket: {}, call })
      .then((accessToken) => handler(call, accessToken))
      .then(
        (response) => callback(null, response),
        (error: unknown) => callback(statusOf(error)),
      );
  };
}

const codes: Record<number, status> = {
  400: status.INVALID_ARGUMENT,
  401: status.UNAUTHENTICATED,
  403: status.PERMISSION_DENIED,
  503: status.UNAVAILABLE,
};

function statusOf(error: unknown): Partial<ServerErrorResponse> {
  if (!(error instanceof AccessTokenError)) return { code: status.INTERNAL };
  const { status: httpStatus, body } = authenticator.rejection(error);
  return { code: codes[httpStatus] ?? status.INTERNAL, details: body.message };
}

export const server = new Server();
server.addService(accountsService, {
  list: protect({ scopes: ["read"] }, (_call, { claims }) => ({ client: claims.client_id })),
});

const keyPair = { private_key: Buffer.from(SERVER_KEY), cert_chain: Buffer.from(SERVER_CERTIFICATE) };
export const credentials = ServerCredentials.createSsl(Buffer.from(CLIENT_CA), [keyPair], true);
