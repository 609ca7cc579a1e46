/** Names the key pairs that an authority can sign certificates with. */
export type AuthorityKeyType = "ec" | "rsa";

/** Holds what signing a certificate takes: the authority's certificate and its private key. */
export interface SigningAuthority {
  readonly commonName: string;
  readonly keyType: AuthorityKeyType;
  /** PEM */
  readonly certificate: string;
  /** PKCS#8 PEM */
  readonly key: string;
}
