import {
  apache,
  awsAlb,
  azureAppService,
  azureApplicationGateway,
  azureContainerApps,
  caddy,
  cloudFoundry,
  cloudflare,
  cloudFront,
  envoy,
  forwardedHeader,
  fromProxy,
  gcp,
  haproxy,
  ingressNginx,
  kong,
  nginx,
  openShift,
  rfc9440,
  traefik,
} from "@certbound/core";

const { PROXY_SECRET = "" } = process.env;
const trust = { secret: { header: "x-proxy-secret", value: PROXY_SECRET } };
const [frontEnd, ingress, routers] = ["10.0.3.0/24", "10.0.4.0/24", "10.0.5.0/24"] as const;

// #region istio
const lastHopUri = "spiffe://cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account";
// #endregion

/** Options of `protectApi`, by the proxy that the API is behind. */
export const options = {
  rfc9440: {
    // #region rfc9440
    certificateResolver: fromProxy(rfc9440(), { trust }),
    // #endregion
  },
  nginx: {
    // #region nginx
    certificateResolver: fromProxy(nginx(), { trust }),
    // #endregion
  },
  haproxy: {
    // #region haproxy
    certificateResolver: fromProxy(haproxy({ usedHeader: "x-ssl-client-used" }), { trust }),
    // #endregion
  },
  apache: {
    // #region apache
    certificateResolver: fromProxy(apache(), { trust }),
    // #endregion
  },
  caddy: {
    // #region caddy
    certificateResolver: fromProxy(caddy(), { trust }),
    // #endregion
  },
  ingressNginx: {
    // #region ingress-nginx
    certificateResolver: fromProxy(ingressNginx(), { trust }),
    // #endregion
  },
  envoy: {
    // #region envoy
    certificateResolver: fromProxy(envoy(), { trust }),
    // #endregion
  },
  istio: {
    // #region istio
    certificateResolver: fromProxy(envoy({ elements: 2, index: 0, lastHopUri }), { trust }),
    // #endregion
  },
  envoyHeader: {
    // #region envoy-header
    certificateResolver: fromProxy(forwardedHeader({ header: "x-client-cert", encoding: "pem-urlencoded" }), { trust }),
    // #endregion
  },
  traefik: {
    // #region traefik
    certificateResolver: fromProxy(traefik(), { trust }),
    // #endregion
  },
  kong: {
    // #region kong
    certificateResolver: fromProxy(kong(), { trust }),
    // #endregion
  },
  openShift: {
    // #region openshift
    certificateResolver: fromProxy(openShift(), { trust }),
    // #endregion
  },
  awsAlb: {
    // #region aws-alb
    certificateResolver: fromProxy(awsAlb(), { trust: { addresses: ["10.0.1.0/24", "10.0.2.0/24"] } }), // its subnets
    // #endregion
  },
  cloudFront: {
    // #region cloudfront
    certificateResolver: fromProxy(cloudFront(), { trust }),
    // #endregion
  },
  gcp: {
    // #region gcp
    certificateResolver: fromProxy(gcp(), { trust }),
    // #endregion
  },
  gcpHash: {
    // #region gcp
    // with X-Client-Cert-Hash:{client_cert_sha256_fingerprint} instead of the leaf
    certificateResolver: fromProxy(gcp({ encoding: "sha256-base64" }), { trust }),
    // #endregion
  },
  azureAppService: {
    // #region azure-app-service
    certificateResolver: fromProxy(azureAppService(), { trust: { addresses: [frontEnd] } }),
    // #endregion
  },
  azureApplicationGateway: {
    // #region azure-application-gateway
    certificateResolver: fromProxy(azureApplicationGateway(), { trust }),
    // #endregion
  },
  azureContainerApps: {
    // #region azure-container-apps
    certificateResolver: fromProxy(azureContainerApps(), { trust: { addresses: [ingress] } }),
    // #endregion
  },
  cloudFoundry: {
    // #region cloud-foundry
    certificateResolver: fromProxy(cloudFoundry(), { trust: { addresses: [routers] } }),
    // #endregion
  },
  cloudflare: {
    // #region cloudflare
    certificateResolver: fromProxy(cloudflare({ encoding: "rfc9440" }), { trust }),
    // #endregion
  },
  other: {
    // #region other
    certificateResolver: fromProxy(
      forwardedHeader({
        header: "x-client-cert",
        encoding: "pem-urlencoded",
        verify: { header: "x-client-verify", success: "SUCCESS" },
      }),
      { trust },
    ),
    // #endregion
  },
  akamai: {
    // #region akamai
    certificateResolver: fromProxy(forwardedHeader({ header: "akamai-cc-der", encoding: "rfc9440" }), { trust }),
    // #endregion
  },
  fastly: {
    // #region fastly
    certificateResolver: fromProxy(forwardedHeader({ header: "x-client-cert", encoding: "pem-base64" }), { trust }),
    // #endregion
  },
  bigIp: {
    // #region big-ip
    certificateResolver: fromProxy(
      forwardedHeader({
        header: "x-client-cert-der",
        encoding: "der-base64",
        verify: { header: "x-client-verify", success: "0" },
      }),
      { trust },
    ),
    // #endregion
  },
};
