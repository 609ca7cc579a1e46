import type { AccessTokenErrorCode, VerifierOptions } from "@certbound/core";
import { environmentOptions, isJsonObject } from "@certbound/core/internal";
import { isErrorCode } from "../causes/code-explanations.ts";
import type { PresentedOptions } from "../inputs/presented-certificate.ts";
import { isNestedDeeply, trimEnd } from "../inputs/text-source.ts";
import { type Surroundings, UsageError } from "../program.ts";
import { assertWithoutCredentials, commonOptions, secondsOf, parseCommandLine } from "./command-line.ts";

/** The arguments of `certbound explain`. */
export interface ExplainArguments extends PresentedOptions {
  readonly token: string | undefined;
  readonly issuer: string | undefined;
  /** Null if the audience is not checked. */
  readonly audience: readonly string[] | null | undefined;
  /** A file or a URL. */
  readonly jwks: string | undefined;
  readonly rules: Pick<VerifierOptions, "profile" | "algorithms" | "tokenTypes" | "clockTolerance" | "maxTokenAge">;
  readonly scopes: readonly string[];
  /** In milliseconds since the epoch. */
  readonly at: number | undefined;
  /** Files with the CA certificates to trust in requests to the issuer. */
  readonly ca: readonly string[];
  readonly json: boolean;
}

const options = {
  ...commonOptions,
  token: { type: "string" },
  issuer: { type: "string" },
  audience: { type: "string", multiple: true },
  "no-audience": { type: "boolean" },
  jwks: { type: "string" },
  profile: { type: "string" },
  algorithm: { type: "string", multiple: true },
  "token-type": { type: "string", multiple: true },
  "clock-tolerance": { type: "string" },
  "max-token-age": { type: "string" },
  scope: { type: "string", multiple: true },
  at: { type: "string" },
  cert: { type: "string" },
  also: { type: "string", multiple: true },
  header: { type: "string", multiple: true },
  format: { type: "string" },
  "format-options": { type: "string" },
  ca: { type: "string", multiple: true },
  "no-certificate": { type: "boolean" },
} as const;

/**
 * Reads the arguments of `certbound explain`. If neither `--issuer` nor `--jwks` is given, it reads issuer, audience and key set
 * from the environment.
 *
 * @throws UsageError
 */
export function explainArguments(parameters: readonly string[], env: Surroundings["env"]): ExplainArguments {
  const { values, positionals } = parseCommandLine(parameters, options);
  if (positionals.length > 0) {
    throw new UsageError(
      "explain takes only options; pass the token with --token FILE, or on standard input with --token -",
    );
  }
  const { header = [], also = [], format, ca = [], scope = [] } = values;
  const presentsCertificate = values.cert !== undefined || header.length > 0;
  const presentsNone = values["no-certificate"] === true;
  if (!presentsCertificate && !presentsNone) {
    throw new UsageError("specify what the client presents: --cert FILE, --header 'NAME: VALUE', or --no-certificate");
  }
  if (presentsCertificate && presentsNone) {
    throw new UsageError(
      "--no-certificate cannot be combined with --cert or --header; use --also to compare with other certificates",
    );
  }
  if (format !== undefined && header.length === 0) throw new UsageError("--format requires --header");
  const expected = issuerArguments(values, env);
  assertWithoutCredentials(expected.issuer, "the issuer's URL");
  assertWithoutCredentials(expected.jwks, "the key set's URL");
  return {
    token: values.token,
    ...expected,
    rules: {
      profile: values.profile as VerifierOptions["profile"],
      algorithms: values.algorithm as VerifierOptions["algorithms"],
      tokenTypes: values["token-type"]?.map((type) => (type === "none" ? null : type)),
      clockTolerance: secondsOf(values["clock-tolerance"], "--clock-tolerance"),
      maxTokenAge: secondsOf(values["max-token-age"], "--max-token-age"),
    },
    scopes: scope.flatMap((text) => text.split(" ")).filter((text) => text !== ""),
    at: timeOf(values.at),
    certificate: values.cert,
    also,
    headers: header.map(headerOf),
    format,
    formatOptions: formatOptionsOf(values["format-options"], format),
    ca,
    json: values.json === true,
  };
}

/**
 * Reads the arguments of `certbound explain CODE`. Returns undefined if they do not begin with an error code.
 *
 * @throws UsageError
 */
export function errorCodeArguments(
  parameters: readonly string[],
): { readonly code: AccessTokenErrorCode; readonly json: boolean } | undefined {
  const { values, positionals } = parseCommandLine(parameters, options);
  const [code] = positionals;
  if (code?.startsWith("ERR_") !== true) return undefined;
  if (!isErrorCode(code)) throw new UsageError("unknown error code; certbound explain --help lists the codes");
  if (positionals.length > 1 || Object.keys(values).some((name) => name !== "json")) {
    throw new UsageError("explain takes either an error code, or a token and its options");
  }
  return { code, json: values.json === true };
}

interface IssuerValues {
  readonly issuer?: string | undefined;
  readonly audience?: readonly string[] | undefined;
  readonly "no-audience"?: boolean | undefined;
  readonly jwks?: string | undefined;
}

function issuerArguments(
  { issuer, audience, "no-audience": anyAudience, jwks }: IssuerValues,
  env: Surroundings["env"],
): Pick<ExplainArguments, "issuer" | "audience" | "jwks"> {
  if (anyAudience === true && audience !== undefined)
    throw new UsageError("--no-audience cannot be combined with --audience");
  const given = anyAudience === true ? null : audience;
  if (jwks !== undefined && issuer === undefined) throw new UsageError("--jwks requires --issuer");
  if (issuer !== undefined) {
    if (given === undefined) throw new UsageError(`--audience is required; ${skipAudience}`);
    return { issuer, audience: given, jwks };
  }
  const fromEnvironment = environmentOptions(env);
  if (fromEnvironment.issuer === undefined)
    throw new UsageError(`--issuer is required; or set ${variable("CERTBOUND_ISSUER", env)}`);
  const expected = given === undefined ? fromEnvironment.audience : given;
  if (expected === undefined)
    throw new UsageError(`--audience is required; or set ${variable("CERTBOUND_AUDIENCE", env)}; ${skipAudience}`);
  return { ...fromEnvironment, audience: expected };
}

const skipAudience = "to skip the audience check, pass --no-audience";

/** Returns the name of a variable that counts as not set, and whether it is empty. */
function variable(name: string, env: Surroundings["env"]): string {
  return env[name] === "" ? `${name}, which is empty` : name;
}

/** Parses a header field in curl's notation. */
function headerOf(text: string): readonly [string, string] {
  const [, name, value = ""] = /^([\w!#$%&'*+.^`|~-]+):[ \t]*(.*)$/s.exec(text) ?? [];
  if (name === undefined) throw new UsageError("--header must have the form 'NAME: VALUE'");
  return [name, trimEnd(value, " \t")];
}

function formatOptionsOf(text: string | undefined, format: string | undefined): ExplainArguments["formatOptions"] {
  if (text === undefined) return undefined;
  if (format === undefined) throw new UsageError("--format-options requires --format");
  try {
    const parsed: unknown = JSON.parse(text);
    if (isJsonObject(parsed) && !isNestedDeeply(parsed)) return parsed;
  } catch {
    // The error below covers invalid JSON too.
  }
  throw new UsageError('--format-options must be a JSON object, such as \'{"verify":"presented"}\'');
}

/** Parses seconds since the epoch, or an ISO 8601 time with a time zone. */
function timeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = /^\d{1,10}(?:\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  const hasKnownForm = /^\d{1,10}(?:\.\d+)?$|^\d{4}-\d\d-\d\dT.+(?:Z|[+-]\d\d:?\d\d)$/.test(text);
  if (!hasKnownForm || Number.isNaN(time)) {
    throw new UsageError("--at must be seconds since 1970, or a time such as 2026-05-04T12:00:00Z");
  }
  return time;
}
