// A public client (RFC 8705 section 4): authorization code with PKCE (RFC 7636). Nothing in here has to do with
// certificates. The browser presents its own on every connection to this origin, and no script can read its key.

const client = { client_id: "page", redirect_uri: `${location.origin}/` };
const resource = "https://api.example.com";
const code = new URLSearchParams(location.search).get("code");

if (code === null) await askForCode();
else {
  const token = await exchange(code);
  // Whoever brings a script into this page can read the token here, and use it in this browser: not in any other one.
  sessionStorage.setItem("token", token);
  const response = await fetch("/accounts", { headers: { authorization: `Bearer ${token}` } });
  document.querySelector("output").textContent = await response.text();
}

async function askForCode() {
  const verifier = base64url(crypto.getRandomValues(new Uint8Array(32)));
  sessionStorage.setItem("verifier", verifier);
  const challenge = base64url(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
  const pkce = { code_challenge: challenge, code_challenge_method: "S256" };
  location.assign(
    `/auth?${new URLSearchParams({ ...client, response_type: "code", scope: "read", resource, ...pkce })}`,
  );
}

async function exchange(authorizationCode) {
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
