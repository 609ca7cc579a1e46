import type { AccessTokenErrorCode, Verifier } from "@certbound/core";
import type { RunningServer } from "@certbound/testing";
import type { Backend, ServerTls } from "../adapters/backend.ts";
import type { Scene } from "./scene.ts";

/** An API at `/api` that only one case uses. */
export interface OwnApi extends RunningServer {
  /** The codes that `onRejected` received. */
  readonly codes: AccessTokenErrorCode[];
}

/** Starts an API with special TLS options for one case, which closes it. */
export async function startOwnApi(
  backend: Backend,
  verifier: Verifier,
  { ca, ...tls }: Pick<Scene, "ca"> & Partial<Omit<ServerTls, "ca">>,
): Promise<OwnApi> {
  const codes: AccessTokenErrorCode[] = [];
  const { key, certificate: cert } = await ca.issueServerCertificate();
  const route = {
    path: "/api",
    requirements: {},
    options: { verifier, onRejected: ({ code }: { readonly code: AccessTokenErrorCode }) => codes.push(code) },
    onHandled: () => {},
  };
  const server = await backend.start([route], {
    key,
    cert,
    requestCert: true,
    rejectUnauthorized: false,
    maxHeaderSize: 65_536,
    ...tls,
  });
  return { ...server, codes };
}
