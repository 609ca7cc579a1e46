import { hash, timingSafeEqual } from "node:crypto";
import { BlockList, isIP } from "node:net";
import { parseClientCertificate } from "../certificate/client-certificate.ts";
import { headerValues, type RequestWithAllHeaders } from "../http/header-list.ts";
import type { NodeRequest, NodeSocket } from "../http/incoming-request.ts";
import { isJsonObject } from "../values/json-object.ts";
import { knownOptions, nonEmptyList, onlyTrue, type OptionRules, thumbprintRule } from "../values/known-options.ts";
import { memberOf } from "../values/object-member.ts";
import { peerCertificate, unprovenReason } from "../certificate/tls-connection.ts";
import { headerName } from "./forwarded-format.ts";

/**
 * The rules by which a request proves that it comes from the proxy. At least one rule is required, and all given rules must be
 * met. A WHATWG `Request` does not expose its connection, so it can only meet `secret` (or `dangerouslyTrustEverySender`).
 *
 * A `secret` that is set in the same block of the proxy's configuration as the certificate header proves that the proxy set
 * that header. The other rules only prove which machine sent the request. They are sufficient only if every listener and host
 * of the proxy removes or overwrites the header that a client sends.
 */
export interface TrustedProxy {
  /**
   * Addresses and CIDR ranges of the proxy, compared with the `remoteAddress` of the connection. Adapters of serverless
   * platforms copy `remoteAddress` from a header that anyone can send: use `secret` there. IPv6 link-local addresses
   * (fe80::/10) are rejected, because they identify a machine only together with a zone.
   */
  readonly addresses?: readonly string[] | undefined;
  /** Requires a connection through a unix socket. Make sure that only the proxy can open that socket. */
  readonly unixSocket?: true | undefined;
  /** `x5t#S256` thumbprints of the client certificate that the proxy presents to this server. */
  readonly certificateThumbprints?: readonly string[] | undefined;
  /** A header that the proxy sets to a secret of at least 32 characters. To rotate the secret, give both values for a time. */
  readonly secret?: { readonly header: string; readonly value: string | readonly string[] } | undefined;
  /**
   * Trusts the certificate header of every request. Safe only if nothing but the platform can call this server, and if the
   * platform removes the header that a client sends: for example an AWS Lambda function whose resource policy permits one ALB,
   * or an Azure Function that accepts requests only from its front end. Any other caller can forge any certificate. Cannot be
   * combined with other rules, or with formats for proxies that forward the client's own header.
   */
  readonly dangerouslyTrustEverySender?: true | undefined;
}

/** Returns the reason why a request is not proven to come from the proxy; undefined if it is. */
export type TrustRule = (request: RequestWithAllHeaders) => string | undefined;

const MIN_SECRET_LENGTH = 32;

/** The prefix of an IPv4-mapped IPv6 address, which Node reports for IPv4 clients of a server that listens on IPv6. */
const MAPPED = /^::ffff:/i;

const secretValue = {
  expected: `a string of at least ${MIN_SECRET_LENGTH} visible ASCII characters`,
  accepts: (value: unknown) => typeof value === "string" && /^[\x21-\x7e]{32,}$/.test(value),
};

const secretRules: OptionRules<NonNullable<TrustedProxy["secret"]>> = {
  header: headerName,
  value: {
    expected: `${secretValue.expected}, or a non-empty array of them`,
    accepts: (value) => secretValue.accepts(value) || nonEmptyList(secretValue).accepts(value),
  },
};

const trustRules: OptionRules<TrustedProxy> = {
  addresses: nonEmptyList({
    expected: "an IP address or a CIDR range, but not the whole address space and not link-local (fe80::/10)",
    accepts: (value) => typeof value === "string" && parseRange(value) !== undefined,
  }),
  unixSocket: onlyTrue,
  certificateThumbprints: nonEmptyList(thumbprintRule),
  secret: { expected: "{ header, value }", accepts: isJsonObject },
  dangerouslyTrustEverySender: onlyTrue,
};

/**
 * Validates a trust rule and compiles it to a function.
 *
 * @throws TypeError if the rule is empty or an option is invalid
 */
export function parseTrustedProxy(trust: TrustedProxy): TrustRule {
  const given = knownOptions("the trust rule", trust, trustRules, "rejected");
  const { addresses, unixSocket, certificateThumbprints, secret, dangerouslyTrustEverySender } = given;
  const rules: TrustRule[] = [];
  if (secret !== undefined) rules.push(secretRule(secret));
  if (addresses !== undefined) rules.push(addressRule(addresses));
  if (unixSocket !== undefined) rules.push(unixSocketRule);
  if (certificateThumbprints !== undefined) rules.push(certificateRule(certificateThumbprints));
  if (dangerouslyTrustEverySender) {
    if (rules.length === 0) return () => undefined;
    throw new TypeError('certbound: option "dangerouslyTrustEverySender" cannot be combined with other trust rules');
  }
  if (rules.length === 0) {
    throw new TypeError(
      "certbound: the trust rule is empty; set secret, addresses, unixSocket or certificateThumbprints",
    );
  }
  return (request) => {
    for (const rule of rules) {
      const reason = rule(request);
      if (reason !== undefined) return reason;
    }
    return undefined;
  };
}

function secretRule(options: NonNullable<TrustedProxy["secret"]>): TrustRule {
  const { header, value } = knownOptions("the secret of the trust rule", options, secretRules, "rejected");
  if (header === undefined || value === undefined) {
    throw new TypeError("certbound: the secret of the trust rule needs both header and value");
  }
  const name = header.toLowerCase();
  const accepted = (typeof value === "string" ? [value] : value).map(digest);
  return (request) => {
    // Compares the whole value, so that two joined values do not match.
    const values = headerValues(request, name);
    const [sent] = values;
    if (sent === undefined) return `the header ${name} with the proxy's secret is missing`;
    if (values.length > 1)
      return `the header ${name} with the proxy's secret occurs ${values.length} times instead of once`;
    // Compares all digests, which have equal lengths, so that the time does not depend on the secret.
    const actual = digest(sent);
    const matches = accepted.filter((expected) => timingSafeEqual(expected, actual)).length;
    return matches > 0 ? undefined : `the header ${name} does not contain the proxy's secret`;
  };
}

function addressRule(addresses: readonly string[]): TrustRule {
  // Separate lists: a single BlockList would match every IPv4 address, in its mapped form, with IPv6 ranges such as ::/64.
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const { network, bits, family } of addresses.map(parseRange).filter((range) => range !== undefined)) {
    lists[family].addSubnet(network, bits, family);
  }
  return ({ socket }) => {
    if (!hasConnection(socket)) return NO_CONNECTION;
    const address = memberOf(socket, "remoteAddress") ?? "";
    const version = isIP(address);
    if (version === 0) return "the connection has no address, or is closed";
    if (isLinkLocal(address))
      return "the connection comes from a link-local address, which any machine on the same network link can have";
    const list = version === 4 || MAPPED.test(address) ? lists.ipv4 : lists.ipv6;
    return list.check(address, version === 4 ? "ipv4" : "ipv6")
      ? undefined
      : "the connection does not come from an address of the proxy";
  };
}

const linkLocal = new BlockList();
linkLocal.addSubnet("fe80::", 10, "ipv6");

/**
 * Returns whether an address is link-local, and therefore unique only within its zone. Node appends the zone after a percent
 * sign.
 */
function isLinkLocal(address: string): boolean {
  return address.includes("%") || (isIP(address) === 6 && linkLocal.check(address, "ipv6"));
}

/** The undocumented handle of a Node socket. The parent of a TLS handle is the handle of its transport. */
interface Handle {
  readonly _parent?: Handle | null;
}

/**
 * Checks the handle of the connection, and rejects the request if Node does not expose it. The address of the server is not
 * enough, because an application can pass any connection to any server. A missing `remoteAddress` is not enough either, because
 * a TCP connection that the client has reset does not have one.
 */
function unixSocketRule({ socket }: NodeRequest): string | undefined {
  if (!hasConnection(socket)) return NO_CONNECTION;
  let handle = memberOf(socket as { readonly _handle?: Handle | null }, "_handle");
  if (handle === null) return "the connection is closed, so it cannot be checked whether it came through a unix socket";
  while (handle && memberOf(handle, "_parent")) handle = memberOf(handle, "_parent");
  return handle?.constructor.name === "Pipe" ? undefined : "the connection did not come through a unix socket";
}

function certificateRule(thumbprints: readonly string[]): TrustRule {
  return (request) => {
    if (!hasConnection(request.socket)) return NO_CONNECTION;
    const certificate = peerCertificate(request);
    if (certificate === undefined) {
      return unprovenReason(request) ?? "the proxy did not present a client certificate";
    }
    const actual = parseClientCertificate(certificate);
    return thumbprints.some((thumbprint) => thumbprint === actual?.thumbprint)
      ? undefined
      : "the certificate of the connection does not match the thumbprint of the proxy";
  };
}

const NO_CONNECTION =
  "the request does not expose its connection (a WHATWG Request, or an object created by the application?)";

function hasConnection(socket: NodeSocket | undefined): socket is NodeSocket {
  return typeof socket === "object" && (socket as NodeSocket | null) !== null;
}

interface Range {
  readonly network: string;
  readonly bits: number;
  readonly family: "ipv4" | "ipv6";
}

function parseRange(text: string): Range | undefined {
  const [network = "", prefix, ...rest] = text.split("/");
  const version = isIP(network);
  // IPv4-mapped addresses (::ffff:10.0.0.1) are rejected: a rule with the IPv4 address also matches its mapped form.
  if (version === 0 || rest.length > 0 || isLinkLocal(network) || MAPPED.test(network)) return undefined;
  const length = version === 4 ? 32 : 128;
  if (prefix !== undefined && !/^[1-9]\d{0,2}$/.test(prefix)) return undefined;
  const bits = prefix === undefined ? length : Number(prefix);
  return bits > length ? undefined : { network, bits, family: version === 4 ? "ipv4" : "ipv6" };
}

function digest(text: string): Buffer {
  return hash("sha256", text, "buffer");
}
