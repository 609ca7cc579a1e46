import { type Identity, mtlsRequest } from "@certbound/testing";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createParties } from "../helpers/parties.ts";
import { exposedBackends, startRoute } from "./open-api.ts";

const parties = await createParties();
await parties.issuer.close();

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const count = 10;

describe.each(exposedBackends)("%s", (_name, backend) => {
  test.each([
    ["rejected", parties.thief],
    ["accepted", parties.client],
  ] as const)("does not retain requests that it has %s", async (_what, identity: Identity) => {
    const seen: WeakRef<object>[] = [];
    const token = await parties.token();
    const tokenResolver = async (request: unknown): Promise<string> => {
      seen.push(new WeakRef(request as object));
      return token;
    };
    const { url, close } = await startRoute(backend, parties, { tokenResolver });
    onTestFinished(close);
    for (let sent = 0; sent < count; sent += 1) await mtlsRequest(url, { ca: parties.ca.certificate, identity });
    expect(seen).toHaveLength(count);
    // Node releases a request some time after its connection has closed, so the last ones may still be referenced.
    await vi.waitFor(() => {
      collectGarbage();
      expect(seen.filter((reference) => reference.deref() !== undefined).length).toBeLessThanOrEqual(2);
    });
  });
});
