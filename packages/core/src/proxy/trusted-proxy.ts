import { hash, timingSafeEqual } from "node:crypto";
import { BlockList, isIP } from "node:net";
import { parseClientCertificate } from "../certificate/client-certificate.ts";
import { headerValues, type RequestWithAllHeaders } from "../http/header-list.ts";
import type { NodeRequest, NodeSocket } from "../http/incoming-request.ts";
import { isJsonObject } from "../values/json-object.ts";
import { knownOptions, nonEmptyList, onlyTrue, type OptionRules, sha256Thumbprint } from "../values/known-options.ts";
import { memberOf } from "../values/object-member.ts";
import { peerCertificate, unprovenCertificate } from "../certificate/tls-connection.ts";
import { headerName } from "./forwarded-format.ts";

/**
 * How a request proves that it comes from the proxy. At least one rule must be given, and all that are given must hold. A WHATWG
 * `Request` does not hold its connection: only `secret` can hold for it.
 *
 * A `secret` that is set in the same block of the proxy's configuration as the certificate header proves that the proxy
 * set the header. The other rules prove the machine only: they are enough where every listener and host of that proxy
 * removes or overwrites the header.
 */
export interface TrustedProxy {
  /**
   * Addresses and CIDR ranges of the proxy, as Node sees them: the `remoteAddress` of a real connection. Adapters of serverless
   * platforms copy that member from a header that anyone can send: use `secret` there. IPv6 link-local addresses (fe80::/10)
   * are rejected, since they name a machine only together with a zone.
   */
  readonly addresses?: readonly string[] | undefined;
  /** The connection came through a unix socket, which must be one that only the proxy can open. */
  readonly unixSocket?: true | undefined;
  /** `x5t#S256` thumbprints of the certificate that the proxy itself presents to Node. */
  readonly certificateThumbprints?: readonly string[] | undefined;
  /** A header that the proxy sets to a secret of 32 characters at least; several values while it is changed. */
  readonly secret?: { readonly header: string; readonly value: string | readonly string[] } | undefined;
  /**
   * Trusts the header of every request. Only for a function that nothing but the platform can call, and whose platform removes
   * the header that a client sends: an AWS Lambda function whose resource policy permits one ALB, an Azure Function that
   * accepts requests from its front end only. Any other caller can present any certificate. It excludes every other
   * rule, and formats whose proxy passes the client's own header.
   */
  readonly dangerouslyTrustEverySender?: true | undefined;
}

/** Tells why a request does not come from the proxy; undefined when it does. */
export type TrustRule = (request: RequestWithAllHeaders) => string | undefined;

const MIN_SECRET_LENGTH = 32;

/** How Node writes the address of an IPv4 client of a server that listens on IPv6. */
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
    expected: "an IP address, or a CIDR range that is not the whole address space, and not link-local (fe80::/10)",
    accepts: (value) => typeof value === "string" && parseRange(value) !== undefined,
  }),
  unixSocket: onlyTrue,
  certificateThumbprints: nonEmptyList(sha256Thumbprint),
  secret: { expected: "{ header, value }", accepts: isJsonObject },
  dangerouslyTrustEverySender: onlyTrue,
};

/**
 * Checks a trust rule, once.
 *
 * @throws TypeError that names what is wrong
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
    throw new TypeError('certbound: option "dangerouslyTrustEverySender" excludes every other trust rule');
  }
  if (rules.length === 0) {
    throw new TypeError(
      "certbound: the trust rule is empty; give secret, addresses, unixSocket or certificateThumbprints",
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
    // Compared as a whole, so that two values that were joined are not it.
    const values = headerValues(request, name);
    const [sent] = values;
    if (sent === undefined) return `the header ${name} with the proxy's secret is missing`;
    if (values.length > 1) return `the header ${name} with the proxy's secret is there ${values.length} times`;
    // Digests have one length, and all values are compared: the time tells nothing of the secret.
    const actual = digest(sent);
    const matches = accepted.filter((expected) => timingSafeEqual(expected, actual)).length;
    return matches > 0 ? undefined : `the header ${name} does not hold the proxy's secret`;
  };
}

function addressRule(addresses: readonly string[]): TrustRule {
  // Apart, since a BlockList finds every IPv4 address in IPv6 ranges such as ::/64, by its mapped form.
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
      return "the connection comes from a link-local address, which can be that of any neighbour";
    const list = version === 4 || MAPPED.test(address) ? lists.ipv4 : lists.ipv6;
    return list.check(address, version === 4 ? "ipv4" : "ipv6")
      ? undefined
      : "the connection does not come from an address of the proxy";
  };
}

const linkLocal = new BlockList();
linkLocal.addSubnet("fe80::", 10, "ipv6");

/** Node writes the zone of a link-local address behind a percent sign; each zone can have a machine of the same address. */
function isLinkLocal(address: string): boolean {
  return address.includes("%") || (isIP(address) === 6 && linkLocal.check(address, "ipv6"));
}

/** The handle of a connection, which Node does not document; that of TLS has the handle below it as its parent. */
interface Handle {
  readonly _parent?: Handle | null;
}

/**
 * Looks at the connection, not at the server: an application can hand any connection to any server, and a TCP connection that
 * its client has reset has no address either. Fails closed where Node has no such handle.
 */
function unixSocketRule({ socket }: NodeRequest): string | undefined {
  if (!hasConnection(socket)) return NO_CONNECTION;
  let handle = memberOf(socket as { readonly _handle?: Handle | null }, "_handle");
  if (handle === null) return "the connection is closed: it is not known whether it came through a unix socket";
  while (handle && memberOf(handle, "_parent")) handle = memberOf(handle, "_parent");
  return handle?.constructor.name === "Pipe" ? undefined : "the connection did not come through a unix socket";
}

function certificateRule(thumbprints: readonly string[]): TrustRule {
  return (request) => {
    if (!hasConnection(request.socket)) return NO_CONNECTION;
    const certificate = peerCertificate(request);
    if (certificate === undefined) {
      return unprovenCertificate(request) ?? "the proxy presented no certificate of its own";
    }
    const actual = parseClientCertificate(certificate);
    return thumbprints.some((thumbprint) => thumbprint === actual?.thumbprint)
      ? undefined
      : "the connection's certificate is not that of the proxy";
  };
}

const NO_CONNECTION = "the request does not hold its connection (a WHATWG Request, or one that was made up)";

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
  // Mapped addresses (::ffff:10.0.0.1) are matched by the IPv4 address; ranges of them would be a second way to say it.
  if (version === 0 || rest.length > 0 || isLinkLocal(network) || MAPPED.test(network)) return undefined;
  const length = version === 4 ? 32 : 128;
  if (prefix !== undefined && !/^[1-9]\d{0,2}$/.test(prefix)) return undefined;
  const bits = prefix === undefined ? length : Number(prefix);
  return bits > length ? undefined : { network, bits, family: version === 4 ? "ipv4" : "ipv6" };
}

function digest(text: string): Buffer {
  return hash("sha256", text, "buffer");
}
