import type { AccessToken, AccessTokenClaims } from "@certbound/core";

/** An account of this API. */
export interface Account {
  readonly id: string;
  /** The user, as {@link userOf} returns it. */
  readonly owner: string;
}

// #region decisions
/** Identifies the user. `sub` is unique only within its issuer; names and e-mail addresses can be assigned to others. */
export function userOf({ iss, sub }: AccessTokenClaims): string | undefined {
  return sub === undefined ? undefined : JSON.stringify([iss, sub]);
}

/** The members of `authorization_details` (RFC 9396) that this API uses, before their types are checked. */
type Detail = { readonly type?: unknown; readonly identifier?: unknown; readonly actions?: unknown } | null;

/** Decides by the user and by `authorization_details`. `protect()` has already checked the scopes. */
export function mayRead({ claims }: AccessToken, account: Account | undefined): boolean {
  if (account === undefined || userOf(claims) !== account.owner) return false;
  const details = claims["authorization_details"];
  return (Array.isArray(details) ? (details as Detail[]) : []).some(
    (detail) =>
      detail?.type === "account_information" &&
      detail.identifier === account.id &&
      Array.isArray(detail.actions) &&
      detail.actions.includes("read"),
  );
}

/** Decides by the methods with which the user logged in (RFC 8176). */
export function usedHardwareKey({ claims }: AccessToken): boolean {
  const methods = claims["amr"];
  return Array.isArray(methods) && methods.includes("hwk");
}
// #endregion
