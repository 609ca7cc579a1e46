import { createVerifier, type Verifier } from "@certbound/core";

export const verifier: Verifier = createVerifier({
  issuer: "https://auth.example.com",
  audience: "https://api.example.com",
});
