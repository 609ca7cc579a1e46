const WELL_KNOWN = "/.well-known/oauth-protected-resource";

/** Tells whether a text can be a resource identifier (RFC 9728 section 1.2): an https URL without fragment. */
export function isResourceIdentifier(resource: string): boolean {
  return URL.canParse(resource) && new URL(resource).protocol === "https:" && !resource.includes("#");
}

/** Where the metadata of a resource is: host, and the path (with query) on it. */
export function metadataLocation(resource: string): { readonly origin: string; readonly path: string } {
  const { origin, pathname, search } = new URL(resource);
  // Inserted between host and path; a slash that ends the host is dropped (RFC 9728 section 3.1).
  return { origin, path: `${WELL_KNOWN}${pathname === "/" ? "" : pathname}${search}` };
}
