// #region fromProxy
import { createAuthenticator, fromProxy, nginx } from "@certbound/core";
// #endregion
import {
  apache,
  type Authenticator,
  awsAlb,
  azureApplicationGateway,
  azureAppService,
  azureContainerApps,
  caddy,
  cloudFoundry,
  cloudFront,
  cloudflare,
  envoy,
  forwardedHeader,
  gcp,
  haproxy,
  ingressNginx,
  type IncomingRequest,
  kong,
  openShift,
  rfc9440,
  traefik,
} from "@certbound/core";

// Each function returns the authenticator of an API behind a proxy that terminates TLS.

export function behindProxy(proxySecret: string): Authenticator<IncomingRequest> {
  // #region fromProxy

  // The proxy sends the secret with every request, next to the header with the certificate.
  const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
  const authenticator = createAuthenticator({
    issuer: "https://auth.example.com",
    audience: "https://api.example.com",
    certificateResolver: fromProxy(nginx(), { trust }),
  });
  // #endregion
  return authenticator;
}

export function behindRfc9440(proxySecret: string): Authenticator<IncomingRequest> {
  // #region rfc9440
  const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
  const authenticator = createAuthenticator({
    issuer: "https://auth.example.com",
    audience: "https://api.example.com",
    certificateResolver: fromProxy(rfc9440(), { trust }),
  });
  // #endregion
  return authenticator;
}

export function behindNginx(proxySecret: string): Authenticator<IncomingRequest> {
  // #region nginx
  const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
  const authenticator = createAuthenticator({
    issuer: "https://auth.example.com",
    audience: "https://api.example.com",
    certificateResolver: fromProxy(nginx(), { trust }),
  });
  // #endregion
  return authenticator;
}

export function behindIngressNginx(proxySecret: string): Authenticator<IncomingRequest> {
  // #region ingressNginx
  const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
  const authenticator = createAuthenticator({
    issuer: "https://auth.example.com",
    audience: "https://api.example.com",
    certificateResolver: fromProxy(ingressNginx(), { trust }),
  });
  // #endregion
  return authenticator;
}

export function behindHaproxy(proxySecret: string): Authenticator<IncomingRequest> {
  // #region haproxy
  // http-request set-header X-SSL-Client-Used %[ssl_c_used]
  const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
  const authenticator = createAuthenticator({
    issuer: "https://auth.example.com",
    audience: "https://api.example.com",
    certificateResolver: fromProxy(haproxy({ usedHeader: "x-ssl-client-used" }), { trust }),
  });
  // #endregion
  return authenticator;
}

export function behindOpenShift(proxySecret: string): Authenticator<IncomingRequest> {
  // #region openShift
  const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
  const authenticator = createAuthenticator({
    issuer: "https://auth.example.com",
    audience: "https://api.example.com",
    certificateResolver: fromProxy(openShift(), { trust }),
  });
  // #endregion
  return authenticator;
}

export function behindApache(proxySecret: string): Authenticator<IncomingRequest> {
  // #region apache
  const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
  const authenticator = createAuthenticator({
    issuer: "https://auth.example.com",
    audience: "https://api.example.com",
    certificateResolver: fromProxy(apache(), { trust }),
  });
  // #endregion
  return authenticator;
}

export function behindCaddy(proxySecret: string): Authenticator<IncomingRequest> {
  // #region caddy
  const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
  const authenticator = createAuthenticator({
    issuer: "https://auth.example.com",
    audience: "https://api.example.com",
    certificateResolver: fromProxy(caddy(), { trust }),
  });
  // #endregion
  return authenticator;
}

export function behindTraefik(proxySecret: string): Authenticator<IncomingRequest> {
  // #region traefik
  const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
  const authenticator = createAuthenticator({
    issuer: "https://auth.example.com",
    audience: "https://api.example.com",
    certificateResolver: fromProxy(traefik(), { trust }),
  });
  // #endregion
  return authenticator;
}

export function behindKong(proxySecret: string): Authenticator<IncomingRequest> {
  // #region kong
  const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
  const authenticator = createAuthenticator({
    issuer: "https://auth.example.com",
    audience: "https://api.example.com",
    certificateResolver: fromProxy(kong(), { trust }),
  });
  // #endregion
  return authenticator;
}

export function behindIstio(proxySecret: string): Authenticator<IncomingRequest> {
  // #region envoy
  // A gateway and a sidecar of Istio; for a single Envoy at the edge: envoy()
  const gatewayUri = "spiffe://cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account";
  const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
  const authenticator = createAuthenticator({
    issuer: "https://auth.example.com",
    audience: "https://api.example.com",
    certificateResolver: fromProxy(envoy({ elements: 2, index: 0, lastHopUri: gatewayUri }), { trust }),
  });
  // #endregion
  return authenticator;
}

export function behindCloudFoundry(routerAddresses: readonly string[]): Authenticator<IncomingRequest> {
  // #region cloudFoundry
  const trust = { addresses: routerAddresses }; // such as "10.0.5.0/24"
  const authenticator = createAuthenticator({
    issuer: "https://auth.example.com",
    audience: "https://api.example.com",
    certificateResolver: fromProxy(cloudFoundry(), { trust }),
  });
  // #endregion
  return authenticator;
}

export function behindAwsAlb(loadBalancerSubnets: readonly string[]): Authenticator<IncomingRequest> {
  // #region awsAlb
  const trust = { addresses: loadBalancerSubnets }; // such as "10.0.1.0/24"
  const authenticator = createAuthenticator({
    issuer: "https://auth.example.com",
    audience: "https://api.example.com",
    certificateResolver: fromProxy(awsAlb(), { trust }),
  });
  // #endregion
  return authenticator;
}

export function behindCloudFront(proxySecret: string): Authenticator<IncomingRequest> {
  // #region cloudFront
  const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
  const authenticator = createAuthenticator({
    issuer: "https://auth.example.com",
    audience: "https://api.example.com",
    certificateResolver: fromProxy(cloudFront(), { trust }),
  });
  // #endregion
  return authenticator;
}

export function behindGcp(proxySecret: string): Authenticator<IncomingRequest> {
  // #region gcp
  const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
  const authenticator = createAuthenticator({
    issuer: "https://auth.example.com",
    audience: "https://api.example.com",
    certificateResolver: fromProxy(gcp(), { trust }),
  });
  // #endregion
  return authenticator;
}

export function behindAzureAppService(frontEndAddresses: readonly string[]): Authenticator<IncomingRequest> {
  // #region azureAppService
  const trust = { addresses: frontEndAddresses }; // such as "10.0.3.0/24"
  const authenticator = createAuthenticator({
    issuer: "https://auth.example.com",
    audience: "https://api.example.com",
    certificateResolver: fromProxy(azureAppService(), { trust }),
  });
  // #endregion
  return authenticator;
}

export function behindAzureApplicationGateway(proxySecret: string): Authenticator<IncomingRequest> {
  // #region azureApplicationGateway
  const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
  const authenticator = createAuthenticator({
    issuer: "https://auth.example.com",
    audience: "https://api.example.com",
    certificateResolver: fromProxy(azureApplicationGateway(), { trust }),
  });
  // #endregion
  return authenticator;
}

export function behindAzureContainerApps(ingressAddresses: readonly string[]): Authenticator<IncomingRequest> {
  // #region azureContainerApps
  const trust = { addresses: ingressAddresses }; // such as "10.0.4.0/24"
  const authenticator = createAuthenticator({
    issuer: "https://auth.example.com",
    audience: "https://api.example.com",
    certificateResolver: fromProxy(azureContainerApps(), { trust }),
  });
  // #endregion
  return authenticator;
}

export function behindCloudflare(proxySecret: string): Authenticator<IncomingRequest> {
  // #region cloudflare
  const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
  const authenticator = createAuthenticator({
    issuer: "https://auth.example.com",
    audience: "https://api.example.com",
    certificateResolver: fromProxy(cloudflare({ encoding: "rfc9440" }), { trust }),
  });
  // #endregion
  return authenticator;
}

export function behindOtherProxy(proxySecret: string): Authenticator<IncomingRequest> {
  // #region forwardedHeader
  const format = forwardedHeader({
    header: "x-client-cert",
    encoding: "pem-urlencoded",
    verify: { header: "x-client-verify", success: "SUCCESS" },
  });
  const authenticator = createAuthenticator({
    issuer: "https://auth.example.com",
    audience: "https://api.example.com",
    certificateResolver: fromProxy(format, { trust: { secret: { header: "x-proxy-secret", value: proxySecret } } }),
  });
  // #endregion
  return authenticator;
}
