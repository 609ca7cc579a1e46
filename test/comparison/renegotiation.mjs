// A thief that presents the owner's certificate in a TLS 1.2 renegotiation. It never completes it, so it needs no key.

import {
  certificateMessage,
  clientHello,
  clientKeyExchange,
  connectRenegotiatingClient,
} from "../helpers/renegotiating-client.mjs";
import { describeResponse, issueToken } from "./requests.mjs";

/**
 * Sends the stolen token in one TCP segment with the start of the renegotiation. The server process reports its response,
 * because the thief cannot read it.
 *
 * @param {import("./parties.mjs").RunningCandidate} candidate
 * @param {string} route
 * @param {import("./parties.mjs").Parties} parties
 */
export async function outcomeOfRenegotiation(candidate, route, parties) {
  const { client: owner, thief } = parties;
  const token = await issueToken(candidate.name, parties, { boundTo: owner });
  const lines = ["Host: localhost", `Authorization: Bearer ${token}`, "Content-Length: 0", "X-Report: 1"];
  const request = `POST /${route} HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;
  const connection = await connectRenegotiatingClient(Number(new URL(candidate.url).port), thief);
  try {
    const reported = candidate.nextReport();
    connection.send(request, clientHello(), certificateMessage(owner), clientKeyExchange());
    const { status, challenge } = await reported;
    return describeResponse(status, challenge);
  } finally {
    connection.hangUp();
  }
}
