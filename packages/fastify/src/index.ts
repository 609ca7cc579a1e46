/**
 * Protects Fastify routes with certificate-bound access tokens. Also exports everything from `@certbound/core`.
 *
 * @module @certbound/fastify
 */

export * from "@certbound/core";
export { certbound as default } from "./plugin.ts";
export { type Protect, protectApi, type ProtectApiOptions, type ProtectHook, type Respond } from "./protect-api.ts";
