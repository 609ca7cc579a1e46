import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, onTestFinished, test } from "vitest";
import { type IntrospectionEvent, publishIntrospection, publishKeys } from "../../src/events/diagnostics.ts";
import { eventsOf } from "../support/events.ts";
import { listen } from "../support/introspection-events.ts";

const issuer = "https://issuer.example";

/** An event that counts how often it is looked at. */
function countedEvent(): { readonly event: Omit<IntrospectionEvent, "issuer">; readonly looks: () => number } {
  let looks = 0;
  return {
    event: {
      get outcome(): "active" {
        looks += 1;
        return "active";
      },
    },
    looks: () => looks,
  };
}

describe("publishIntrospection", () => {
  test.each(["active", "inactive", "unavailable", "cache-unavailable", "cache-refused"] as const)(
    "tells those who listen of the issuer and of the outcome %s",
    (outcome) => {
      const [one, other] = [listen(), listen()];
      publishIntrospection(issuer, { outcome, detail: "what happened", duration: 12 });
      for (const { all } of [one, other])
        expect(all).toEqual([{ issuer, outcome, detail: "what happened", duration: 12 }]);
    },
  );

  test("has no member that was not given", () => {
    const { all } = listen();
    publishIntrospection(issuer, { outcome: "active" });
    expect(Object.keys(all[0] ?? {})).toEqual(["issuer", "outcome"]);
  });

  test("tells everybody the same: no listener can change it for the next one", () => {
    const meddler = (event: unknown): void => void Reflect.set(event as object, "outcome", "inactive");
    subscribe("certbound:introspection", meddler);
    onTestFinished(() => void unsubscribe("certbound:introspection", meddler));
    const { all } = listen();
    publishIntrospection(issuer, { outcome: "active" });
    expect(all).toEqual([{ issuer, outcome: "active" }]);
  });

  test("makes no event where nobody listens", () => {
    const { event, looks } = countedEvent();
    publishIntrospection(issuer, event);
    expect(looks()).toBe(0);
    const { all } = listen();
    publishIntrospection(issuer, event);
    expect(looks()).toBe(1);
    expect(all).toHaveLength(1);
  });

  test("tells nothing to those who have stopped listening", () => {
    const heard: unknown[] = [];
    const listener = (event: unknown): void => void heard.push(event);
    subscribe("certbound:introspection", listener);
    publishIntrospection(issuer, { outcome: "active" });
    unsubscribe("certbound:introspection", listener);
    publishIntrospection(issuer, { outcome: "inactive" });
    expect(heard).toEqual([{ issuer, outcome: "active" }]);
  });
});

describe("publishKeys", () => {
  test("makes no event where nobody listens", () => {
    let looks = 0;
    const event = {
      duration: 1,
      get outcome(): "fetched" {
        looks += 1;
        return "fetched";
      },
    };
    publishKeys(issuer, event);
    expect(looks).toBe(0);
    const heard = eventsOf("certbound:keys");
    publishKeys(issuer, event);
    expect(heard).toStrictEqual([{ issuer, outcome: "fetched", duration: 1 }]);
    expect(looks).toBe(1);
  });
});
