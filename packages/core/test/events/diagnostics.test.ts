import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, onTestFinished, test } from "vitest";
import { type IntrospectionEvent, publishIntrospection, publishKeys } from "../../src/events/diagnostics.ts";
import { eventsOf } from "../support/events.ts";
import { listen } from "../support/introspection-events.ts";

const issuer = "https://issuer.example";

/** Creates an event that counts how often it is read. */
function countedEvent(): { readonly event: Omit<IntrospectionEvent, "issuer">; readonly reads: () => number } {
  let reads = 0;
  return {
    event: {
      get outcome(): "active" {
        reads += 1;
        return "active";
      },
    },
    reads: () => reads,
  };
}

describe("publishIntrospection", () => {
  test.each(["active", "inactive", "unavailable", "cache-unavailable", "cache-refused"] as const)(
    "publishes the issuer and the outcome %s to every subscriber",
    (outcome) => {
      const [one, other] = [listen(), listen()];
      publishIntrospection(issuer, { outcome, detail: "what happened", duration: 12 });
      for (const { all } of [one, other])
        expect(all).toEqual([{ issuer, outcome, detail: "what happened", duration: 12 }]);
    },
  );

  test("publishes only the given members", () => {
    const { all } = listen();
    publishIntrospection(issuer, { outcome: "active" });
    expect(Object.keys(all[0] ?? {})).toEqual(["issuer", "outcome"]);
  });

  test("publishes an event that no listener can change for the next one", () => {
    const meddler = (event: unknown): void => void Reflect.set(event as object, "outcome", "inactive");
    subscribe("certbound:introspection", meddler);
    onTestFinished(() => void unsubscribe("certbound:introspection", meddler));
    const { all } = listen();
    publishIntrospection(issuer, { outcome: "active" });
    expect(all).toEqual([{ issuer, outcome: "active" }]);
  });

  test("creates no event without a subscriber", () => {
    const { event, reads } = countedEvent();
    publishIntrospection(issuer, event);
    expect(reads()).toBe(0);
    const { all } = listen();
    publishIntrospection(issuer, event);
    expect(reads()).toBe(1);
    expect(all).toHaveLength(1);
  });

  test("publishes nothing to a listener that has unsubscribed", () => {
    const events: unknown[] = [];
    const listener = (event: unknown): void => void events.push(event);
    subscribe("certbound:introspection", listener);
    publishIntrospection(issuer, { outcome: "active" });
    unsubscribe("certbound:introspection", listener);
    publishIntrospection(issuer, { outcome: "inactive" });
    expect(events).toEqual([{ issuer, outcome: "active" }]);
  });
});

describe("publishKeys", () => {
  test("creates no event without a subscriber", () => {
    let reads = 0;
    const event = {
      duration: 1,
      get outcome(): "fetched" {
        reads += 1;
        return "fetched";
      },
    };
    publishKeys(issuer, event);
    expect(reads).toBe(0);
    const events = eventsOf("certbound:keys");
    publishKeys(issuer, event);
    expect(events).toStrictEqual([{ issuer, outcome: "fetched", duration: 1 }]);
    expect(reads).toBe(1);
  });
});
