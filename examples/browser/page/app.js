// A public client (RFC 8705 section 4): authorization code with PKCE (RFC 7636). This code does not handle certificates:
// the browser presents its certificate on every connection to this origin, and no script can read the key.

const client = { client_id: "page", redirect_uri: `${location.origin}/` };
const resource = "https://api.example.com";
const code = new URLSearchParams(location.search).get("code");

if (code === null) await requestCode();
else {
  const token = await requestToken(code);
  // A script injected into this page can read the token and use it in this browser, but not in any other.
  sessionStorage.setItem("token", token);
  const response = await fetch("/accounts", { headers: { authorization: `Bearer ${token}` } });
  document.querySelector("output").textContent = await response.text();
}

async function requestCode() {
  const verifier = base64url(crypto.getRandomValues(new Uint8Array(32)));
  sessionStorage.setItem("verifier", verifier);
  const challenge = base64url(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
  const pkce = { code_challenge: challenge, code_challenge_method: "S256" };
  location.assign(
    `/auth?${new URLSearchParams({ ...client, response_type: "code", scope: "read", resource, ...pkce })}`,
  );
}

async function requestToken(authorizationCode) {
  const grant = { grant_type: "authorization_code", code: authorizationCode, resource };
  const body = new URLSearchParams({ ...client, ...grant, code_verifier: sessionStorage.getItem("verifier") });
  const response = await fetch("/token", { method: "POST", body });
  const { access_token: token } = await response.json();
  return token;
}

function base64url(bytes) {
  const base64 = btoa(String.fromCharCode(...new Uint8Array(bytes)));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
