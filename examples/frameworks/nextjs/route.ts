import {
  type AccessToken,
  AccessTokenError,
  createAuthenticator,
  fromProxy,
  nginx,
  type Requirements,
} from "@certbound/core";

const { PROXY_SECRET = "" } = process.env;
const secret = { header: "x-proxy-secret", value: PROXY_SECRET };
const authenticator = createAuthenticator<Request>({
  certificateResolver: fromProxy(nginx(), { trust: { secret } }),
});

/** Calls the handler if the token of the request meets the requirements. */
function protect(
  requirements: Requirements<Request>,
  handler: (request: Request, accessToken: AccessToken) => Response | Promise<Response>,
): (request: Request) => Promise<Response> {
  const authenticate = authenticator(requirements);
  return async (request) => {
    try {
      const accessToken = await authenticate(request);
      return await handler(request, accessToken);
    } catch (error) {
      if (!(error instanceof AccessTokenError)) throw error; // a failure of the server: 500
      const { status, headers, body } = authenticator.rejection(error);
      return Response.json(body, { status, headers });
    }
  };
}

export const GET = protect({ scopes: ["read"] }, (_request, { claims }) => Response.json({ client: claims.client_id }));
