import type { AccessTokenErrorCode, Verifier } from "@certbound/core";
import type { RunningServer } from "@certbound/testing";
import type { Backend, ServerTls } from "../adapters/backend.ts";
import type { Scene } from "./scene.ts";

/** An API that one case has for itself, at `/api`. */
export interface OwnApi extends RunningServer {
  /** As `onRejected` was told them. */
  readonly codes: AccessTokenErrorCode[];
}

/** Starts an API for one case, whose server differs in its TLS options; the case ends it. */
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
