import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  createIssuer,
  type Identity,
  type Issuer,
  startServer,
} from "@certbound/testing";
import { createFolder, type Folder } from "./running.ts";
import { clock } from "./time.ts";

/** The CA, clients, issuers and servers of the set-ups. */
export interface Parties {
  readonly ca: CertificateAuthority;
  readonly client: Identity;
  /** The same name as the client, with another key and certificate. */
  readonly renewed: Identity;
  /** A client with another name. */
  readonly stranger: Identity;
  readonly issuer: Issuer;
  /** An issuer whose metadata contains another identifier than its URL. */
  readonly renamed: Issuer;
  /** A server whose responses are not key sets: a page, a status, metadata, an empty key set. */
  readonly misconfigured: string;
  /** The URL of the issuer's key set, over TLS with a certificate of the CA. */
  readonly privateKeySet: string;
  /** A URL at which no server listens. */
  readonly closed: string;
  readonly folder: Folder;
  /** The path of the issuer's key set. */
  readonly keyFile: string;
  readonly close: () => Promise<void>;
}

const pages: Readonly<Record<string, readonly [number, string, string]>> = {
  "/login": [200, "text/html", "<!doctype html><title>Sign in</title>"],
  "/moved": [302, "text/plain", ""],
  "/broken": [500, "application/json", "{}"],
  "/empty": [200, "application/json", '{"keys":[]}'],
  "/metadata": [
    200,
    "application/json",
    '{"issuer":"https://auth.example.com","jwks_uri":"https://auth.example.com/jwks"}',
  ],
  "/list": [200, "application/json", "[]"],
};

/** Returns the metadata of an issuer with the path /bare, without a key set. */
function bareMetadata(host: string): readonly [number, string, string] {
  return [200, "application/json", JSON.stringify({ issuer: `http://${host}/bare` })];
}

/** Creates the parties; the servers listen on loopback. */
export async function createParties(): Promise<Parties> {
  const ca = await createCertificateAuthority();
  const [client, renewed, stranger, serverIdentity] = await Promise.all([
    ca.issueClientCertificate(),
    ca.issueClientCertificate(),
    ca.issueClientCertificate({ commonName: "stranger" }),
    ca.issueServerCertificate(),
  ]);
  const issuer = await createIssuer({ clock });
  const renamed = await createIssuer({ issuer: "http://127.0.0.1:1/renamed", clock });
  const misconfigured = await startServer(
    createServer((request, response) => {
      const { url = "", headers } = request;
      const page = url.includes("bare") ? bareMetadata(headers.host ?? "") : pages[url];
      const [status, type, body] = page ?? [404, "text/plain", ""];
      response.writeHead(status, { "content-type": type, ...(status === 302 && { location: "/login" }) }).end(body);
    }),
  );
  const privateKeySet = await startServer(
    createTlsServer({ cert: serverIdentity.certificate, key: serverIdentity.key }, (_request, response) => {
      response.end(JSON.stringify(issuer.jwks));
    }),
  );
  const closed = await startServer(createServer());
  await closed.close();
  const folder = createFolder();
  return {
    ca,
    client,
    renewed,
    stranger,
    issuer,
    renamed,
    misconfigured: misconfigured.url,
    privateKeySet: `${privateKeySet.url}/jwks`,
    closed: closed.url,
    folder,
    keyFile: folder.file("jwks.json", JSON.stringify(issuer.jwks)),
    close: async () => {
      folder.remove();
      await Promise.all([issuer, renamed, misconfigured, privateKeySet].map(({ close }) => close()));
    },
  };
}
