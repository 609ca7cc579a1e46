import { mtlsRequest } from "@certbound/testing";
import { expect } from "vitest";
import { expectRefused } from "../../answers.ts";
import { conforms, type ConformanceCase } from "../../conformance-case.ts";

export const cases: readonly ConformanceCase[] = (["TLSv1.2", "TLSv1.3"] as const).map((tlsVersion) =>
  conforms("S-01", `refuses a token over a resumed ${tlsVersion} session without a certificate`, async (stage) => {
    const { scene, servers } = stage;
    const ca = scene.ca.certificate;
    for (const { url, routeOf } of servers) {
      const address = `${url}${routeOf().path}`;
      const send = (options: object) => mtlsRequest(address, { ca, tlsVersion, token: scene.token(), ...options });
      const bound = await send({ identity: scene.own });
      const resumedBound = await send({ identity: scene.own, session: bound.tls.session });
      const bare = await send({});
      const resumed = await send({ session: bare.tls.session });
      expect([bound.status, resumedBound.status, resumedBound.tls.sessionReused]).toEqual([200, 200, true]);
      expectRefused(resumed, "ERR_CERTIFICATE_MISSING");
      expect(resumed.tls.sessionReused).toBe(true);
    }
  }),
);
