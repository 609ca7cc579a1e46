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

/** Everybody who has a part in a table of set-ups. */
export interface Parties {
  readonly ca: CertificateAuthority;
  readonly client: Identity;
  /** With the name of the client, another key and another certificate. */
  readonly renewed: Identity;
  /** With another name. */
  readonly stranger: Identity;
  readonly issuer: Issuer;
  /** Writes another name into its metadata than the one it is reached by. */
  readonly renamed: Issuer;
  /** Answers what its path says: a page, a status, metadata, an empty key set. */
  readonly faulty: string;
  /** The issuer's key set, over TLS with a certificate of the authority. */
  readonly privateKeySet: string;
  /** Nobody listens there. */
  readonly closed: string;
  readonly folder: Folder;
  /** The issuer's key set. */
  readonly keyFile: string;
  readonly end: () => Promise<void>;
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

/** The metadata of an issuer whose path is /bare: without keys. */
function bareMetadata(host: string): readonly [number, string, string] {
  return [200, "application/json", JSON.stringify({ issuer: `http://${host}/bare` })];
}

/** Creates them, on loopback. */
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
  const faulty = await startServer(
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
  const gone = await startServer(createServer());
  await gone.close();
  const folder = createFolder();
  return {
    ca,
    client,
    renewed,
    stranger,
    issuer,
    renamed,
    faulty: faulty.url,
    privateKeySet: `${privateKeySet.url}/jwks`,
    closed: gone.url,
    folder,
    keyFile: folder.file("jwks.json", JSON.stringify(issuer.jwks)),
    end: async () => {
      folder.remove();
      await Promise.all([issuer, renamed, faulty, privateKeySet].map(({ close }) => close()));
    },
  };
}
