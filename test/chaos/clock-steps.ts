import { NOW } from "../helpers/parties.ts";
import type { ApiName } from "./api-process.ts";
import type { Clients } from "./clients.ts";
import { accepted, type Expected, failed, rejected } from "./expectations.ts";
import type { Stage } from "./stage.ts";

/** What the clock says, in seconds since the epoch, and what comes of a token that is good from `NOW` to `NOW + 300`. */
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

/** A clock that steps to and fro, and tells no time now and then. */
export async function clockSteps({ parties, process }: Stage, api: ApiName, clients: Clients): Promise<void> {
  const newToken = (): Promise<string> => parties.token({ claims: { nbf: NOW } });
  const token = await newToken();
  for (const [now, expected] of steps) {
    await process.setClock(api, now * 1000);
    await clients.client({ path: "/timed", token, expected });
    await clients.client({ path: "/timed", token: await newToken(), expected });
    // Where there is no time, it is a failure for everybody.
    await clients.thief({ path: "/timed", token, expected: expected === failed ? failed : rejected });
  }
}
