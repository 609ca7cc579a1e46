import { NOW } from "../helpers/parties.ts";
import type { ApiName } from "./api-process.ts";
import type { Clients } from "./clients.ts";
import { accepted, type Expected, failed, rejected } from "./expectations.ts";
import type { Stage } from "./stage.ts";

/** The time in seconds since the epoch, and the expected response to a token that is valid from `NOW` to `NOW + 300`. */
const steps: readonly (readonly [number, Expected])[] = [
  [NOW, accepted],
  [NOW + 3600, rejected],
  [NOW, accepted],
  [NOW - 3600, rejected],
  [Number.NaN, failed],
  [NOW + 299, accepted],
  [Number.POSITIVE_INFINITY, failed],
  [Number.NEGATIVE_INFINITY, failed],
  [NOW + 306, rejected],
  [NOW, accepted],
];

/** Sends requests while the clock jumps forwards and backwards and sometimes returns an invalid time. */
export async function clockSteps({ parties, process }: Stage, api: ApiName, clients: Clients): Promise<void> {
  const newToken = (): Promise<string> => parties.token({ claims: { nbf: NOW } });
  const token = await newToken();
  for (const [now, expected] of steps) {
    await process.setClock(api, now * 1000);
    await clients.client({ path: "/timed", token, expected });
    await clients.client({ path: "/timed", token: await newToken(), expected });
    // With an invalid time, the request of every client fails.
    await clients.thief({ path: "/timed", token, expected: expected === failed ? failed : rejected });
  }
}
