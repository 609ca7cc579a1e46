/**
 * Protects Express routes with certificate-bound access tokens. Also exports everything from `@certbound/core`.
 *
 * @module @certbound/express
 */

export * from "@certbound/core";
export {
  type AuthenticatedExpressRequest,
  protectApi,
  type Protect,
  type ProtectApiOptions,
  type ProtectHandler,
  type Respond,
} from "./protect-api.ts";
