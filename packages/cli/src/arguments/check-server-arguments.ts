import { isHttpsUrl } from "@certbound/core/internal";
import { UsageError } from "../program.ts";
import { assertWithoutCredentials, commonOptions, parseCommandLine } from "./command-line.ts";

/** The arguments of `certbound check-server`. */
export interface CheckServerArguments {
  readonly url: URL;
  readonly method: string;
  readonly token: string | undefined;
  readonly certificate: string;
  readonly key: string;
  /** Another certificate and its key; if undefined, check-server generates one. */
  readonly other: { readonly certificate: string; readonly key: string } | undefined;
  readonly ca: readonly string[];
  readonly json: boolean;
}

const options = {
  ...commonOptions,
  token: { type: "string" },
  cert: { type: "string" },
  key: { type: "string" },
  "other-cert": { type: "string" },
  "other-key": { type: "string" },
  ca: { type: "string", multiple: true },
  method: { type: "string" },
  path: { type: "string" },
} as const;

/**
 * Reads the arguments of `certbound check-server`.
 *
 * @throws UsageError
 */
export function checkServerArguments(parameters: readonly string[]): CheckServerArguments {
  const { values, positionals } = parseCommandLine(parameters, options);
  const [address, ...more] = positionals;
  if (address === undefined || more.length > 0) throw new UsageError("check-server takes one argument: an https URL");
  const { cert: certificate, key, "other-cert": otherCertificate, "other-key": otherKey, method = "GET" } = values;
  if (certificate === undefined || key === undefined) throw new UsageError("--cert and --key are both required");
  if ((otherCertificate === undefined) !== (otherKey === undefined)) {
    throw new UsageError("--other-cert and --other-key must be given together");
  }
  // A CONNECT request opens a tunnel and has no path.
  if (!/^[A-Z]+$/.test(method) || method === "CONNECT")
    throw new UsageError("--method must be an HTTP method in capital letters, such as GET, but not CONNECT");
  return {
    url: urlOf(address, values.path),
    method,
    token: values.token,
    certificate,
    key,
    other:
      otherCertificate === undefined || otherKey === undefined
        ? undefined
        : { certificate: otherCertificate, key: otherKey },
    ca: values.ca ?? [],
    json: values.json === true,
  };
}

function urlOf(address: string, path: string | undefined): URL {
  if (!isHttpsUrl(address)) {
    throw new UsageError("check-server requires an https URL, because client certificates require TLS");
  }
  assertWithoutCredentials(address, "the URL of check-server");
  if (path !== undefined && !path.startsWith("/")) throw new UsageError("--path must start with /");
  return path === undefined ? new URL(address) : new URL(path, new URL(address).origin);
}
