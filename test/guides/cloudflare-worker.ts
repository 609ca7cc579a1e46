import { createVerifier } from "@certbound/core";

const { ISSUER = "https://auth.example.com" } = process.env;
const verifier = createVerifier({ issuer: ISSUER, audience: "https://api.example.com" });

/** The members of a Worker's request that this code reads. */
export interface WorkerRequest {
  readonly cf: {
    readonly tlsClientAuth: {
      readonly [Name in "certPresented" | "certVerified" | "certRevoked" | "certFingerprintSHA256"]: string;
    };
  };
}

/** Returns the client of a request. */
export async function clientOf(request: WorkerRequest, token: string): Promise<unknown> {
  // #region verify
  const { certPresented, certVerified, certRevoked, certFingerprintSHA256 } = request.cf.tlsClientAuth;
  const present = certPresented === "1" && certVerified === "SUCCESS" && certRevoked !== "1";
  const thumbprint = Buffer.from(certFingerprintSHA256, "hex").toString("base64url");
  const { claims } = await verifier.verify(token, { clientCertificate: present ? { thumbprint } : null });
  // #endregion
  return claims["client_id"];
}
