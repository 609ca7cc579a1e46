import { hash } from "node:crypto";

/** Names a token in a memory of this process: its SHA-256, so that the memory holds no tokens. */
export function tokenDigest(token: string): string {
  return hash("sha256", token, "base64url");
}
