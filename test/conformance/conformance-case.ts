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

/** A test that a requirement is met. */
export type ConformanceCase = AttemptCase | ProgramCase;

interface Named {
  /** The requirements that the case tests, the main one first. */
  readonly ids: readonly [RequirementId, ...RequirementId[]];
  /** A statement that starts with a verb in the third person. */
  readonly name: string;
  /** The API that receives the requests. Cases that share the object share the API. */
  readonly api?: Api;
}

/** A token that is accepted and one that is rejected, sent to the verifier or in a request to each server. */
export interface AttemptCase extends Named {
  readonly accepted: Attempt;
  /** Differs from `accepted` in one thing. */
  readonly rejected?: Attempt & { readonly code: AccessTokenErrorCode };
  /** The requirement that tests the rejection, if this case only accepts. */
  readonly rejectedBy?: RequirementId;
}

/** A test that needs more than single requests, for example keys, networks or TLS sessions. */
export interface ProgramCase extends Named {
  readonly run: (stage: Stage) => Promise<void>;
}

/** The differences from the default API, which has the issuer's keys and requires every token to be bound. */
export interface Api {
  readonly verifier?: (scene: Scene) => VerifierOptions;
  readonly requirements?: Requirements<unknown>;
  readonly rejection?: RejectionOptions;
  /** For an API behind a proxy. */
  readonly certificateResolver?: ClientCertificateResolver<IncomingRequest>;
}

/** The differences from the default request: a valid token with the certificate that it is bound to. */
export interface Attempt {
  readonly token?: (scene: Scene) => string | Promise<string>;
  readonly certificate?: Presented;
  /** How the request carries the token; default: `Authorization: Bearer`. A case with this option runs on the servers. */
  readonly request?: RequestShape;
}

/** The certificate of the client that tokens are bound to, the certificate of another client, or none. */
export type Presented = "own" | "other" | "none";

/** A request. */
export interface RequestShape {
  /** The header lines, sent unchanged; default: the Authorization header. */
  readonly lines?: (token: string, scene: Scene) => readonly (readonly [string, string])[];
  readonly query?: (token: string) => string;
  readonly method?: string;
  readonly body?: (token: string) => string;
}

type Ids = RequirementId | readonly [RequirementId, ...RequirementId[]];

/** Creates a case with a rejected attempt, and an accepted one that differs in one thing. */
export function rejects(
  ids: Ids,
  name: string,
  { api, code, rejected, accepted = {} }: Pick<Named, "api"> & Rejection,
): AttemptCase {
  return { ...named(ids, `rejects ${name}`, api), accepted, rejected: { ...rejected, code } };
}

/** Creates a case that only accepts; another requirement tests the rejection. */
export function accepts(
  ids: Ids,
  name: string,
  {
    api,
    accepted,
    rejectedBy,
  }: Pick<Named, "api"> & { readonly accepted: Attempt; readonly rejectedBy: RequirementId },
): AttemptCase {
  return { ...named(ids, `accepts ${name}`, api), accepted, rejectedBy };
}

/** Creates a case that is a program. It asserts with `expect`, and closes everything that it starts. */
export function conforms(ids: Ids, name: string, run: ProgramCase["run"], api?: Api): ProgramCase {
  return { ...named(ids, name, api), run };
}

/** Returns the name of the test that runs a case. */
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
