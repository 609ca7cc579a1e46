export * from "@certbound/core";
export {
  type AuthenticatedExpressRequest,
  protectApi,
  type Protect,
  type ProtectApiOptions,
  type ProtectHandler,
  type Respond,
} from "./protect-api.ts";
