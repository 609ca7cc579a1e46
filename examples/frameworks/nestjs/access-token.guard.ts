import { type AccessToken, AccessTokenError, createAuthenticator, type IncomingRequest } from "@certbound/core";
import {
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  HttpException,
  Inject,
  Injectable,
  SetMetadata,
} from "@nestjs/common";
import { Reflector } from "@nestjs/core";

type Request = IncomingRequest & { accessToken?: AccessToken }; // of Express or Fastify

const authenticator = createAuthenticator<Request>();

/** Names the scopes that a token needs for a route, or for all routes of a controller. */
export const Scopes = (...scopes: string[]) => SetMetadata("scopes", scopes);

/** Injects the verified access token into a parameter of a route. */
export const Token = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<Request>().accessToken,
);

@Injectable()
export class AccessTokenGuard implements CanActivate {
  // @Inject is necessary because some compilers (tsx, esbuild) emit no metadata for parameter types.
  constructor(@Inject(Reflector) private readonly reflector: Reflector) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const targets = [context.getHandler(), context.getClass()];
    const scopes = this.reflector.getAllAndOverride<string[] | undefined>("scopes", targets);
    const http = context.switchToHttp();
    const request = http.getRequest<Request>();
    try {
      request.accessToken = await authenticator(scopes && { scopes })(request);
      return true;
    } catch (error) {
      if (!(error instanceof AccessTokenError)) throw error; // a failure of the server: 500
      const { status, headers, body } = authenticator.rejection(error);
      const response = http.getResponse<{ header(name: string, value: string): unknown }>();
      for (const [name, value] of Object.entries(headers)) response.header(name, value);
      throw new HttpException(body, status, { cause: error });
    }
  }
}
