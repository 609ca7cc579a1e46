const directives =
  /^.*\b(?:ssl_session_cache|ssl_session_tickets|tune\.ssl\.cachesize|SSLSessionCache|SSLSessionTickets)\b.*\n/gm;

/** Removes everything that disables TLS session resumption from the configuration of a proxy. */
export function withResumption(configuration: string): string {
  return configuration.replaceAll(directives, "").replaceAll(" no-tls-tickets", "");
}
