import type {
  AccessTokenErrorCode,
  ClientCertificateResolver,
  IncomingRequest,
  RejectionOptions,
  Requirements,
  VerifierOptions,
} from "@certbound/core";
import type { RequirementId } from "./requirements.ts";
import type { Stage } from "./stage.ts";
import type { Scene } from "./scene.ts";

/** Shows that a requirement is met. */
export type ConformanceCase = ExchangeCase | ProgramCase;

interface Named {
  /** The requirements that it shows; the first is what it was written for. */
  readonly ids: readonly [RequirementId, ...RequirementId[]];
  /** A sentence that starts with a verb. */
  readonly name: string;
  /** The API that requests go to. One object is one API: cases that want the same share it. */
  readonly api?: Api;
}

/** Tokens for the verifier, or requests to each server. */
export interface ExchangeCase extends Named {
  readonly accepted: Attempt;
  /** Differs from `accepted` in one thing. */
  readonly rejected?: Attempt & { readonly code: AccessTokenErrorCode };
  /** Of a case that only accepts: the requirement that shows the rejection. */
  readonly rejectedBy?: RequirementId;
}

/** What no single request shows: keys, networks, TLS sessions. */
export interface ProgramCase extends Named {
  readonly run: (stage: Stage) => Promise<void>;
}

/** In what an API differs from the plainest: the issuer's keys are given to it, and every token must be bound. */
export interface Api {
  readonly verifier?: (scene: Scene) => VerifierOptions;
  readonly requirements?: Requirements<unknown>;
  readonly rejection?: RejectionOptions;
  /** For an API behind a proxy. */
  readonly certificateResolver?: ClientCertificateResolver<IncomingRequest>;
}

/** In what a request differs from the plainest: the right token, with the certificate that it is bound to. */
export interface Attempt {
  readonly token?: (scene: Scene) => string | Promise<string>;
  readonly certificate?: Presented;
  /** How the request carries the token; default: `Authorization: Bearer`. Such a case runs on the servers. */
  readonly request?: RequestShape;
}

/** The client's own certificate, to which tokens are bound; that of another client; none. */
export type Presented = "own" | "other" | "none";

/** What is sent. */
export interface RequestShape {
  /** The header lines, each as it is; default: the Authorization header. */
  readonly lines?: (token: string, scene: Scene) => readonly (readonly [string, string])[];
  readonly query?: (token: string) => string;
  readonly method?: string;
  readonly body?: (token: string) => string;
}

type Ids = RequirementId | readonly [RequirementId, ...RequirementId[]];

/** Gives a case of a request that is rejected, beside one that is accepted and differs in one thing. */
export function rejects(
  ids: Ids,
  name: string,
  { api, code, rejected, accepted = {} }: Pick<Named, "api"> & Rejection,
): ExchangeCase {
  return { ...named(ids, `rejects ${name}`, api), accepted, rejected: { ...rejected, code } };
}

/** Gives a case of a request that is accepted, where the rejection is another requirement's. */
export function accepts(
  ids: Ids,
  name: string,
  {
    api,
    accepted,
    rejectedBy,
  }: Pick<Named, "api"> & { readonly accepted: Attempt; readonly rejectedBy: RequirementId },
): ExchangeCase {
  return { ...named(ids, `accepts ${name}`, api), accepted, rejectedBy };
}

/** Gives a case that is a program of its own; it asserts by `expect`, and ends what it starts. */
export function conforms(ids: Ids, name: string, run: ProgramCase["run"], api?: Api): ProgramCase {
  return { ...named(ids, name, api), run };
}

/** The name of the test that runs a case. */
export function testName({ ids, name }: ConformanceCase): string {
  return `${ids.join(" ")} ${name}`;
}

interface Rejection {
  readonly code: AccessTokenErrorCode;
  readonly rejected: Attempt;
  readonly accepted?: Attempt;
}

function named(ids: Ids, name: string, api: Api | undefined): Named {
  const list: Named["ids"] = typeof ids === "string" ? [ids] : ids;
  return { ids: list, name, ...(api && { api }) };
}
