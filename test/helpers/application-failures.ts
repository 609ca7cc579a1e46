import { AccessTokenError } from "@certbound/core";

/** Options and requirements whose functions fail when they are called. They fit the requests of every adapter. */
export interface FailingSetup {
  readonly options?: {
    readonly certificateResolver?: () => never;
    readonly tokenResolver?: () => never;
    readonly onRejected?: () => never;
    readonly respond?: () => never;
    readonly clock?: () => number;
  };
  readonly requirements?: { readonly authorize: () => never };
}

/** The error that the functions throw by default. */
export const failure = new Error("the database is down");

const rejection = new AccessTokenError("ERR_TOKEN_EXPIRED");

/** Failures while a request with a valid token is verified: [name, setup]. */
export const failuresDuringVerification: readonly (readonly [string, FailingSetup])[] = [
  ...(["certificateResolver", "tokenResolver"] as const).flatMap((name): [string, FailingSetup][] => [
    [`a ${name} that throws`, { options: { [name]: throwing(failure) } }],
    [`a ${name} that throws an AccessTokenError`, { options: { [name]: throwing(rejection) } }],
    [`a ${name} that throws undefined`, { options: { [name]: throwing(undefined) } }],
    [`a ${name} that rejects`, { options: { [name]: rejecting(failure) } }],
    [`a ${name} that rejects with an AccessTokenError`, { options: { [name]: rejecting(rejection) } }],
    [`a ${name} that returns a number`, { options: { [name]: returning(42) } }],
    [`a ${name} that returns false`, { options: { [name]: returning(false) } }],
    [`a ${name} that returns a list`, { options: { [name]: returning([]) } }],
    [`a ${name} that resolves with a number`, { options: { [name]: returning(Promise.resolve(42)) } }],
    [
      `a ${name} that returns an AccessTokenError with the code of another check`,
      { options: { [name]: returning(rejection) } },
    ],
  ]),
  ["an authorize that throws", { requirements: { authorize: throwing(failure) } }],
  ["an authorize that throws an AccessTokenError", { requirements: { authorize: throwing(rejection) } }],
  ["an authorize that rejects", { requirements: { authorize: rejecting(failure) } }],
  ["an authorize that returns nothing", { requirements: { authorize: returning(undefined) } }],
  ["an authorize that returns a truthy string", { requirements: { authorize: returning("yes") } }],
  ["an authorize that resolves with 1", { requirements: { authorize: returning(Promise.resolve(1)) } }],
  ["a clock that returns NaN", { options: { clock: () => Number.NaN } }],
  ["a clock that throws", { options: { clock: throwing(failure) } }],
  ["a clock that throws undefined", { options: { clock: throwing(undefined) } }],
];

/** Failures while a request is being rejected: [name, setup]. */
export const failuresDuringRejection: readonly (readonly [string, FailingSetup])[] = [
  ["an onRejected that throws", { options: { onRejected: throwing(failure) } }],
  ["an onRejected that throws an AccessTokenError", { options: { onRejected: throwing(rejection) } }],
  ["a respond that throws", { options: { respond: throwing(failure) } }],
  ["a respond that throws undefined", { options: { respond: throwing(undefined) } }],
  ["a respond that rejects", { options: { respond: rejecting(failure) } }],
  ["a respond that rejects with null", { options: { respond: rejecting(null) } }],
];

function throwing(thrown: unknown): () => never {
  return () => {
    throw thrown;
  };
}

function rejecting(reason: unknown): () => never {
  // eslint-disable-next-line typescript/prefer-promise-reject-errors -- an application may do this
  return () => Promise.reject(reason) as never;
}

/** Returns a function that returns a value that the type of the option does not allow. */
function returning(value: unknown): () => never {
  return () => value as never;
}
