import { afterAll, vi } from "vitest";

/** What the servers of the guides read from the environment. */
export interface GuideEnvironment {
  readonly issuer: { readonly issuer: string; readonly audience: string };
  readonly host: { readonly key: string; readonly certificate: string };
  /** The authority of the clients; left out where the guide names none. */
  readonly clientCa?: string;
}

/** Sets the environment of a guide until the tests of the file have ended; to be called before the guide is imported. */
export function setEnvironment({ issuer, host, clientCa }: GuideEnvironment): void {
  vi.stubEnv("CERTBOUND_ISSUER", issuer.issuer);
  vi.stubEnv("CERTBOUND_AUDIENCE", issuer.audience);
  vi.stubEnv("SERVER_KEY", host.key);
  vi.stubEnv("SERVER_CERTIFICATE", host.certificate);
  if (clientCa !== undefined) vi.stubEnv("CLIENT_CA", clientCa);
  afterAll(() => void vi.unstubAllEnvs());
}

/** Loads the server of a guide again, with these variables changed meanwhile; `undefined` removes one. */
export async function startWith(
  load: () => Promise<unknown>,
  variables: Readonly<Record<string, string | undefined>>,
): Promise<unknown> {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  for (const [name, value] of Object.entries(variables)) setVariable(name, value);
  try {
    vi.resetModules();
    return await load();
  } finally {
    for (const [name, value] of before) setVariable(name, value);
  }
}

function setVariable(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}
